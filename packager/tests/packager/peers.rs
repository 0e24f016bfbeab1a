//! Other people's programs.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use kinora_packager::package::Layout;

use crate::crypt::{clips::Clip, with_package};

/// What each decoded picture, or piece of sound, is.
pub(crate) fn frames(before: &[&str], path: &Path) -> Vec<String> {
    decoded(before, path, "0")
}

/// Of one stream, or all.
fn decoded(before: &[&str], path: &Path, stream: &str) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(before)
        .arg("-i")
        .arg(path)
        .args(["-map", stream, "-vsync", "passthrough", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let frames = text.lines().filter(|line| !line.starts_with('#'));
    frames.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

/// Shaka Packager, where it is: it takes npm's `shaka-packager` and is for comparison only.
pub(crate) fn shaka() -> Option<PathBuf> {
    let found = std::env::var_os("SHAKA_PACKAGER").map(PathBuf::from);
    if found.is_none() {
        eprintln!("skipped: SHAKA_PACKAGER names no Shaka Packager");
    }
    found
}

/// What we write of a clip, single files and segments joined, is decoded alike after Shaka Packager read
/// and wrote it, and its pictures are those of the clip.
#[test]
fn shaka_packager_reads_the_same_frames() {
    let Some(shaka) = shaka() else { return };
    let folder = tempfile::tempdir().unwrap();
    for clip in Clip::all() {
        let files = [clip.bytes()];
        let source = folder.path().join("source.mp4");
        std::fs::write(&source, &files[0]).unwrap();
        let pictures = decoded(&[], &source, "0:v:0");
        for layout in [Layout::SingleFile, Layout::Segments] {
            let tracks = with_package(&files, layout, None, |package, segments| {
                let joined = package.outputs.iter().zip(segments).map(|(output, segments)| {
                    [&output.init[..], &output.index, &segments.concat()].concat()
                });
                joined.collect::<Vec<_>>()
            });
            for (kind, track) in ["video", "audio"].iter().zip(tracks) {
                let name = format!("{clip:?} {layout:?} {kind}");
                let [ours, theirs] =
                    ["ours", "shaka"].map(|who| folder.path().join(format!("{who}.mp4")));
                std::fs::write(&ours, track).unwrap();
                let expected = frames(&[], &ours);
                assert!(*kind == "audio" || expected == pictures, "{name}");
                assert!(expected.len() >= 50, "{name}");
                let stream =
                    format!("in={},stream={kind},output={}", ours.display(), theirs.display());
                let run = Command::new(&shaka).arg(&stream).output().unwrap();
                assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
                assert!(frames(&[], &theirs) == expected, "{name}");
            }
        }
    }
}
