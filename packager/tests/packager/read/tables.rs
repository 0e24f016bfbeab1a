//! Tables in every form, read back sample by sample.

use kinora_packager::{
    cmaf::{self, SegmentKind, segment},
    read::{self, Edit, Problem},
};
use proptest::{collection::vec, prelude::*};

use super::mux::{Muxed, MuxedSample, progressive, sound, visual};
use crate::fixtures::{audio_config, audio_frames, gop, video_config};

fn samples() -> impl Strategy<Value = Vec<MuxedSample>> {
    let sample = (vec(any::<u8>(), 0..9), 0..3_u32, -2..3_i32, any::<bool>());
    let sample = sample.prop_map(|(data, duration, composition_offset, key)| MuxedSample {
        data,
        duration,
        composition_offset,
        key,
    });
    vec(sample, 0..40)
}

/// Samples in chunks of odd lengths, some of them empty, of two sample entries.
fn tracks() -> impl Strategy<Value = Muxed> {
    let chunks = vec((0..5_usize, 1..3_u32), 0..20);
    (samples(), chunks, any::<bool>()).prop_map(|(samples, mut chunks, long)| {
        let mut left = samples.len();
        for (count, _) in &mut chunks {
            *count = left.min(*count);
            left -= *count;
        }
        chunks.push((left, 1));
        let entries = vec![visual(b"avc1", b""), visual(b"hvc1", b"")];
        let edits = vec![(70, -1, 0x10000), (3, 4, 0x8000)];
        Muxed { handler: b"vide", timescale: 600, entries, samples, chunks, edits, long }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_sample_is_found_where_it_is(tracks in vec(tracks(), 1..4)) {
        let (file, places) = progressive(&tracks);
        let file = read::open(&file).unwrap();
        let found = file.tracks().unwrap();
        prop_assert_eq!(found.len(), tracks.len());
        for ((found, track), places) in found.iter().zip(&tracks).zip(&places) {
            prop_assert_eq!((found.timescale, found.movie_timescale), (600, 1000));
            prop_assert_eq!((found.width, found.height), (640, 360));
            prop_assert_eq!((found.language, found.name), (Some(*b"eng"), &b"Name"[..]));
            let edits = [
                Edit { duration: 70, media_time: None, rate: 0x10000 },
                Edit { duration: 3, media_time: Some(4), rate: 0x8000 },
            ];
            prop_assert_eq!(&found.edits, &edits);
            let entry_of = |sample| {
                let mut before = 0;
                track.chunks.iter().find(|(count, _)| { before += count; sample < before })
            };
            let mut decode_time = 0;
            let mut samples = found.samples();
            for (n, (sample, place)) in track.samples.iter().zip(places).enumerate() {
                let read = samples.next().unwrap().unwrap();
                prop_assert_eq!(read.offset..read.offset + u64::from(read.size), place.clone());
                prop_assert_eq!((read.decode_time, read.duration), (decode_time, sample.duration));
                prop_assert_eq!(read.composition_offset, sample.composition_offset);
                prop_assert_eq!(read.key, sample.key);
                prop_assert_eq!(read.entry + 1, entry_of(n).unwrap().1);
                decode_time += u64::from(sample.duration);
            }
            prop_assert!(samples.next().is_none());
        }
    }
}

#[test]
fn our_own_segments_come_back() {
    let gops = [gop(0, 3000, 60), gop(180_000, 3000, 45)];
    let mut bytes = cmaf::video_init(&video_config()).unwrap().to_vec();
    bytes.extend_from_slice(&segment(SegmentKind::Video, 1, 0, &gops[0]).unwrap());
    bytes.extend_from_slice(&segment(SegmentKind::Video, 2, 180_000, &gops[1]).unwrap());
    let file = read::open(&bytes).unwrap();
    let tracks = file.tracks().unwrap();
    let [video] = &tracks[..] else { panic!("one track") };
    assert!(file.is_fragmented() && video.edits.is_empty());
    let entry = video.entries[0];
    assert_eq!((&entry.code(), entry.video().unwrap().width), (b"avc1", 640));
    assert_eq!(entry.video_box(b"avcC").unwrap().unwrap(), &video_config().avcc[..]);
    let mut decode_time = 0;
    let mut samples = video.samples().map(Result::unwrap);
    for unit in gops.iter().flatten() {
        let sample = samples.next().unwrap();
        let start = sample.offset as usize;
        assert_eq!(bytes[start..start + sample.size as usize], unit.data);
        assert_eq!(sample.decode_time, decode_time);
        assert_eq!(decode_time as i64 + i64::from(sample.composition_offset), unit.pts);
        assert_eq!((sample.duration, sample.key), (unit.duration, unit.key));
        decode_time += u64::from(unit.duration);
    }
    assert_eq!(samples.next(), None);

    let mut bytes = cmaf::audio_init(&audio_config()).unwrap().to_vec();
    let frames = audio_frames(0, 95);
    bytes.extend_from_slice(&segment(SegmentKind::Audio, 1, 0, &frames).unwrap());
    // By ranges: nothing of the media is fetched.
    let mut fetched = 0;
    let file = read::open_ranges(bytes.len() as u64, |offset, count| {
        fetched += count;
        Ok::<_, std::io::Error>(bytes[offset as usize..][..count].to_vec())
    });
    let file = file.unwrap();
    assert!(fetched < bytes.len() + 5 * 16 - 95 * 5);
    let tracks = file.tracks().unwrap();
    assert_eq!(tracks[0].edits[0].media_time, Some(1024));
    assert_eq!(tracks[0].check(), Ok(95));
    assert_eq!(tracks[0].entries[0].audio().unwrap().sample_rate, 48_000);
    assert!(tracks[0].entries[0].audio_box(b"esds").unwrap().is_some());
}

fn one_track(change: impl FnOnce(&mut Muxed)) -> Vec<u8> {
    let sample =
        |n: u8| MuxedSample { data: vec![n; 4], duration: 1024, composition_offset: 0, key: true };
    let mut track = Muxed {
        handler: b"soun",
        timescale: 48_000,
        entries: vec![sound(b"mp4a", b"")],
        samples: (0..6).map(sample).collect(),
        chunks: vec![(4, 1), (2, 1)],
        edits: vec![],
        long: false,
    };
    change(&mut track);
    progressive(&[track]).0
}

/// Changes the bytes after the first `code`.
fn patch(bytes: &mut [u8], code: &[u8; 4], at: usize, value: &[u8]) {
    let found = bytes.windows(4).position(|window| window == code).unwrap() + 4 + at;
    bytes[found..found + value.len()].copy_from_slice(value);
}

fn fault(bytes: &[u8]) -> String {
    let read = || {
        let file = read::open(bytes)?;
        let tracks = file.tracks()?;
        tracks.iter().try_for_each(|track| track.check().map(|_| ()))
    };
    read().unwrap_err().to_string()
}

#[test]
fn faults_name_the_box_and_the_place() {
    let patched = |code, at, value: &[u8]| {
        let mut bytes = one_track(|_| ());
        patch(&mut bytes, code, at, value);
        fault(&bytes)
    };
    let endless = &u32::MAX.to_be_bytes();
    insta::assert_snapshot!(
        [
            fault(b""),
            fault(b"\0\0\0\x08ftyp"),
            patched(b"stsz", 8, endless),
            patched(b"stsz", 4, endless),
            patched(b"stts", 4, endless),
            patched(b"stts", 8, &[0, 0, 0, 5]),
            patched(b"stsc", 8, &[0, 0, 0, 2]),
            patched(b"stsc", 12, &[0, 0, 0, 1]),
            patched(b"stsc", 16, &[0, 0, 0, 9]),
            patched(b"stco", 8, endless),
            patched(b"mdhd", 12, &[0; 4]),
            patched(b"tkhd", 12, &[0; 4]),
            patched(b"stsd", 4, endless),
            patched(b"stbl", 0, &[0, 0, 0, 3]),
            patched(b"mdia", 0, endless),
            patched(b"moov", 4, b"xxxx"),
            patched(b"trak", 4, b"xxxx"),
        ]
        .join("\n")
    );
}

#[test]
fn counts_without_bytes_are_held_against_the_media() {
    // A run of 2^32 samples in 20 bytes: no columns, one byte each by default.
    let mut bytes = cmaf::audio_init(&audio_config()).unwrap().to_vec();
    bytes.extend_from_slice(&segment(SegmentKind::Audio, 1, 0, &audio_frames(0, 3)).unwrap());
    for (flags, size) in [(0x30, 1_u32), (0x20, 0)] {
        let mut bytes = bytes.clone();
        let traf = bytes.windows(4).rposition(|w| w == b"tfhd").unwrap() + 4;
        bytes[traf..traf + 12].copy_from_slice(&[0, 2, 0, flags, 0, 0, 0, 1, 0, 0, 0, 1]);
        bytes[traf + 8..traf + 12].copy_from_slice(&size.to_be_bytes());
        let run = bytes.windows(4).rposition(|w| w == b"trun").unwrap() + 4;
        bytes[run..run + 8].copy_from_slice(&[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        let file = read::open(&bytes).unwrap();
        let error = file.tracks().unwrap_err();
        assert!(matches!(error.problem, Problem::Contradiction(_)), "{error}");
        assert_eq!(error.path, "moof/traf/trun");
    }
}
