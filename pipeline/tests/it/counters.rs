//! Counters burnt into the frames of sources of every rate and shape are read back from what
//! players get: none is missing, doubled or moved, at no boundary, in no rendition.

use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
};

use kinora_media::FrameRate;
use kinora_pipeline::{chunk, source::Source};
use kinora_plan::Plan;

use crate::{
    clip::{Wanted, draw, info},
    joined::{join, numbers},
    media::{prepare, reporter},
};

const FILM: (u32, u32) = (24_000, 1001);
const NTSC: (u32, u32) = (30_000, 1001);
const FAST_NTSC: (u32, u32) = (60_000, 1001);
/// Long enough for chunks of two and four seconds and a bit of the third.
const SECONDS: u64 = 7;

/// B-frames that refer to each other, and GOPs whose first pictures refer across their key frame.
const OPEN_H264: &str =
    "-c:v libx264 -preset veryfast -bf 3 -g 37 -x264-params open-gop=1:b-pyramid=2";
const OPEN_HEVC: &str =
    "-c:v libx265 -preset ultrafast -x265-params log-level=error:bframes=3:keyint=37:open-gop=1";
const OPEN_MPEG2: &str = "-c:v mpeg2video -q:v 4 -bf 2 -g 37";
/// What is handed on as it is.
const FITTING: &str = "-c:v libx264 -preset ultrafast -bf 2 -g 45 -keyint_min 45 -sc_threshold 0 \
                       -flags +cgop -b:v 300k -maxrate 350k -bufsize 350k -profile:v main";

/// The frames of a film, raw: YUV4MPEG2 says its rate exactly.
fn frames_of(folder: &Path, size: (u32, u32), rate: (u32, u32)) -> (PathBuf, u64) {
    let path = folder.join(format!("{}-{}-{}.y4m", size.1, rate.0, rate.1));
    gstreamer::init().unwrap();
    // Its rows are a multiple of four long, so that GStreamer pads nothing.
    let info = info(&Wanted { size, rate, ..Wanted::default() });
    let count = SECONDS * u64::from(rate.0) / u64::from(rate.1);
    let mut file = BufWriter::new(std::fs::File::create(&path).unwrap());
    writeln!(file, "YUV4MPEG2 W{} H{} F{}:{} Ip A1:1 C420jpeg", size.0, size.1, rate.0, rate.1)
        .unwrap();
    for frame in 0..count {
        file.write_all(b"FRAME\n").unwrap();
        file.write_all(&draw(&info, frame, false)).unwrap();
    }
    file.flush().unwrap();
    (path, count)
}

/// What FFmpeg makes of a file.
fn shaped(input: &Path, before: &str, coding: &str, name: &str) -> PathBuf {
    let output = input.with_file_name(name);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y"]).args(before.split_whitespace());
    command.arg("-i").arg(input).args(coding.split_whitespace());
    let done = command.args(["-threads", "1"]).arg(&output).output().unwrap();
    assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
    output
}

/// Every chunk of every rendition, decoded: the counters of each, best rendition first.
fn counters(path: &Path) -> (Plan, Vec<Vec<u64>>) {
    let (plan, source) = prepare(path);
    let read = read_back(&plan, &source);
    (plan, read)
}

fn read_back(plan: &Plan, source: &Source) -> Vec<Vec<u64>> {
    let folder = tempfile::tempdir().unwrap();
    let encode = |index: usize| {
        let mut spec = plan.chunk_spec(index, source.size()).unwrap();
        spec.output_dir = folder.path().join(index.to_string());
        std::fs::create_dir_all(&spec.output_dir).unwrap();
        let outcome = chunk::run(&spec, source, &mut reporter()).unwrap();
        assert_eq!((outcome.frames, outcome.warnings), (spec.chunk.frames, vec![]));
        spec
    };
    let video = plan.video.as_ref().unwrap();
    let specs: Vec<_> = (0..video.chunks.len()).map(encode).collect();
    let rungs = video.ladder.rungs.iter();
    rungs.map(|rung| numbers(&join(&specs, &rung.track, folder.path()))).collect()
}

