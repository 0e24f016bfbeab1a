//! Chunks put end to end are one rendition.

use gstreamer_video::prelude::*;

use crate::{
    clip::{Wanted, generate},
    joined::{assert_on_grid, frames, join, lowest_buffer_ms, numbers, units},
    task::{encode, rung, specs},
};

/// Three chunks, the last short and of an odd count, in three rungs, one scaled from another.
fn joins_without_a_seam(rate: (u32, u32), divisor: u32) {
    let clip = generate(&Wanted { size: (1280, 720), rate, frames: 75, ..Wanted::default() });
    let rungs =
        [rung(&clip, 720, 1, 3000), rung(&clip, 360, divisor, 900), rung(&clip, 240, divisor, 500)];
    let folder = tempfile::tempdir().unwrap();
    let specs = specs(&clip, &rungs, 20, &[0, 20, 60], clip.frames, folder.path());
    for spec in &specs {
        let outcome = encode(&clip, spec).unwrap();
        assert_eq!(outcome.frames, spec.chunk.frames);
        assert_eq!(outcome.warnings, []);
        for (rendition, rung) in outcome.renditions.iter().zip(&rungs) {
            assert_eq!(rendition.track, rung.track);
            let ticks = u64::from(clip.stream.frame_rate.frame_ticks());
            assert_eq!(rendition.start, spec.chunk.first_frame * ticks);
            let size: u64 = rendition.segments.iter().map(|segment| segment.size).sum();
            let file = spec.output_dir.join(rung.track.as_str()).join("chunk.m4s");
            assert_eq!(std::fs::metadata(file).unwrap().len(), size);
        }
    }
    for rung in &rungs {
        let path = join(&specs, &rung.track, folder.path());
        let divisor = u64::from(rung.rate_divisor.get());
        let units = units(&path);
        assert_eq!(units.len() as u64, clip.frames.div_ceil(divisor), "{}", rung.track);
        let ticks = clip.stream.frame_rate.frame_ticks() * rung.rate_divisor.get();
        assert_on_grid(&units, ticks, 20 / divisor as usize);
        let expected: Vec<u64> = (0..clip.frames).step_by(divisor as usize).collect();
        assert_eq!(numbers(&path), expected, "{}", rung.track);
    }
}

#[test]
fn at_30_frames_a_second() {
    joins_without_a_seam((30, 1), 1);
}

#[test]
fn at_29_97_frames_a_second() {
    joins_without_a_seam((30_000, 1001), 1);
}

#[test]
fn at_60_frames_a_second_with_rungs_of_half_the_rate() {
    joins_without_a_seam((60, 1), 2);
}

/// Encodes noise on the frames that `noisy` says in chunks of 2, 4, 8 and 16 s, as a plan cuts
/// them; the least a player has in its buffer, and the joined rate.
fn starve(noisy: fn(u64) -> bool) -> (f64, u64) {
    let wanted = Wanted { size: (160, 90), frames: 900, noisy, ..Wanted::default() };
    let clip = generate(&wanted);
    let rungs = [rung(&clip, 90, 1, 200)];
    let folder = tempfile::tempdir().unwrap();
    let specs = specs(&clip, &rungs, 60, &[0, 60, 180, 420], clip.frames, folder.path());
    for spec in &specs {
        encode(&clip, spec).unwrap();
    }
    let units = units(&join(&specs, &rungs[0].track, folder.path()));
    let kbps = units.iter().map(|unit| unit.bits).sum::<u64>() / (clip.frames / 30) / 1000;
    let lowest = lowest_buffer_ms(&units, clip.stream.frame_rate.timescale(), 200);
    println!("{kbps} kbit/s, lowest buffer {lowest:.0} ms");
    (lowest, kbps)
}

