//! A rendition as a player gets it: one initialisation segment and every chunk behind it.

use std::path::{Path, PathBuf};

use gst::prelude::*;
use gst_video::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use kinora_media::TrackId;
use kinora_plan::encoder::ChunkSpec;

use crate::clip::read_number;

/// A coded picture, in ticks of its track.
pub(crate) struct Unit {
    pub(crate) shown: i64,
    pub(crate) decoded: i64,
    pub(crate) bits: u64,
    pub(crate) key: bool,
}

/// Joins a track's chunks into a file in `folder`; the parameter sets must be equal in all.
pub(crate) fn join(specs: &[ChunkSpec], track: &TrackId, folder: &Path) -> PathBuf {
    let read = |spec: &ChunkSpec, file: &str| {
        std::fs::read(spec.output_dir.join(track.as_str()).join(file)).unwrap()
    };
    let mut bytes = read(&specs[0], "init.mp4");
    for spec in specs {
        let init = read(spec, "init.mp4");
        assert_eq!(init, read(&specs[0], "init.mp4"), "chunk {} of {track}", spec.chunk.index);
    }
    for spec in specs {
        bytes.extend(read(spec, "chunk.m4s"));
    }
    let path = folder.join(format!("{track}.mp4"));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The coded pictures in decoding order, as the boxes say (GStreamer 1.22's demuxer moves every
/// fragment by its own largest negative composition offset, so it cannot be the judge).
pub(crate) fn units(path: &Path) -> Vec<Unit> {
    let file = std::fs::read(path).unwrap();
    let fragments = boxes(&file).filter(|(kind, _)| kind == b"moof");
    fragments.flat_map(|(_, moof)| fragment(moof)).collect()
}

fn fragment(moof: &[u8]) -> Vec<Unit> {
    let traf = child(moof, b"traf");
    let (tfhd, tfdt, trun) = (child(traf, b"tfhd"), child(traf, b"tfdt"), child(traf, b"trun"));
    let word = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    // default-base-is-moof, then the defaults in the order of their flags.
    let flags = word(tfhd, 0) & 0xff_ffff;
    assert_eq!(flags & !0x02_0038, 0, "tfhd {flags:x}");
    let default = |flag: u32| {
        let before = (flags & (flag - 1) & 0x38).count_ones() as usize;
        (flags & flag != 0).then(|| word(tfhd, 8 + 4 * before))
    };
    let mut decoded = i64::from_be_bytes(tfdt[4..12].try_into().unwrap());
    let flags = word(trun, 0) & 0xff_ffff;
    let mut at = 8;
    let mut next = |flag: u32| {
        (flags & flag != 0).then(|| {
            at += 4;
            word(trun, at - 4)
        })
    };
    next(0x1);
    let first_flags = next(0x4);
    (0..word(trun, 4))
        .map(|index| {
            let duration = next(0x100).or(default(0x08)).unwrap();
            let size = next(0x200).or(default(0x10)).unwrap();
            let first = first_flags.filter(|_| index == 0);
            let sample_flags = next(0x400).or(first).or(default(0x20)).unwrap();
            let offset = next(0x800).map_or(0, |offset| i64::from(offset as i32));
            decoded += i64::from(duration);
            Unit {
                shown: decoded - i64::from(duration) + offset,
                decoded: decoded - i64::from(duration),
                bits: u64::from(size) * 8,
                key: sample_flags & 0x1_0000 == 0,
            }
        })
        .collect()
}

fn child<'a>(parent: &'a [u8], wanted: &[u8; 4]) -> &'a [u8] {
    boxes(parent).find(|(kind, _)| kind == wanted).unwrap().1
}

fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let size = u32::from_be_bytes(bytes.get(..4)?.try_into().unwrap()) as usize;
        let (one, rest) = bytes.split_at(size);
        bytes = rest;
        Some((one[4..8].try_into().unwrap(), &one[8..]))
    })
}

/// The numbers that the decoded frames spell, in presentation order.
pub(crate) fn numbers(path: &Path) -> Vec<u64> {
    frames(path, |frame| {
        let stride = frame.plane_stride()[0] as usize;
        let luma = frame.plane_data(0).unwrap();
        read_number(luma, stride, frame.width() as usize, frame.height() as usize)
    })
}

/// Something about every decoded frame.
pub(crate) fn frames<T>(
    path: &Path,
    mut look: impl FnMut(&gst_video::VideoFrameRef<&gst::BufferRef>) -> T,
) -> Vec<T> {
    pull(path, "qtdemux ! avdec_h264", |sample| {
        let info = gst_video::VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
        let frame =
            gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer().unwrap(), &info);
        look(&frame.unwrap())
    })
}

fn pull<T>(path: &Path, elements: &str, mut take: impl FnMut(&gst::Sample) -> T) -> Vec<T> {
    let pipeline = format!("filesrc name=file ! {elements} ! appsink name=out sync=false");
    let pipeline = gst::parse::launch(&pipeline).unwrap().downcast::<gst::Pipeline>().unwrap();
    pipeline.by_name("file").unwrap().set_property("location", path.to_str().unwrap());
    let sink = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut taken = vec![];
    while let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_seconds(20)) {
        taken.push(take(&sample));
    }
    assert!(sink.is_eos(), "{}", path.display());
    pipeline.set_state(gst::State::Null).unwrap();
    taken
}

/// How empty a player's buffer of one second at `max_kbps` gets, in milliseconds of that rate,
/// while pictures are taken out at their decode times and the line fills it at `max_kbps`. It
/// begins full, as the buffer of a player that waited for its first second; negative is a stall.
pub(crate) fn lowest_buffer_ms(units: &[Unit], timescale: u32, max_kbps: u32) -> f64 {
    let rate = f64::from(max_kbps) * 1000.0;
    let (mut level, mut lowest, mut last) = (rate, rate, units[0].decoded);
    for unit in units {
        let waited = (unit.decoded - last) as f64 / f64::from(timescale);
        level = (level + waited * rate).min(rate) - unit.bits as f64;
        last = unit.decoded;
        lowest = lowest.min(level);
    }
    lowest / rate * 1000.0
}

/// That decode times have no gap, every grid position is shown once, and a key frame stands at
/// every `gop`-th and nowhere else.
pub(crate) fn assert_on_grid(units: &[Unit], frame_ticks: u32, gop: usize) {
    let frame_ticks = i64::from(frame_ticks);
    let grid: Vec<i64> = (0..units.len() as i64).map(|index| index * frame_ticks).collect();
    assert_eq!(units.iter().map(|unit| unit.decoded).collect::<Vec<_>>(), grid);
    let mut shown: Vec<i64> = units.iter().map(|unit| unit.shown).collect();
    shown.sort_unstable();
    assert_eq!(shown, grid);
    for (index, unit) in units.iter().enumerate() {
        assert_eq!(unit.key, index.is_multiple_of(gop), "picture {index}");
    }
}