/// Every frame from `first` on to `end`, in every rendition, or every second one where its rate
/// is half the source's.
#[track_caller]
fn assert_unbroken(name: &str, path: &Path, rate: (u32, u32), range: std::ops::Range<u64>) -> Plan {
    let (plan, read) = counters(path);
    let video = plan.video.as_ref().unwrap();
    assert_eq!(video.stream.frame_rate, FrameRate::new(rate.0, rate.1).unwrap(), "{name}");
    assert!(!video.stream.variable_rate, "{name}");
    for (rung, read) in video.ladder.rungs.iter().zip(read) {
        let step = rung.rate_divisor.get() as usize;
        let expected: Vec<u64> = range.clone().step_by(step).collect();
        assert_eq!(read, expected, "{name}, {}", rung.track);
    }
    plan
}

/// Every shape at one rate; those of MPEG-TS cannot always be entered in the middle.
fn every_shape(rate: (u32, u32), size: (u32, u32), shapes: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let (raw, count) = frames_of(folder.path(), size, rate);
    for (name, coding) in shapes {
        let path = shaped(&raw, "", &format!("{coding} -pix_fmt yuv420p"), name);
        let plan = assert_unbroken(name, &path, rate, 0..count);
        let video = plan.video.as_ref().unwrap();
        assert!(video.sequential || video.chunks.len() > 1, "{name}: {:?}", video.chunks);
        assert_eq!(video.passthrough.is_some(), *coding == FITTING, "{name}: {:?}", plan.notes);
        let halved = |rung: &kinora_plan::Rung| rung.rate_divisor.get() == 2;
        assert_eq!(video.ladder.rungs.iter().any(halved), rate.0 / rate.1 > 31, "{name}");
        eprintln!("{name} at {}/{}: {} chunks", rate.0, rate.1, video.chunks.len());
    }
}

#[test]
fn at_23_976_frames_a_second() {
    every_shape(
        FILM,
        (192, 108),
        &[
            ("open.mp4", OPEN_H264),
            ("hevc.mkv", OPEN_HEVC),
            ("open.ts", OPEN_H264),
            ("fitting.mp4", FITTING),
        ],
    );
}

#[test]
fn at_25_frames_a_second() {
    every_shape(
        (25, 1),
        (192, 108),
        &[
            ("open.mkv", OPEN_H264),
            ("mpeg2.ts", OPEN_MPEG2),
            ("mpeg2.mkv", OPEN_MPEG2),
            ("hevc.mp4", OPEN_HEVC),
        ],
    );
}

#[test]
fn at_29_97_frames_a_second() {
    every_shape(
        NTSC,
        (192, 108),
        &[
            ("open.mp4", OPEN_H264),
            ("open.mkv", OPEN_H264),
            ("mpeg2.ts", OPEN_MPEG2),
            ("fitting.mkv", FITTING),
        ],
    );
}

/// Small rungs show every second frame, and just those.
#[test]
fn at_59_94_frames_a_second() {
    every_shape(FAST_NTSC, (640, 360), &[("open.mp4", OPEN_H264), ("open.ts", OPEN_H264)]);
}

#[test]
fn at_60_frames_a_second() {
    every_shape((60, 1), (640, 360), &[("open.mkv", OPEN_H264), ("hevc.mp4", OPEN_HEVC)]);
}

/// AVI says when pictures are decoded, and nothing of when they are shown: what has B-frames is
/// read in one go, from the one picture whose time is known.
#[test]
fn of_mpeg4_in_avi() {
    let folder = tempfile::tempdir().unwrap();
    for rate in [(25, 1), NTSC] {
        let (raw, count) = frames_of(folder.path(), (192, 108), rate);
        for (name, b_frames, options) in [
            ("open.avi", true, "-bf 2"),
            ("closed.avi", true, "-bf 2 -flags +cgop -sc_threshold 1000000000"),
            ("xvid.avi", true, "-bf 1 -vtag XVID"),
            ("divx.avi", true, "-bf 2 -vtag DX50"),
            ("none.avi", false, "-bf 0"),
        ] {
            let coding = format!("-c:v mpeg4 -g 12 -q:v 2 -pix_fmt yuv420p {options}");
            let path = shaped(&raw, "", &coding, name);
            let plan = assert_unbroken(name, &path, rate, 0..count);
            assert_eq!(plan.video.unwrap().sequential, b_frames, "{name}");
        }
    }
}

