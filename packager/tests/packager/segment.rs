//! Media segments: snapshots, and timelines read back by another reader.

use std::io::Cursor;

use bytes::Bytes;
use kinora_media::{AccessUnit, FrameRate};
use kinora_packager::cmaf::{self, SegmentKind, segment};
use mp4::{MoofBox, Mp4Reader};
use proptest::{collection::vec, prelude::*};

use crate::{
    fixtures::{audio_config, audio_frames, gop, video_config},
    tree::tree,
};

#[test]
fn video_boxes() {
    let units = gop(180_000, 3000, 7);
    insta::assert_snapshot!(tree(&segment(SegmentKind::Video, 2, 180_000, &units).unwrap()));
}

#[test]
fn audio_boxes() {
    let units = audio_frames(2048, 3);
    insta::assert_snapshot!(tree(&segment(SegmentKind::Audio, 2, 2048, &units).unwrap()));
}

#[test]
fn uneven_boxes() {
    let unit =
        |pts, duration, key| AccessUnit { pts, duration, key, data: Bytes::from_static(b"x") };
    let units = [unit(0, 10, true), unit(10, 20, false), unit(30, 10, true)];
    insta::assert_snapshot!(tree(&segment(SegmentKind::Video, 1, 0, &units).unwrap()));
}

/// What a fragment says about each sample: decode time, presentation time, duration, bytes.
type Read = (u64, i64, u32, Vec<u8>);

/// The samples of one track file as the `mp4` crate reads them.
fn read(file: &[u8]) -> Vec<Read> {
    let reader = Mp4Reader::read_header(Cursor::new(file), file.len() as u64).unwrap();
    let mut moofs = find_moofs(file).into_iter();
    let mut samples = Vec::new();
    for moof in &reader.moofs {
        samples.extend(read_fragment(file, moofs.next().unwrap(), moof));
    }
    assert_eq!(moofs.next(), None);
    samples
}

fn read_fragment(file: &[u8], position: usize, moof: &MoofBox) -> Vec<Read> {
    let [traf] = &moof.trafs[..] else { panic!("one track a fragment") };
    let tfdt = traf.tfdt.as_ref().unwrap();
    let run = traf.trun.as_ref().unwrap();
    assert_eq!((tfdt.version, run.version), (1, 1));
    assert_eq!(traf.tfhd.flags & 0x02_0001, 0x02_0000, "default-base-is-moof");
    let mut offset = position + run.data_offset.unwrap() as usize;
    let mut decode_time = tfdt.base_media_decode_time;
    (0..run.sample_count as usize)
        .map(|n| {
            let duration = run.sample_durations.get(n).copied();
            let duration = duration.or(traf.tfhd.default_sample_duration).unwrap();
            let composition = run.sample_cts.get(n).copied().unwrap_or(0) as i32;
            let bytes = file[offset..offset + run.sample_sizes[n] as usize].to_vec();
            let read = (decode_time, decode_time as i64 + i64::from(composition), duration, bytes);
            offset += read.3.len();
            decode_time += u64::from(duration);
            read
        })
        .collect()
}

/// Offsets of the top-level `moof` boxes.
fn find_moofs(file: &[u8]) -> Vec<usize> {
    let (mut at, mut found) = (0, Vec::new());
    while at < file.len() {
        if &file[at + 4..at + 8] == b"moof" {
            found.push(at);
        }
        at += u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    }
    found
}

/// A whole track file: initialisation segment and `segments`.
fn file(init: &[u8], kind: SegmentKind, segments: &[Vec<AccessUnit>]) -> Vec<u8> {
    let mut file = init.to_vec();
    let mut start = 0;
    for (number, units) in segments.iter().enumerate() {
        file.extend_from_slice(&segment(kind, number as u32 + 1, start, units).unwrap());
        start += units.iter().map(|unit| u64::from(unit.duration)).sum::<u64>();
    }
    file
}

#[test]
fn sound_and_picture_start_at_zero() {
    let video = file(
        &cmaf::video_init(&video_config()).unwrap(),
        SegmentKind::Video,
        &[gop(0, 3000, 60), gop(180_000, 3000, 60)],
    );
    let pictures = read(&video);
    assert_eq!(pictures.len(), 120);
    assert_eq!(pictures.iter().map(|sample| sample.1).min(), Some(0));
    assert!(pictures.iter().any(|&(decoded, shown, ..)| shown < decoded as i64));

    let config = audio_config();
    let audio = file(
        &cmaf::audio_init(&config).unwrap(),
        SegmentKind::Audio,
        &[audio_frames(0, 95), audio_frames(95 * 1024, 93)],
    );
    let sound = read(&audio);
    assert_eq!(sound.len(), 188);
    // The edit list takes the priming off: the second frame is heard at 0.
    assert_eq!(sound[1].1 - i64::from(config.priming), 0);
}

/// Segments of pictures on a frame grid, each a closed GOP in some decoding order.
fn timelines() -> impl Strategy<Value = (FrameRate, Vec<Vec<AccessUnit>>)> {
    let rate = (1u32..120_000, 1u32..1002).prop_filter_map("below 1000 fps", |(num, den)| {
        FrameRate::new(num, den).filter(|_| num / den < 1000)
    });
    let gop = (1usize..40).prop_flat_map(|frames| {
        let order = Just((1..frames).collect::<Vec<_>>()).prop_shuffle();
        (order, vec(vec(any::<u8>(), 0..20), frames))
    });
    (rate, vec(gop, 1..6)).prop_map(|(rate, gops)| {
        let mut start = 0;
        let segments = gops.into_iter().map(|(order, data)| {
            let units = std::iter::once(0).chain(order).zip(data).map(|(shown, data)| AccessUnit {
                pts: start + shown as i64 * i64::from(rate.frame_ticks()),
                duration: rate.frame_ticks(),
                key: shown == 0,
                data: Bytes::from(data),
            });
            let units: Vec<_> = units.collect();
            start += units.len() as i64 * i64::from(rate.frame_ticks());
            units
        });
        let segments = segments.collect();
        (rate, segments)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_timeline_survives((rate, segments) in timelines()) {
        let mut config = video_config();
        config.timescale = rate.timescale();
        let file = file(&cmaf::video_init(&config).unwrap(), SegmentKind::Video, &segments);
        let mut found = read(&file).into_iter();
        let mut decode_time = 0;
        for units in &segments {
            let boundary = decode_time;
            let mut earliest = i64::MAX;
            let mut latest = 0;
            for unit in units {
                let (decoded, shown, duration, bytes) = found.next().unwrap();
                prop_assert_eq!(decoded, decode_time);
                prop_assert_eq!((shown, duration), (unit.pts, unit.duration));
                prop_assert_eq!(&bytes[..], &unit.data[..]);
                decode_time += u64::from(duration);
                earliest = earliest.min(shown);
                latest = latest.max(shown + i64::from(duration));
            }
            // Shown from exactly where decoding starts to exactly where it ends.
            prop_assert_eq!((earliest, latest), (boundary as i64, decode_time as i64));
        }
        prop_assert!(found.next().is_none());
    }

    #[test]
    fn any_input_is_packaged_or_refused(
        start: u64,
        times in vec((any::<i64>(), any::<u32>(), any::<bool>()), 0..8),
        audio: bool,
    ) {
        let unit = |(pts, duration, key)| AccessUnit { pts, duration, key, data: Bytes::new() };
        let units: Vec<_> = times.into_iter().map(unit).collect();
        let kind = if audio { SegmentKind::Audio } else { SegmentKind::Video };
        if let Ok(bytes) = segment(kind, 1, start, &units) {
            tree(&bytes);
        }
    }
}
