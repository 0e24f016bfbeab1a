//! Clocks that jump and lengths that lie: what is there is shown at its length, or a person hears
//! what was lost or filled, or why there is nothing.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use kinora_pipeline::{audio, chunk, probe, source::Source};
use kinora_plan::{Profile, encoder::ProbeSpec, plan};

use crate::media::reporter;

/// Six seconds of picture and sound at 25 frames a second.
fn film(folder: &Path, name: &str, options: &str) -> PathBuf {
    let path = folder.join(name);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y", "-threads", "1"]);
    command.args(["-f", "lavfi", "-i", "testsrc=s=192x108:r=25:d=6"]);
    command.args(["-f", "lavfi", "-i", "sine=frequency=440:duration=6"]);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25"]);
    command.args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k"]);
    let made = command.args(options.split_whitespace()).arg(&path).output().unwrap();
    assert!(made.status.success(), "{name}: {}", String::from_utf8_lossy(&made.stderr));
    path
}

/// What came of a file: seconds of picture and sound made, and the codes of all warnings; or the
/// code of the failure.
#[derive(Debug)]
struct Made {
    picture_s: f64,
    sound_s: f64,
    codes: Vec<String>,
}

fn made(path: &Path) -> Result<Made, String> {
    gstreamer::init().unwrap();
    let source = Source::file(path).unwrap();
    let failed = |error: kinora_pipeline::PipelineError| {
        let failure = error.failure();
        assert!(failure.message.len() > 20, "{failure:?}");
        eprintln!("   {}", failure.message);
        failure.code
    };
    let spec = ProbeSpec::new(source.size());
    let report = probe::run(&spec, &source, &mut reporter()).map_err(failed)?;
    let plan = plan(&report, &Profile::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut warnings = plan.warnings.clone();
    let (mut frames, mut sound_s) = (0, 0.0);
    let chunks = plan.video.as_ref().map_or(0, |video| video.chunks.len());
    for index in 0..chunks {
        let mut spec = plan.chunk_spec(index, source.size()).unwrap();
        spec.output_dir = folder.path().join(index.to_string());
        std::fs::create_dir_all(&spec.output_dir).unwrap();
        let outcome = chunk::run(&spec, &source, &mut reporter()).map_err(failed)?;
        frames += outcome.frames;
        warnings.extend(outcome.warnings);
    }
    if let Some(mut spec) = plan.audio_spec(0, source.size()) {
        spec.output_dir = folder.path().to_owned();
        let outcome = audio::run(&spec, &source, &mut reporter()).map_err(failed)?;
        sound_s = outcome.duration as f64 / f64::from(spec.sample_rate);
        warnings.extend(outcome.warnings);
    }
    let video = plan.video.as_ref();
    let promised = video.map_or(0, |video| video.frames);
    assert!(frames == promised || !warnings.is_empty(), "{frames} of {promised}");
    let picture_s =
        video.map_or(0.0, |video| video.stream.frame_rate.frame_nanos(frames) as f64 / 1e9);
    let codes = warnings.into_iter().map(|warning| warning.code).collect();
    Ok(Made { picture_s, sound_s, codes })
}

#[track_caller]
fn lasts(name: &str, path: &Path, seconds: f64, codes: &[&str]) {
    let made = made(path).unwrap_or_else(|code| panic!("{name}: {code}"));
    eprintln!("{name}: {made:?}");
    assert_eq!(made.codes, codes, "{name}: {made:?}");
    // A frame of sound at either end, and two pictures of a clock that was set anew.
    assert!((made.picture_s - seconds).abs() < 0.09, "{name}: {made:?}");
    assert!((made.sound_s - made.picture_s).abs() < 0.05, "{name}: {made:?}");
}

/// Bytes with `value` at `offset` behind the first `mark`.
fn patched(path: &Path, name: &str, mark: &[u8], offset: usize, value: &[u8]) -> PathBuf {
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(mark.len()).position(|window| window == mark).unwrap();
    let at = at + mark.len() + offset;
    bytes[at..at + value.len()].copy_from_slice(value);
    let patched = path.with_file_name(name);
    std::fs::write(&patched, bytes).unwrap();
    patched
}

#[test]
fn transport_streams_whose_clock_jumps_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let first = film(here, "first.ts", "");
    let later = film(here, "later.ts", "-output_ts_offset 60");
    let joined = |name: &str, parts: [&Path; 2]| {
        let path = here.join(name);
        let parts = parts.map(|part| std::fs::read(part).unwrap());
        std::fs::write(&path, parts.concat()).unwrap();
        path
    };
    // 33 bits of 90 kHz are full after 95443.7 s (ISO/IEC 13818-1 2.4.3.7).
    let wrapped = film(here, "wrapped.ts", "-output_ts_offset 95440.7 -muxdelay 0");
    lasts("wrapped around", &wrapped, 6.0, &[]);
    lasts("begun anew", &joined("anew.ts", [&first, &first]), 12.02, &[]);
    lasts("set back", &joined("back.ts", [&later, &first]), 12.02, &[]);
    // Less than a second between the parts: a muxer's own delay.
    let forward = made(&joined("forward.ts", [&first, &later])).unwrap();
    assert!((12.0..13.0).contains(&forward.picture_s), "{forward:?}");
    assert!((12.0..13.0).contains(&forward.sound_s), "{forward:?}");
}