/// Every chunk begins with its model buffer four fifths full and may end with it empty; what a
/// player's second of buffer must cover is the sum of what neighbours owe each other.
#[test]
fn a_joined_rendition_never_starves_a_player() {
    let (lowest, kbps) = starve(|_| true);
    assert!(kbps > 150, "the cap must bind for this to show anything: {kbps} kbit/s");
    assert!(lowest >= 0.0, "{lowest} ms");
}

/// The worst for a cut: calm pictures let the model buffer fill, then noise empties it just
/// before the cut, and the next chunk spends what it begins with at once.
#[test]
fn bursts_around_every_cut_do_not_starve_a_player_either() {
    let (lowest, _) =
        starve(|frame| [60, 180, 420].iter().any(|cut| frame.abs_diff(*cut) < 25) || frame < 25);
    assert!((0.0..900.0).contains(&lowest), "bursts that never reach the buffer: {lowest} ms");
}

#[test]
fn key_frames_of_the_source_are_entered_exactly() {
    let mut clip = generate(&Wanted::default());
    clip.stream.key_frames_ns =
        (0..4).map(|key| clip.stream.frame_rate.frame_nanos(key * 25)).collect();
    let rungs = [rung(&clip, 180, 1, 500)];
    let folder = tempfile::tempdir().unwrap();
    let specs = specs(&clip, &rungs, 25, &[0, 25, 50], clip.frames, folder.path());
    for spec in &specs {
        encode(&clip, spec).unwrap();
    }
    let path = join(&specs, &rungs[0].track, folder.path());
    assert_eq!(numbers(&path), (0..clip.frames).collect::<Vec<_>>());
}

#[test]
fn a_sequential_decode_gives_the_same_frames() {
    let clip = generate(&Wanted {
        coding: "x264enc speed-preset=ultrafast key-int-max=25 ! mpegtsmux",
        ..Wanted::default()
    });
    let rungs = [rung(&clip, 180, 1, 500)];
    let folder = tempfile::tempdir().unwrap();
    let mut specs = specs(&clip, &rungs, 20, &[0, 40], clip.frames, folder.path());
    for spec in &mut specs {
        spec.sequential = true;
        encode(&clip, spec).unwrap();
    }
    let path = join(&specs, &rungs[0].track, folder.path());
    assert_eq!(numbers(&path), (0..clip.frames).collect::<Vec<_>>());
}

/// Frames 0 to 9 at 30 a second, then one every third position: a slide show in between.
#[test]
fn a_variable_rate_fills_its_gaps_with_the_frame_before() {
    let clip = generate(&Wanted {
        frames: 40,
        position: |frame| if frame < 10 { frame } else { 10 + (frame - 10) * 3 },
        // Without B-frames: the muxer's times for them assume a constant rate.
        coding: "x264enc speed-preset=ultrafast bframes=0 key-int-max=25 ! mp4mux",
        ..Wanted::default()
    });
    let rungs = [rung(&clip, 180, 1, 500)];
    let folder = tempfile::tempdir().unwrap();
    let specs = specs(&clip, &rungs, 20, &[0, 20, 60], 98, folder.path());
    for spec in &specs {
        assert_eq!(encode(&clip, spec).unwrap().warnings, []);
    }
    let path = join(&specs, &rungs[0].track, folder.path());
    let expected: Vec<u64> =
        (0..98).map(|place| if place < 10 { place } else { 10 + (place - 10) / 3 }).collect();
    assert_eq!(numbers(&path), expected);
}

#[test]
fn colours_say_what_they_are() {
    let clip = generate(&Wanted { frames: 10, ..Wanted::default() });
    let rungs = [rung(&clip, 90, 1, 500)];
    let folder = tempfile::tempdir().unwrap();
    let specs = specs(&clip, &rungs, 10, &[0], clip.frames, folder.path());
    encode(&clip, &specs[0]).unwrap();
    let path = join(&specs, &rungs[0].track, folder.path());
    let colours = frames(&path, |frame| frame.info().colorimetry().to_string());
    assert!(colours.iter().all(|colour| colour == "bt601"), "{colours:?}");
}
