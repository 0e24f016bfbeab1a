//! Hostile bytes: whatever comes, the reader ends soon and does not panic.

use kinora_packager::{
    cmaf::{self, SegmentKind, segment},
    read,
};

use super::mux::{Muxed, MuxedSample, progressive, sound, visual};
use crate::{
    fixtures::{audio_config, audio_frames, gop, video_config},
    media::shared,
};

/// Mutations of each seed. `KINORA_FUZZ_ROUNDS` asks for more.
const ROUNDS: u64 = 1500;

/// What a fuzzer calls: reads all there is, and holds the work against the input.
fn target(data: &[u8]) {
    let Ok(file) = read::open(data) else { return };
    let Ok(tracks) = file.tracks() else { return };
    for track in &tracks {
        let mut samples = 0_u64;
        for sample in track.samples() {
            samples += 1;
            let Ok(sample) = sample else { break };
            assert!(sample.offset + u64::from(sample.size) <= data.len() as u64);
        }
        // Every sample has a row of at least half a byte or a byte of media, and is walked once.
        assert!(samples <= 2 * data.len() as u64 + 1, "{samples} samples of {} bytes", data.len());
        for entry in &track.entries {
            let _ = (entry.video(), entry.audio());
            let _ = (entry.video_box(b"avcC"), entry.audio_box(b"esds"));
        }
    }
}

/// Files of every kind the reader knows.
fn seeds() -> Vec<Vec<u8>> {
    let sample = |n: u32| MuxedSample {
        data: vec![n as u8; 3],
        duration: 512,
        composition_offset: (n % 3) as i32 * 512,
        key: n.is_multiple_of(5),
    };
    let track = |handler, entry, long| Muxed {
        handler,
        timescale: 15_360,
        entries: vec![entry],
        samples: (0..20).map(sample).collect(),
        chunks: vec![(7, 1), (7, 1), (1, 1), (5, 1)],
        edits: vec![(0, 1024, 0x10000)],
        long,
    };
    let tracks = [
        track(b"vide", visual(b"avc1", b"\0\0\0\x0cavcC\x01\x64\0\x1f"), false),
        track(b"soun", sound(b"mp4a", b"\0\0\0\x0cesds\0\0\0\0"), true),
    ];
    let mut video = cmaf::video_init(&video_config()).unwrap().to_vec();
    video.extend_from_slice(&segment(SegmentKind::Video, 1, 0, &gop(0, 3000, 9)).unwrap());
    let mut audio = cmaf::audio_init(&audio_config()).unwrap().to_vec();
    audio.extend_from_slice(&segment(SegmentKind::Audio, 1, 0, &audio_frames(0, 9)).unwrap());
    vec![progressive(&tracks).0, video, audio]
}

/// The tables of real clips: media would only dilute the mutations.
fn real_seeds() -> Vec<Vec<u8>> {
    let names = ["edit-list.mp4", "fragmented.mp4", "bad-invalid-nalu.mp4", "ac3-and-aac.mp4"];
    let clips = names.iter().filter_map(|name| shared(name));
    clips.map(|path| std::fs::read(path).unwrap()).filter(|clip| clip.len() < 1 << 20).collect()
}

#[test]
fn mutated_files_are_read_or_refused() {
    let rounds = std::env::var("KINORA_FUZZ_ROUNDS").ok().and_then(|n| n.parse().ok());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for seed in seeds() {
        target(&seed);
        for _ in 0..rounds.unwrap_or(ROUNDS) {
            target(&mutated(&seed, &mut random, 0));
        }
        for length in 0..seed.len() {
            target(&seed[..length]);
        }
    }
    for seed in real_seeds() {
        let tables = seed.windows(4).position(|w| w == b"moov").unwrap_or(0);
        for _ in 0..rounds.unwrap_or(ROUNDS) / 10 {
            target(&mutated(&seed, &mut random, tables));
        }
    }
}

/// A few bytes, words, lengths and codes changed, from `first` on.
fn mutated(seed: &[u8], random: &mut Random, first: usize) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = first + random.below(bytes.len().saturating_sub(first + 8).max(1));
        let word = [0, 1, 7, 8, 0x7fff_ffff, 0x8000_0000, u32::MAX, bytes.len() as u32];
        match random.below(5) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.below(256) as u8,
            2 => bytes[at..at + 4].copy_from_slice(&word[random.below(8)].to_be_bytes()),
            3 => {
                let from = random.below(seed.len() - 8);
                let copied = seed[from..from + 8].to_vec();
                bytes[at..at + 8].copy_from_slice(&copied);
            }
            _ => bytes.truncate(at.max(16)),
        }
        if bytes.len() < first + 16 {
            break;
        }
    }
    bytes
}

/// xorshift64: the same mutations in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}
