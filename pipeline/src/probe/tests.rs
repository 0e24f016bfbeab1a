use std::{
    fmt::Write as _,
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Instant,
};

use super::*;
use crate::decode::Decoding;

fn probe(path: &Path) -> Result<ProbeReport, PipelineError> {
    probe_within(path, 8192, 24 * 3600 * 1_000_000_000)
}

fn probe_within(
    path: &Path,
    max_side: u32,
    max_duration_ns: u64,
) -> Result<ProbeReport, PipelineError> {
    gst::init().unwrap();
    let source = Source::file(path).unwrap();
    let spec = ProbeSpec { max_side, max_duration_ns, ..ProbeSpec::new(source.size()) };
    run(&spec, &source, &mut Reporter::new(Box::new(io::sink())))
}

fn code(result: &Result<ProbeReport, PipelineError>) -> &str {
    match result {
        Err(PipelineError::Input { code, .. }) => code,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Clips that no one on this project made, beside the checkout; not everyone has them.
fn media() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/media");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: {} is not there", folder.display());
    None
}

/// One line a clip: what a person compares with what ffprobe says.
fn line(result: &Result<ProbeReport, PipelineError>) -> String {
    let report = match result {
        Ok(report) => report,
        Err(error) => {
            let failure = error.failure();
            return format!("{:?} {}: {}", failure.kind, failure.code, failure.message);
        }
    };
    let ms = |ns: u64| (ns + 500_000) / 1_000_000;
    let mut line = String::new();
    if let Some(v) = &report.video {
        let _ = write!(line, "{} {}x{} {}", v.codec, v.width, v.height, v.frame_rate);
        let _ = write!(line, " {} frames {}-{} ms", v.frames, ms(v.first_pts_ns), ms(v.end_pts_ns));
        let _ = write!(line, " {} keys", v.key_frames_ns.len());
        for (is, word) in [
            (v.variable_rate, " variable"),
            (v.interlaced, " interlaced"),
            (v.hdr, " hdr"),
            (v.bit_depth != 8, " deep"),
            (report.seekable, " seekable"),
        ] {
            line.push_str(if is { word } else { "" });
        }
        if v.orientation != kinora_plan::Orientation::Rotate0 {
            let _ = write!(line, " {:?}", v.orientation);
        }
        if v.pixel_aspect != (1, 1) {
            let _ = write!(line, " {}:{}", v.pixel_aspect.0, v.pixel_aspect.1);
        }
    }
    for a in &report.audio {
        let _ = write!(line, " | {} {}ch {} Hz", a.codec, a.channels, a.sample_rate);
        let _ = write!(line, " {}-{} ms", ms(a.first_pts_ns), ms(a.end_pts_ns));
    }
    for subtitle in &report.subtitles {
        let _ = write!(line, " | {}", subtitle.codec);
    }
    for warning in &report.warnings {
        let _ = write!(line, " | {}: {}", warning.code, warning.message);
    }
    line
}

