//! Other people's decrypters.

use std::path::{Path, PathBuf};
use std::process::Command;

use kinora_packager::{crypt::Scheme, package::Method};

use super::{Clip, KEY_ID, SCHEMES, encryption, tracks};
use crate::peers::{frames, shaka};

const KEY_TEXT: &str = "0123456789abcdef0123456789abcdef";

/// Clear and protected tracks of a clip, as files.
fn written(folder: &Path, files: &[Vec<u8>], scheme: Scheme) -> Vec<(PathBuf, PathBuf)> {
    let clear = tracks(files, None);
    let sealed = tracks(files, Some(&encryption(Method::Samples(scheme))));
    let put = |kind: &str, number: usize, bytes: &[u8]| {
        let path = folder.join(format!("{kind}-{scheme:?}-{number}.mp4"));
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let pairs = clear.iter().zip(&sealed).enumerate();
    pairs.map(|(n, (clear, sealed))| (put("clear", n, clear), put("sealed", n, sealed))).collect()
}

#[test]
fn ffmpeg_decodes_the_same_frames() {
    let folder = tempfile::tempdir().unwrap();
    for clip in Clip::all() {
        let files = [clip.bytes()];
        for scheme in SCHEMES {
            for (clear, sealed) in written(folder.path(), &files, scheme) {
                let expected = frames(&[], &clear);
                assert!(expected.len() >= 50);
                let found = frames(&["-decryption_key", KEY_TEXT], &sealed);
                assert!(found == expected, "{clip:?} {scheme:?}");
            }
        }
    }
}

#[test]
fn shaka_packager_decrypts_the_same_frames() {
    let Some(shaka) = shaka() else { return };
    let folder = tempfile::tempdir().unwrap();
    for clip in Clip::all() {
        let files = [clip.bytes()];
        for scheme in SCHEMES {
            for (clear, sealed) in written(folder.path(), &files, scheme) {
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
