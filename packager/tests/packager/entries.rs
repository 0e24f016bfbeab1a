//! Sample entries pass through as bytes, whatever they are, and manifests name them rightly.

use kinora_packager::{
    package::{self, Layout, Options},
    read,
};
use mp4_atom::{Any, Codec, Decode as _, Moov};

use crate::{
    crypt::clips::made,
    package::sources,
    read::mux::{Muxed, MuxedSample, boxed, progressive},
};

/// How ffmpeg is asked for it, its code, and the `codecs` value of RFC 6381 (and of the registrations
/// of AV1, VP9, Opus and FLAC).
const ENTRIES: &[(&str, &[u8; 4], &str)] = &[
    ("-an -c:v libx264 -profile:v high -level 3 -tag:v avc1", b"avc1", "avc1.64001e"),
    ("-an -c:v libx264 -profile:v main -level 3 -tag:v avc3", b"avc3", "avc3.4d401e"),
    (
        "-an -c:v libx265 -x265-params log-level=0:level-idc=30 -tag:v hvc1",
        b"hvc1",
        "hvc1.1.6.L90.90",
    ),
    (
        "-an -c:v libx265 -x265-params log-level=0:level-idc=30 -tag:v hev1",
        b"hev1",
        "hev1.1.6.L90.90",
    ),
    ("-an -c:v libaom-av1 -cpu-used 8 -g 30", b"av01", "av01.0.00M.08"),
    ("-an -c:v libvpx-vp9 -deadline realtime -cpu-used 8", b"vp09", "vp09.00.11.08.01.02.02.02.00"),
    ("-vn -c:a aac", b"mp4a", "mp4a.40.2"),
    ("-vn -c:a ac3", b"ac-3", "ac-3"),
    ("-vn -c:a eac3", b"ec-3", "ec-3"),
    ("-vn -c:a libopus", b"Opus", "Opus"),
    ("-vn -c:a flac -strict experimental", b"fLaC", "fLaC"),
];

fn code(entry: &Codec) -> Option<&'static [u8; 4]> {
    Some(match entry {
        Codec::Avc1(_) => b"avc1",
        Codec::Avc3(_) => b"avc3",
        Codec::Hvc1(_) => b"hvc1",
        Codec::Hev1(_) => b"hev1",
        Codec::Av01(_) => b"av01",
        Codec::Vp09(_) => b"vp09",
        Codec::Mp4a(_) => b"mp4a",
        Codec::Ac3(_) => b"ac-3",
        Codec::Eac3(_) => b"ec-3",
        Codec::Opus(_) => b"Opus",
        Codec::Flac(_) => b"fLaC",
        _ => return None,
    })
}

#[test]
fn entries_pass_through_and_are_named() {
    let sound = ["-f", "lavfi", "-i", "sine=440:duration=2:sample_rate=48000"];
    for (coding, expected, codecs) in ENTRIES {
        let coding: Vec<_> =
            sound.into_iter().chain(coding.split_whitespace()).chain(["-shortest"]).collect();
        let bytes = made(&coding);
        let file = read::open(&bytes).unwrap();
        let tracks = [file.tracks().unwrap()];
        let entry = tracks[0][0].entries[0];
        assert_eq!(&entry.code(), *expected);
        for layout in [Layout::SingleFile, Layout::Segments] {
            let options = Options { layout, segment_ms: 1000 };
            let package = package::plan(&sources(&tracks), vec![], options).unwrap();
            let [output] = &package.outputs[..] else { panic!("one track") };
            let init = &output.init;
            assert!(init.windows(entry.bytes().len()).any(|window| window == entry.bytes()));
            assert_eq!(found_by_others(init), Some(*expected));
            let hls = package.multivariant().unwrap();
            assert!(hls.contains(&format!("CODECS=\"{codecs}\"")), "{codecs}: {hls}");
            let mpd = package.mpd().unwrap();
            assert!(mpd.contains(&format!("codecs=\"{codecs}\"")), "{codecs}: {mpd}");
        }
    }
}

/// What `mp4-atom` takes the sample entry for.
fn found_by_others(mut init: &[u8]) -> Option<&'static [u8; 4]> {
    let mut moov: Option<Moov> = None;
    while !init.is_empty() {
        if let Any::Moov(found) = Any::decode(&mut init).unwrap() {
            moov = Some(found);
        }
    }
    code(&moov.unwrap().trak[0].mdia.minf.stbl.stsd.codecs[0])
}

/// Timed text in MP4 is read and handed on (how it is packaged: `text_tracks`).
#[test]
fn text_entries_are_read_as_bytes() {
    let text = |handler, code: &[u8; 4], body: &[u8]| Muxed {
        handler,
        timescale: 1000,
        entries: vec![boxed(code, &[&[0, 0, 0, 0, 0, 0, 0, 1], body])],
        samples: vec![MuxedSample {
            data: vec![0, 0, 0, 8, b'v', b't', b't', b'e'],
            duration: 1000,
            composition_offset: 0,
            key: true,
        }],
        chunks: vec![(1, 1)],
        edits: vec![],
        long: false,
    };
    let wvtt = text(b"text", b"wvtt", &boxed(b"vttC", &[b"WEBVTT"]));
    let stpp = text(b"subt", b"stpp", b"http://www.w3.org/ns/ttml\0\0\0");
    for track in [wvtt, stpp] {
        let entry = track.entries[0].clone();
        let bytes = progressive(&[track]).0;
        let file = read::open(&bytes).unwrap();
        let tracks = file.tracks().unwrap();
        assert_eq!(tracks[0].entries[0].bytes(), entry);
        assert_eq!(tracks[0].check(), Ok(1));
    }
}
