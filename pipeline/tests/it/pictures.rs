//! Pictures come out upright, even-sized and whole.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use gstreamer_video::prelude::*;
use kinora_pipeline::chunk;
use kinora_plan::Orientation;

use crate::{
    clip::{Clip, Wanted, generate},
    joined::{frames, join, numbers, units},
    media::{prepare, reporter},
    task::{encode, rung, specs},
};

/// Encodes a clip in one chunk into one rung; the joined file's width, height and mean luma at
/// the top, right, bottom and left, of every frame.
fn look(clip: &Clip, height: u32) -> Vec<(u32, u32, [u32; 4])> {
    let rungs = [rung(clip, height, 1, 500)];
    let folder = tempfile::tempdir().unwrap();
    let specs = specs(clip, &rungs, 30, &[0], clip.frames, folder.path());
    let outcome = encode(clip, &specs[0]).unwrap();
    assert_eq!((outcome.frames, outcome.warnings), (clip.frames, vec![]));
    let path = join(&specs, &rungs[0].track, folder.path());
    assert_eq!(units(&path).len() as u64, clip.frames);
    frames(&path, |frame| {
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let stride = frame.plane_stride()[0] as usize;
        let luma = frame.plane_data(0).unwrap();
        let mean = |xs: std::ops::Range<usize>, ys: std::ops::Range<usize>| {
            let count = (xs.len() * ys.len()) as u32;
            ys.flat_map(|y| xs.clone().map(move |x| u32::from(luma[y * stride + x]))).sum::<u32>()
                / count
        };
        let sides = [
            mean(width / 4..width * 3 / 4, 0..height / 8),
            mean(width * 7 / 8..width, height / 4..height * 3 / 4),
            mean(width / 4..width * 3 / 4, height * 7 / 8..height),
            mean(0..width / 8, height / 4..height * 3 / 4),
        ];
        (frame.width(), frame.height(), sides)
    })
}

#[test]
fn a_turned_camera_gives_an_upright_picture() {
    // Frame 0 is all dark bars at the top; upright they go where the turn takes the top.
    let mut clip = generate(&Wanted { frames: 1, ..Wanted::default() });
    let darkest = |sides: [u32; 4]| (0..4).min_by_key(|side| sides[*side]).unwrap();
    for (orientation, size, dark) in [
        (Orientation::Rotate0, (320, 180), 0),
        (Orientation::Rotate90, (180, 320), 1),
        (Orientation::Rotate180, (320, 180), 2),
        (Orientation::Rotate270, (180, 320), 3),
        (Orientation::FlipRotate180, (320, 180), 2),
    ] {
        clip.stream.orientation = orientation;
        let (width, height, sides) = look(&clip, size.1)[0];
        assert_eq!((width, height), size, "{orientation:?}");
        assert_eq!(darkest(sides), dark, "{orientation:?}: {sides:?}");
    }
}

#[test]
fn odd_sizes_and_other_codecs_become_even() {
    let clip = generate(&Wanted {
        size: (321, 181),
        frames: 20,
        coding: "vp8enc deadline=1 ! webmmux",
        ..Wanted::default()
    });
    let seen = look(&clip, 180);
    assert_eq!(seen.len(), 20);
    assert!(seen.iter().all(|(width, height, _)| (*width, *height) == (320, 180)));
}

#[test]
fn interlaced_frames_stay_as_many() {
    let clip = generate(&Wanted {
        frames: 45,
        coding: "capssetter caps=video/x-raw,interlace-mode=interleaved,field-order=top-field-first \
                 ! x264enc speed-preset=ultrafast interlaced=true ! mp4mux",
        ..Wanted::default()
    });
    let rungs = [rung(&clip, 180, 1, 500)];
    let folder = tempfile::tempdir().unwrap();
    let specs = specs(&clip, &rungs, 15, &[0, 30], clip.frames, folder.path());
    for spec in &specs {
        assert_eq!(encode(&clip, spec).unwrap().warnings, []);
    }
    let path = join(&specs, &rungs[0].track, folder.path());
    assert_eq!(numbers(&path), (0..45).collect::<Vec<_>>());
}