/// Edit lists that hide the front of a GOP, that begin with nothing, and that follow from
/// composition offsets.
#[test]
fn through_edit_lists() {
    let folder = tempfile::tempdir().unwrap();
    let (raw, count) = frames_of(folder.path(), (192, 108), (25, 1));
    let coding = format!("{OPEN_H264} -pix_fmt yuv420p");
    let whole = shaped(&raw, "", &coding, "whole.mp4");
    // 60 frames are left out; the key frame before them is in the file, and hidden.
    let cut = shaped(&whole, "-ss 2.4", "-c copy", "cut.mp4");
    assert_unbroken("cut in a GOP", &cut, (25, 1), 60..count);
    // Longer, so that a key frame lies between the film's length and that of what is in the file.
    let nine = shaped(&raw, "-stream_loop 1", &format!("{coding} -t 9"), "nine.mp4");
    let cut = shaped(&nine, "-ss 2.4", "-c copy", "nine-cut.mp4");
    let again: Vec<u64> = (60..count).chain(0..225 - count).collect();
    let (_, read) = counters(&cut);
    assert!(read.iter().all(|read| *read == again), "nine seconds cut in a GOP: {read:?}");
    let offsets = shaped(&raw, "", &format!("{coding} -movflags negative_cts_offsets"), "cts.mp4");
    assert_unbroken("negative offsets", &offsets, (25, 1), 0..count);
    let late = shaped(&whole, "-itsoffset 1.5", "-c copy", "late.mp4");
    assert_unbroken("an empty edit", &late, (25, 1), 0..count);
    let fragments = "-movflags frag_keyframe+empty_moov+default_base_moof";
    let fragments = shaped(&raw, "", &format!("{coding} {fragments}"), "fragments.mp4");
    assert_unbroken("fragments", &fragments, (25, 1), 0..count);
}

/// Frames that come at their own times: each stands where its time is nearest, until the next.
#[test]
fn at_a_variable_rate() {
    let folder = tempfile::tempdir().unwrap();
    let (raw, count) = frames_of(folder.path(), (192, 108), (30, 1));
    // As phones do in the dark: every frame lasts a fifth longer from 3 s on.
    let slower = "settb=1/90000,setpts=if(lt(N\\,90)\\,N\\,90+(N-90)*1.2)/30/TB";
    let place = |n: u64| if n < 90 { n } else { 90 + ((n - 90) * 12 + 5) / 10 };
    // Screen recordings leave out what did not change.
    let holes = "select=not(between(mod(n\\,41)\\,7\\,30))";
    let kept = |n: &u64| !(7..=30).contains(&(n % 41));
    for (name, filter, frames) in [
        ("slower.mp4", slower, (0..count).map(|n| (place(n), n)).collect::<Vec<_>>()),
        ("slower.mkv", slower, (0..count).map(|n| (place(n), n)).collect()),
        ("holes.mp4", holes, (0..count).filter(kept).map(|n| (n, n)).collect()),
        ("holes.mkv", holes, (0..count).filter(kept).map(|n| (n, n)).collect()),
    ] {
        let coding = format!(
            "-vf {filter} -fps_mode vfr -enc_time_base 1:90000 {OPEN_H264} -pix_fmt yuv420p"
        );
        let path = shaped(&raw, "", &coding, name);
        let (plan, read) = counters(&path);
        let video = plan.video.as_ref().unwrap();
        assert!(video.stream.variable_rate, "{name}");
        assert_eq!(video.stream.frame_rate, FrameRate::new(30, 1).unwrap(), "{name}");
        let newest = |position: u64| frames.iter().rfind(|(at, _)| *at <= position).unwrap().1;
        let expected: Vec<u64> = (0..read[0].len() as u64).map(newest).collect();
        assert_eq!(read[0], expected, "{name}");
        // The last frame stays for as long as the container says: at least its own place.
        let last = frames.last().unwrap().0;
        assert!(
            (last + 1..last + 40).contains(&(read[0].len() as u64)),
            "{name}: {}",
            read[0].len()
        );
    }
}
