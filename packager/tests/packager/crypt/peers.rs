//! Other people's decrypters.

use std::path::{Path, PathBuf};
use std::process::Command;

use kinora_packager::{crypt::Scheme, package::Method};

use super::{Clip, KEY_ID, SCHEMES, encryption, tracks};

const KEY_TEXT: &str = "0123456789abcdef0123456789abcdef";

/// What each decoded picture, or piece of sound, is.
fn frames(before: &[&str], path: &Path) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(before)
        .arg("-i")
        .arg(path)
        .args(["-f", "framemd5", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let frames = text.lines().filter(|line| !line.starts_with('#'));
    frames.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

/// Clear and protected tracks of a clip, as files.
fn written(folder: &Path, clip: Clip, scheme: Scheme) -> Vec<(PathBuf, PathBuf)> {
    let files = [clip.bytes()];
    let clear = tracks(&files, None);
    let sealed = tracks(&files, Some(&encryption(Method::Samples(scheme))));
    let put = |kind: &str, number: usize, bytes: &[u8]| {
        let path = folder.join(format!("peer-{kind}-{clip:?}-{scheme:?}-{number}.mp4"));
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let pairs = clear.iter().zip(&sealed).enumerate();
    pairs.map(|(n, (clear, sealed))| (put("clear", n, clear), put("sealed", n, sealed))).collect()
}

#[test]
fn ffmpeg_decodes_the_same_frames() {
    let folder = tempfile::tempdir().unwrap();
    for clip in [Clip::Avc, Clip::AvcInterlaced, Clip::Hevc] {
        for scheme in SCHEMES {
            for (clear, sealed) in written(folder.path(), clip, scheme) {
                let expected = frames(&[], &clear);
                assert!(expected.len() >= 100);
                let found = frames(&["-decryption_key", KEY_TEXT], &sealed);
                assert!(found == expected, "{clip:?} {scheme:?}");
            }
        }
    }
}

/// Shaka Packager, where it is: it takes npm's `shaka-packager` and is for comparison only.
fn shaka() -> Option<PathBuf> {
    let found = std::env::var_os("SHAKA_PACKAGER").map(PathBuf::from);
    if found.is_none() {
        eprintln!("skipped: SHAKA_PACKAGER names no Shaka Packager");
    }
    found
}

#[test]
fn shaka_packager_decrypts_the_same_frames() {
    let Some(shaka) = shaka() else { return };
    let folder = tempfile::tempdir().unwrap();
    for clip in Clip::all() {
        for scheme in SCHEMES {
            for (clear, sealed) in written(folder.path(), clip, scheme) {
                let decrypted = sealed.with_extension("shaka.mp4");
                let kind =
                    if sealed.to_string_lossy().ends_with("-0.mp4") { "video" } else { "audio" };
                let (input, output) = (sealed.display(), decrypted.display());
                let stream = format!("in={input},stream={kind},output={output}");
                let keys = format!("label=:key_id={KEY_ID}:key={KEY_TEXT}");
                let run = Command::new(&shaka)
                    .args([stream.as_str(), "--enable_raw_key_decryption", "--keys", &keys])
                    .output()
                    .unwrap();
                assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
                assert!(frames(&[], &decrypted) == frames(&[], &clear), "{clip:?} {scheme:?}");
            }
        }
    }
}