/// Two fields of a moving edge in one frame stand apart like a comb's teeth; deinterlaced they do
/// not.
#[test]
fn interlaced_frames_lose_their_combs() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(
        folder.path(),
        "-f lavfi -i color=gray:s=320x180:r=50:d=1 -f lavfi -i color=white:s=40x180:r=50:d=1 \
         -filter_complex overlay=x=5*n,tinterlace=interleave_top,fieldorder=tff \
         -c:v libx264 -qp 12 -flags +ildct+ilme -x264-params tff=1",
    );
    let (plan, source) = prepare(&film);
    assert!(plan.video.as_ref().unwrap().stream.interlaced);
    let mut spec = plan.chunk_spec(0, source.size()).unwrap();
    spec.rungs.truncate(1);
    spec.output_dir = folder.path().to_owned();
    chunk::run(&spec, &source, &mut reporter()).unwrap();
    let track = spec.rungs[0].track.clone();
    let combs = |path: &Path| {
        frames(path, |frame| {
            let stride = frame.plane_stride()[0] as usize;
            let rows: Vec<_> = frame.plane_data(0).unwrap().chunks(stride).take(180).collect();
            // A tooth differs from both its neighbours alike.
            let tooth = |x: usize, y: usize| {
                let [above, here, below] = [0, 1, 2].map(|n| i32::from(rows[y + n][x]));
                (above - here) * (below - here) > 900
            };
            let teeth = (0..178).flat_map(|y| (0..320).map(move |x| (x, y)));
            teeth.filter(|(x, y)| tooth(*x, *y)).count()
        })
    };
    let before: usize = combs(&film).iter().sum();
    let after = combs(&join(&[spec], &track, folder.path()));
    assert_eq!(after.len(), 25);
    let after: usize = after.iter().sum();
    assert!(before > 10_000 && after * 20 < before, "{before} teeth became {after}");
}

/// Pixels that are wider than high: the picture comes out wider, and what is in it with it.
#[test]
fn pixels_become_square() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(
        folder.path(),
        "-f lavfi -i color=gray:s=240x180:r=25:d=0.4 -f lavfi -i color=white:s=60x180:r=25:d=0.4 \
         -filter_complex overlay=x=120,setsar=4/3 -c:v libx264 -qp 12",
    );
    let (plan, source) = prepare(&film);
    let mut spec = plan.chunk_spec(0, source.size()).unwrap();
    spec.rungs.truncate(1);
    spec.output_dir = folder.path().to_owned();
    chunk::run(&spec, &source, &mut reporter()).unwrap();
    let track = spec.rungs[0].track.clone();
    let seen = frames(&join(&[spec], &track, folder.path()), |frame| {
        let row = frame.plane_data(0).unwrap()[..frame.width() as usize].to_vec();
        let white: Vec<usize> = (0..row.len()).filter(|x| row[*x] > 180).collect();
        (frame.width(), frame.height(), white[0], white.len())
    });
    assert_eq!(seen.len(), 10);
    for (width, height, left, bar) in seen {
        assert_eq!((width, height), (320, 180));
        assert!(left.abs_diff(160) <= 2 && bar.abs_diff(80) <= 2, "{bar} pixels from {left}");
    }
}

/// A film that ffmpeg makes.
fn film(folder: &Path, arguments: &str) -> PathBuf {
    let film = folder.join("film.mp4");
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(&film)
        .status()
        .unwrap();
    assert!(done.success(), "{arguments}");
    film
}

#[test]
fn ten_bits_and_full_chroma_become_what_players_take() {
    let clip = generate(&Wanted {
        frames: 12,
        coding: "videoconvert ! video/x-raw,format=Y444_10LE ! x264enc speed-preset=ultrafast ! mp4mux",
        ..Wanted::default()
    });
    assert_eq!(look(&clip, 180).len(), 12);
}

/// Every rung is scaled down from something larger, never up again: fine noise survives in the
/// top rung, whatever stands beside it.
#[test]
fn the_top_rung_keeps_its_detail() {
    let clip = generate(&Wanted {
        size: (1080, 1080),
        frames: 2,
        noisy: |_| true,
        coding: "x264enc speed-preset=ultrafast pass=quant quantizer=10 ! mp4mux",
        ..Wanted::default()
    });
    let mut rungs = [rung(&clip, 1080, 1, 90_000), rung(&clip, 720, 1, 40_000)];
    for rung in &mut rungs {
        rung.crf = 10;
        rung.level = 52;
    }
    let folder = tempfile::tempdir().unwrap();
    let specs = specs(&clip, &rungs, 2, &[0], clip.frames, folder.path());
    encode(&clip, &specs[0]).unwrap();
    let contrast = frames(&join(&specs, &rungs[0].track, folder.path()), |frame| {
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let stride = frame.plane_stride()[0] as usize;
        let rows = frame.plane_data(0).unwrap().chunks(stride).take(height).skip(height / 2);
        let steps = rows.flat_map(|row| row[..width].windows(2));
        let (sum, count) = steps.fold((0_u64, 0_u64), |(sum, count), pair| {
            (sum + u64::from(pair[0].abs_diff(pair[1])), count + 1)
        });
        sum / count
    });
    // Independent neighbours between 0 and 255 differ by 85 on average; scaled up by half, by 40.
    assert!(contrast.iter().all(|step| *step > 65), "{contrast:?}");
}
