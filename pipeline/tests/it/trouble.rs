//! Damaged sources end loudly.

use kinora_pipeline::PipelineError;
use kinora_plan::encoder::{ChunkOutcome, FailureKind};

use crate::{
    clip::{Clip, Wanted, generate},
    joined::{join, numbers},
    task::{encode, rung, specs},
};

/// Encodes the middle chunk, frames 20 to 60, after `spoil` had the file's bytes.
fn spoiled(clip: &Clip, spoil: impl FnOnce(&mut Vec<u8>)) -> Result<ChunkOutcome, PipelineError> {
    let mut bytes = std::fs::read(&clip.path).unwrap();
    spoil(&mut bytes);
    std::fs::write(&clip.path, bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let rungs = [rung(clip, 180, 1, 500)];
    let specs = specs(clip, &rungs, 20, &[0, 20, 60], clip.frames, folder.path());
    let outcome = encode(clip, &specs[1]);
    if outcome.is_ok() {
        let path = join(&specs[1..2], &rungs[0].track, folder.path());
        assert_eq!(numbers(&path).len(), 40, "a chunk that succeeds is whole");
    }
    outcome
}

fn constant() -> Clip {
    // No B-frames and equal sizes: where the file is cut says how many frames are left.
    generate(&Wanted {
        noisy: |_| true,
        coding: "x264enc speed-preset=ultrafast pass=quant quantizer=30 key-int-max=1 ! \
                 mp4mux faststart=true",
        ..Wanted::default()
    })
}

#[test]
fn a_chunk_that_ends_early_fails() {
    let clip = constant();
    let failure = spoiled(&clip, |bytes| bytes.truncate(bytes.len() / 2)).unwrap_err().failure();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Input, "decode_error"));
    assert!(failure.message.contains("between 0.7 s and 2.0 s"), "{}", failure.message);
}

#[test]
fn a_few_frames_missing_are_held_and_said() {
    let clip = constant();
    // 80 frames of about equal size: cut a little before frame 60, where the chunk ends.
    let outcome = spoiled(&clip, |bytes| bytes.truncate(bytes.len() * 58 / 80)).unwrap();
    assert_eq!(outcome.frames, 40);
    assert_eq!(outcome.warnings[0].code, "frames_lost");
}

/// 80 frames of about equal size, each of its own: a hole in the file is a hole in the picture.
fn dig(bytes: &mut [u8], frames: std::ops::Range<usize>) {
    let length = bytes.len();
    bytes[length * frames.start / 80..length * frames.end / 80].fill(0);
}

#[test]
fn a_hole_in_the_middle_is_bridged_or_fails() {
    let clip = constant();
    let outcome = spoiled(&clip, |bytes| dig(bytes, 30..32)).unwrap();
    assert_eq!((outcome.frames, outcome.warnings[0].code.as_str()), (40, "frames_lost"));
    let failure = spoiled(&clip, |bytes| dig(bytes, 30..45)).unwrap_err().failure();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Input, "decode_error"));
}

#[test]
fn what_was_never_media_fails() {
    let clip = constant();
    let failure = spoiled(&clip, |bytes| bytes.fill(b'x')).unwrap_err().failure();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Input, "not_media"));
}

#[test]
fn a_stream_that_is_not_there_fails() {
    let mut clip = constant();
    clip.stream.stream_id = "other".into();
    let failure = spoiled(&clip, |_| {}).unwrap_err().failure();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Input, "no_streams"));
}

#[test]
fn a_full_disk_is_the_hosts_fault() {
    let clip = constant();
    let rungs = [rung(&clip, 180, 1, 500)];
    // A folder that cannot be written to by anyone: not even root creates files in /proc.
    let mut specs = specs(&clip, &rungs, 20, &[0], clip.frames, std::path::Path::new("/nowhere"));
    let folder = tempfile::tempdir().unwrap();
    specs[0].output_dir = folder.path().to_owned();
    // The track's file is the device that is always full.
    let track = folder.path().join("v180");
    std::fs::create_dir(&track).unwrap();
    std::os::unix::fs::symlink("/dev/full", track.join("chunk.m4s")).unwrap();
    let failure = encode(&clip, &specs[0]).unwrap_err().failure();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Resource, "out_of_disk"));
}
