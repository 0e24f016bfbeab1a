//! What is fuzzed.

use kinora_packager::{
    lint,
    package::{self, Layout, Options, Source},
    read,
    text::{self, TextFormat},
};

use crate::{mutate, seeds};

/// A parser of outside bytes, and how to fuzz it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Parses all there is of the bytes.
    pub run: fn(&[u8]),
    /// Files that it reads, to begin from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How a file of the kind is changed.
    pub change: fn(&[u8], limit: usize, &mut fastrand::Rng) -> Vec<u8>,
    /// Bytes of memory for each byte of input, at most.
    pub bytes_a_byte: u64,
    /// Nanoseconds of processor time for each byte of input, at most.
    pub nanos_a_byte: u64,
}

impl Target {
    /// `data` changed in a few places, at most `limit` bytes; equal for equal seeds.
    pub fn mutated(&self, data: &[u8], limit: usize, seed: u64) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut changed = data.to_vec();
        for _ in 0..=random.u32(..3) {
            changed = (self.change)(&changed, limit, &mut random);
            changed.truncate(limit);
        }
        changed
    }
}

/// MP4 files: tables, samples, sample entries, and what a package makes of them.
pub const MP4: Target = Target {
    run: mp4,
    seeds: seeds::mp4,
    change: mutate::boxes::changed,
    bytes_a_byte: 1024,
    nanos_a_byte: 4000,
};

/// Playlists, as `kinora lint` reads them.
pub const PLAYLIST: Target = Target {
    run: playlist,
    seeds: seeds::playlists,
    change: mutate::lines::changed_playlist,
    bytes_a_byte: 128,
    nanos_a_byte: 4000,
};

/// WebVTT and SubRip.
pub const CAPTIONS: Target = Target {
    run: captions,
    seeds: seeds::captions,
    change: mutate::lines::changed_captions,
    bytes_a_byte: 128,
    nanos_a_byte: 2000,
};

fn mp4(data: &[u8]) {
    let Ok(file) = read::open(data) else { return };
    let Ok(tracks) = file.tracks() else { return };
    for track in &tracks {
        for sample in track.samples() {
            let Ok(sample) = sample else { break };
            assert!(sample.offset + u64::from(sample.size) <= data.len() as u64);
        }
        for entry in &track.entries {
            let _ = (entry.video(), entry.audio());
            let _ = (entry.video_box(b"avcC"), entry.audio_box(b"esds"));
        }
    }
    for layout in [Layout::SingleFile, Layout::Segments] {
        packaged(&tracks, layout);
    }
}

fn packaged(tracks: &[read::Track<'_>], layout: Layout) {
    let source = |track| Source {
        name: String::new(),
        file: 0,
        track,
        language: "und".into(),
        label: String::new(),
    };
    let sources: Vec<_> = tracks.iter().map(source).collect();
    let options = Options { layout, segment_ms: 2000 };
    let Ok(package) = package::plan(&sources, Vec::new(), options) else { return };
    for output in &package.outputs {
        for fragment in output.fragments() {
            let _ = fragment.expect("the plan walked all samples");
        }
        package.media_playlist(&output.id).expect("the index is whole");
    }
    package.multivariant().expect("the index is whole");
    package.mpd().expect("the index is whole");
}

fn playlist(data: &[u8]) {
    let report = lint::playlist(data);
    let lines = data.split(|&byte| byte == b'\n').count();
    assert!(report.findings.iter().all(|finding| (1..=lines).contains(&finding.line)));
}

fn captions(data: &[u8]) {
    for hint in [None, Some(TextFormat::WebVtt), Some(TextFormat::SubRip)] {
        let Ok(parsed) = text::parse(data, hint) else { continue };
        let written = parsed.to_string();
        assert!(
            text::parse(written.as_bytes(), None).as_ref() == Ok(&parsed),
            "reads the same again"
        );
        // Few: each holds the styles again.
        for segment in parsed.segments(parsed.end_us() / 2 + 1, parsed.end_us()) {
            assert!(segment.starts_with("WEBVTT\n"));
        }
    }
}
