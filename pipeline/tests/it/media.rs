//! Clips nobody on this project made: probed, planned and encoded chunk by chunk.

use std::path::{Path, PathBuf};

use kinora_pipeline::{child::Reporter, chunk, probe, source::Source};
use kinora_plan::{
    Plan,
    encoder::{ChunkSpec, FailureKind, ProbeSpec},
    plan,
};

use crate::joined::{assert_on_grid, frames, join, units};

/// Where the clips lie beside the project, if they do.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/media");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: {} is not there", folder.display());
    None
}

pub(crate) fn reporter() -> Reporter {
    Reporter::new(Box::new(std::io::sink()))
}

pub(crate) fn prepare(file: &Path) -> (Plan, Source) {
    gstreamer::init().unwrap();
    let source = Source::file(file).unwrap();
    let spec = ProbeSpec::new(source.size());
    let report = probe::run(&spec, &source, &mut reporter()).unwrap();
    (plan(&report, &kinora_plan::Profile::default()).unwrap(), source)
}

/// Encodes the chunks of those numbers (all of them by default) in their two smallest rungs.
fn encode(file: &Path, only: Option<&[usize]>, output: &Path) -> (Plan, Vec<ChunkSpec>) {
    let (plan, source) = prepare(file);
    let count = plan.video.as_ref().unwrap().chunks.len();
    let all: Vec<usize> = (0..count).collect();
    let mut specs = vec![];
    for index in only.unwrap_or(&all) {
        let mut spec = plan.chunk_spec(*index, source.size()).unwrap();
        let spare = spec.rungs.len().saturating_sub(2);
        spec.rungs.drain(..spare);
        spec.output_dir = output.join(index.to_string());
        std::fs::create_dir_all(&spec.output_dir).unwrap();
        let outcome = chunk::run(&spec, &source, &mut reporter())
            .unwrap_or_else(|error| panic!("{} chunk {index}: {error}", file.display()));
        assert_eq!(outcome.warnings, [], "{} chunk {index}", file.display());
        assert_eq!(outcome.frames, spec.chunk.frames, "{} chunk {index}", file.display());
        specs.push(spec);
    }
    (plan, specs)
}

#[test]
fn every_frame_of_real_clips_comes_out() {
    let Some(folder) = folder() else { return };
    for (name, pictures) in [
        ("720p-15fps-1s.mp4", 15_usize),
        ("chapters.mkv", 150),
        ("edit-list-positive-shift.mp4", 270),
        ("fragmented.mp4", 30),
        ("h263-176x144.3gp", 15),
        ("h264-bpyramid-800x640.mp4", 120),
        ("h264.ts", 30),
        ("h265-bframes.mp4", 30),
        ("hdr10-av1.mp4", 127),
        ("hlg10.mp4", 9),
        ("mpeg2-program-stream.ps", 3),
        ("no-bframes.mp4", 30),
        ("portrait-4k60.mp4", 18),
        ("rotated-270.mp4", 149),
        ("sample.flv", 30),
        ("scte35.ts", 3),
        ("shorter-audio.mp4", 72),
        ("video-only.mp4", 30),
        ("vp8-960x540-60fps.webm", 60),
        ("vp9-642x642.webm", 90),
        ("vp9-in-mp4-800x640.mp4", 120),
    ] {
        let output = tempfile::tempdir().unwrap();
        let (plan, specs) = encode(&folder.join(name), None, output.path());
        let grid = plan.video.unwrap().stream.frame_rate;
        for rung in &specs[0].rungs {
            let path = join(&specs, &rung.track, output.path());
            let divisor = rung.rate_divisor.get();
            let units = units(&path);
            assert_eq!(units.len(), pictures.div_ceil(divisor as usize), "{name} {}", rung.track);
            let gop = specs[0].gop_frames as usize / divisor as usize;
            // A source that is passed through has GOPs of its own.
            if specs[0].layout.is_none() {
                assert_on_grid(&units, grid.frame_ticks() * divisor, gop);
            }
            assert_eq!(frames(&path, |_| ()).len(), units.len(), "{name} {}", rung.track);
        }
    }
}

#[test]
fn variable_rates_keep_their_duration() {
    let Some(folder) = folder() else { return };
    for name in ["vfr-slow-motion.mp4", "sample.avi"] {
        let output = tempfile::tempdir().unwrap();
        let (plan, specs) = encode(&folder.join(name), None, output.path());
        let video = plan.video.unwrap();
        let rung = &specs[0].rungs[0];
        let units = units(&join(&specs, &rung.track, output.path()));
        let lasts = video.stream.frame_rate.frame_nanos(units.len() as u64);
        let promised = video.stream.end_pts_ns - video.stream.first_pts_ns;
        let frame = video.stream.frame_rate.frame_nanos(1);
        assert!(lasts.abs_diff(promised) <= frame, "{name}: {lasts} of {promised} ns");
    }
}

#[test]
fn a_long_clip_is_entered_anywhere() {
    let Some(folder) = folder() else { return };
    for name in ["long-1080p-lowbitrate.mp4", "long-180p-av1.mp4"] {
        let output = tempfile::tempdir().unwrap();
        encode(&folder.join(name), Some(&[0, 1, 9]), output.path());
    }
}

/// A silent short video is the one thing that must not come of damage.
#[test]
fn damage_is_said_or_nothing_is_missing() {
    let Some(folder) = folder() else { return };
    for name in ["bad-invalid-nalu.mp4", "bad-mdat-too-long.mp4", "empty-track.mp4"] {
        let output = tempfile::tempdir().unwrap();
        let (plan, source) = prepare(&folder.join(name));
        let mut spec = plan.chunk_spec(0, source.size()).unwrap();
        spec.output_dir = output.path().to_owned();
        match chunk::run(&spec, &source, &mut reporter()) {
            Ok(outcome) if outcome.warnings.is_empty() => {
                assert_eq!(outcome.frames, plan.video.unwrap().stream.frames, "{name}");
            }
            Ok(outcome) => println!("{name}: {}", outcome.warnings[0].message),
            Err(error) => {
                println!("{name}: {error}");
                assert_eq!(error.failure().kind, FailureKind::Input, "{name}");
            }
        }
    }
}