/// The later clusters of a Matroska file at other times (RFC 9559 5.1.3.1, Timestamp).
fn shifted(film: &Path, name: &str, shift_ms: i64) -> PathBuf {
    let mut bytes = std::fs::read(film).unwrap();
    let cluster = [0x1f, 0x43, 0xb6, 0x75];
    let mut moved = 0;
    for at in 0..bytes.len() - 16 {
        // An identifier, a length of up to eight bytes, then the timestamp in two.
        let behind = (at + 5..at + 13).find(|byte| bytes[*byte..*byte + 2] == [0xe7, 0x82]);
        let (true, Some(time)) = (bytes[at..at + 4] == cluster, behind) else { continue };
        let old = i64::from(u16::from_be_bytes([bytes[time + 2], bytes[time + 3]]));
        if old > 3000 {
            let new = u16::try_from(old + shift_ms).unwrap();
            bytes[time + 2..time + 4].copy_from_slice(&new.to_be_bytes());
            moved += 1;
        }
    }
    assert!(moved > 0);
    let path = film.with_file_name(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn matroska_whose_clock_jumps_says_what_was_filled_or_lost() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path(), "film.mkv", "-cluster_time_limit 1000");
    let forward = made(&shifted(&film, "forward.mkv", 55_000)).unwrap();
    assert!(forward.codes.contains(&"hole".to_owned()), "{forward:?}");
    assert!((58.0..62.0).contains(&forward.picture_s), "{forward:?}");
    let back = made(&shifted(&film, "back.mkv", -3000)).unwrap();
    assert!(back.codes.contains(&"clock_set_back".to_owned()), "{back:?}");
}

#[test]
fn lengths_that_lie_change_nothing_or_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let mp4 = film(folder.path(), "film.mp4", "-movflags +faststart");
    let mp4 = |mark: &[u8], offset, value: u32| {
        patched(&mp4, "lie.mp4", mark, offset, &value.to_be_bytes())
    };
    // ISO/IEC 14496-12 8.2.2, 8.4.2, 8.3.2 and 8.6.6: the film's, the media's, the track's, the
    // edit's length.
    lasts("mvhd too short", &mp4(b"mvhd", 16, 600), 6.0, &[]);
    lasts("mvhd of nothing", &mp4(b"mvhd", 16, 0), 6.0, &[]);
    lasts("mdhd too long", &mp4(b"mdhd", 16, 12_800 * 60), 6.0, &[]);
    lasts("tkhd of nothing", &mp4(b"tkhd", 20, 0), 6.0, &[]);
    lasts("elst too long", &mp4(b"elst", 8, 60_000), 6.0, &[]);
    // Of which the demuxer would take its tracks for a trailer's.
    lasts("mvhd ten times too long", &mp4(b"mvhd", 16, 60_000), 6.0, &["damaged"]);
    // Two pictures at the end are lost, which is too little for a word.
    let none = made(&mp4(b"mdhd", 16, 0)).unwrap();
    assert!(none.picture_s > 5.9 && none.codes.is_empty(), "{none:?}");

    let mkv = film(folder.path(), "film.mkv", "");
    let mkv = |value: f64| {
        // RFC 9559 5.1.2.10, Duration, of eight bytes.
        patched(&mkv, "lie.mkv", &[0x44, 0x89, 0x88], 0, &value.to_be_bytes())
    };
    lasts("Duration too long", &mkv(60_000.0), 6.04, &["damaged"]);
    lasts("Duration too short", &mkv(600.0), 6.04, &[]);
    lasts("Duration of nothing", &mkv(0.0), 6.04, &[]);
    lasts("Duration that is no number", &mkv(f64::NAN), 6.04, &[]);

    let avi = film(folder.path(), "film.avi", "-c:v mpeg4 -bf 0 -c:a libmp3lame");
    let avi = |mark: &[u8], offset, value: u32| {
        patched(&avi, "lie.avi", mark, offset, &value.to_le_bytes())
    };
    // dwTotalFrames of AVIMAINHEADER, dwLength of AVISTREAMHEADER.
    lasts("avih too long", &avi(b"avih", 20, 1500), 6.0, &[]);
    lasts("avih too short", &avi(b"avih", 20, 15), 6.0, &[]);
    lasts("strh too long", &avi(b"vids", 28, 1500), 6.0, &[]);
    lasts("strh of nothing", &avi(b"vids", 28, 0), 6.0, &[]);
}

/// Demuxers guess a unit where the file has none; a person hears of it.
#[test]
fn clocks_without_a_unit_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(film(folder.path(), "film.mp4", "")).unwrap();
    let clocks = whole.windows(4).enumerate().filter(|(_, kind)| kind == b"mdhd");
    let clocks: Vec<usize> = clocks.map(|(at, _)| at).collect();
    assert_eq!(clocks.len(), 2);
    for (name, at) in ["picture.mp4", "sound.mp4"].into_iter().zip(clocks) {
        let mut bytes = whole.clone();
        // Behind version, flags and two times.
        bytes[at + 16..at + 20].fill(0);
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let made = made(&path).unwrap();
        eprintln!("{name}: {made:?}");
        assert!(made.codes.iter().any(|code| code == "clock_without_unit"), "{name}: {made:?}");
    }
}