#[test]
fn real_clips_are_what_they_are() {
    let Some(folder) = media() else { return };
    let mut clips: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let others = ["README.md", "NOTICE"];
    clips.retain(|clip| others.iter().all(|other| !clip.ends_with(other)));
    clips.sort();
    let mut table = String::new();
    for clip in clips {
        let name = clip.file_name().unwrap().to_string_lossy();
        let _ = writeln!(table, "{name}\n    {}", line(&probe(&clip)));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_broken_track_is_left_out_however_threads_run() {
    let Some(folder) = media() else { return };
    for _ in 0..5 {
        // Its demuxer complains about the sound before or after others listen, and goes on.
        let report = probe(&folder.join("bad-missing-stsd.mp4")).unwrap();
        assert_eq!((report.video.unwrap().frames, report.audio.len()), (30, 0));
        let codes: Vec<_> = report.warnings.iter().map(|w| w.code.as_str()).collect();
        assert_eq!(codes, ["track_undescribed"]);
    }
}

#[test]
fn every_frame_that_is_counted_is_decoded() {
    let Some(folder) = media() else { return };
    let clips = [
        "720p-15fps-1s.mp4",
        "edit-list-positive-shift.mp4",
        "edit-list.mp4",
        "empty-track.mp4",
        "fragmented.mp4",
        "h264-bpyramid-800x640.mp4",
        "h264.ts",
        "h265-bframes.mp4",
        "sample.flv",
        "vp8-960x540-60fps.webm",
        "vp9-642x642.webm",
    ];
    for clip in clips {
        let path = folder.join(clip);
        let video = probe(&path).unwrap().video.unwrap();
        let source = Source::file(&path).unwrap();
        let mut decoding = Decoding::open(&source, &video.stream_id, None, 3).unwrap();
        let mut decoded = 0;
        while decoding.pull().unwrap().is_some() {
            decoded += 1;
        }
        assert_eq!(video.frames, decoded, "{clip}");
    }
}

#[test]
fn windows_tell_what_reading_all_tells() {
    let Some(folder) = media() else { return };
    for clip in ["long-1080p-lowbitrate.mp4", "long-180p-av1.mp4"] {
        let path = folder.join(clip);
        let whole = probe(&path).unwrap();
        let source = Source::file(&path).unwrap();
        let (max_side, max_duration_ns) = (8192, u64::MAX);
        let spec = ProbeSpec { max_side, max_duration_ns, ..ProbeSpec::new(source.size()) };
        let mut windows = examine(&spec, &source, 0, &Arc::default()).unwrap();
        assert!(!windows.scanned_whole);
        let keys = &whole.video.as_ref().unwrap().key_frames_ns;
        let seen = &mut windows.video.as_mut().unwrap().key_frames_ns;
        assert!(seen.len() > 1 && seen.iter().all(|key| keys.contains(key)), "{clip}: {seen:?}");
        seen.clone_from(keys);
        windows.scanned_whole = true;
        // Windows are not enough to know that pictures can be handed on.
        let coded = whole.video.as_ref().and_then(|video| video.coded.clone());
        let seen =
            windows.video.as_mut().and_then(|video| std::mem::replace(&mut video.coded, coded));
        assert!(matches!(seen, Some(kinora_plan::Coded::Unfit(_))), "{clip}: {seen:?}");
        assert_eq!(windows, whole, "{clip}");
    }
}

#[test]
fn what_is_no_media_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let text: Vec<u8> = b"To be, or not to be: that is the question.\n".repeat(500);
    let playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:///etc/passwd\n";
    let manifest = b"<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"></MPD>";
    let cases: [(&str, &[u8], &str); 7] = [
        ("empty", b"", "not_media"),
        ("text", &text, "not_media"),
        ("byte", b"x", "not_media"),
        ("playlist.mp4", playlist, "reference"),
        ("manifest.mp4", manifest, "reference"),
        ("moovless", b"\0\0\0\x14ftypisom\0\0\0\0isom\0\0\0\x10mdat12345678", "truncated"),
        ("cut.mp4", b"\0\0\0\x14ftypisom\0\0\0\0isom\0\0\x10\0moov1234", "truncated"),
    ];
    for (name, bytes, expected) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let result = probe(&path);
        assert_eq!(code(&result), expected, "{name}: {result:?}");
    }
}

#[test]
fn a_gigabyte_of_zeros_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zeros");
    File::create(&path).unwrap().set_len(1 << 30).unwrap();
    let started = Instant::now();
    let result = probe(&path);
    assert_eq!(code(&result), "not_media", "{result:?}");
    assert!(started.elapsed().as_secs() < 10, "took {:?}", started.elapsed());
}

#[test]
fn limits_are_kept() {
    let Some(folder) = media() else { return };
    let clip = folder.join("h264-bpyramid-800x640.mp4");
    assert_eq!(code(&probe_within(&clip, 799, u64::MAX)), "too_large");
    assert_eq!(code(&probe_within(&clip, 800, 3_999_000_000)), "too_long");
    assert!(probe_within(&clip, 800, 4_000_000_000).is_ok());
}

#[test]
fn a_file_cut_in_the_middle_is_never_silently_short() {
    let Some(folder) = media() else { return };
    let whole = std::fs::read(folder.join("subtitles-srt.mkv")).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("cut.mkv");
    std::fs::write(&path, &whole[..whole.len() / 3]).unwrap();
    match probe(&path) {
        Ok(report) => assert_eq!(report.warnings[0].code, "damaged", "{report:?}"),
        Err(error) => assert_eq!(error.failure().kind, kinora_plan::encoder::FailureKind::Input),
    }
}
