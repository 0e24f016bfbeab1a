//! What protects a track, and the track that is protected.

use std::ops::Range;

use bytes::Bytes;

use super::{CryptError, KeyId, TrackKey, cipher::Chaining, fragment, init, layout::Layout};
use crate::read;

/// How samples are protected (ISO/IEC 23001-7 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// AES in counter mode; each sample has a vector of 8 bytes.
    Cenc,
    /// AES in block chaining with one vector for all; of pictures one block in ten.
    Cbcs,
}

impl Scheme {
    /// Its code in `schm`, and its name in manifests.
    pub(crate) fn code(self) -> &'static [u8; 4] {
        match self {
            Self::Cenc => b"cenc",
            Self::Cbcs => b"cbcs",
        }
    }
}

/// What protects a track.
#[derive(Debug, Clone)]
pub struct Protection {
    /// How.
    pub scheme: Scheme,
    /// With what.
    pub key: TrackKey,
    /// Random bytes that vectors are made of, the same for all tracks of a presentation; they are no
    /// secret. In counter mode a key must never be used with the same seed for other media.
    pub seed: [u8; 16],
    /// Tells the tracks that share a key apart, below 4096. In counter mode no two may have the same.
    pub stream: u16,
    /// Names of the keys of the presentation's other tracks. The common header names them, too: a
    /// player may ask for what it finds in its first track alone.
    pub others: Vec<KeyId>,
}

/// Bits of a vector that number the samples of a fragment; it has at most 2^20.
const SAMPLE_BITS: u32 = 20;
/// Bits that number the fragments of a track.
const FRAGMENT_BITS: u32 = 32;

impl Protection {
    /// The vector of all samples in `cbcs`.
    pub(super) fn constant_vector(&self) -> [u8; 16] {
        let mut vector = self.seed;
        vector[..8].copy_from_slice(&self.vector(0, 0));
        vector
    }

    /// The vector of a sample in `cenc`. Track, fragment and sample have bits of their own, so no two
    /// samples under a key have the same; it follows from where the sample is, not from those before.
    pub(super) fn vector(&self, fragment: u32, sample: u32) -> [u8; 8] {
        let seed = u64::from_be_bytes(*self.seed.first_chunk().expect("a seed has 16 bytes"));
        let stream = u64::from(self.stream) << (SAMPLE_BITS + FRAGMENT_BITS);
        let place = stream | u64::from(fragment) << SAMPLE_BITS | u64::from(sample);
        (seed ^ place).to_be_bytes()
    }
}

/// Encrypts the fragments of a track.
#[derive(Clone)]
pub struct Encryptor {
    pub(super) protection: Protection,
    pub(super) layout: Layout,
    pub(super) chaining: Chaining,
    pub(super) clear_init: Bytes,
    init: Bytes,
}

impl std::fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encryptor").field("protection", &self.protection).finish_non_exhaustive()
    }
}

/// A fragment that is encrypted: `head`, then the bytes `media` of what was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// What stands before the samples: all boxes up to the header of `mdat`.
    pub head: Bytes,
    /// Where the samples lie, encrypted, in the fragment that was given.
    pub media: Range<usize>,
    /// Bytes of the fragment up to the end of its first sample.
    pub first_sample_end: u64,
}

impl Encryptor {
    /// For the track that `init`, its clear initialisation segment, describes: AVC, HEVC, AV1, VP9 or
    /// any sound.
    ///
    /// # Errors
    /// When it is damaged, describes more than one track or sample entry, or one of another kind.
    pub fn new(init: &[u8], protection: Protection) -> Result<Self, CryptError> {
        let file = read::open(init)?;
        let tracks = file.tracks()?;
        let [track] = &tracks[..] else {
            return Err(CryptError::Form("an initialisation segment describes one track"));
        };
        let [entry] = &track.entries[..] else {
            return Err(CryptError::Form("a protected track has one sample entry"));
        };
        let is_video = track.handler == *b"vide";
        let layout = Layout::of(entry, is_video)?;
        let chaining = Chaining::new(&protection.key.key, &protection.constant_vector());
        let clear_init = Bytes::copy_from_slice(init);
        let init = init::protect(init, &protection, is_video)?;
        Ok(Self { protection, layout, chaining, clear_init, init })
    }

    /// The initialisation segment of the protected track.
    pub fn init(&self) -> &Bytes {
        &self.init
    }

    /// Encrypts a clear fragment in place: boxes, one `moof`, its `mdat`. `number` tells it from all
    /// other fragments of the track; the same fragment under the same number gives the same bytes.
    ///
    /// # Errors
    /// When boxes are damaged, there are several fragments or data lies elsewhere, or the headers of
    /// a picture cannot be read. The fragment is then encrypted in part and of no use.
    pub fn seal(&self, number: u32, fragment: &mut [u8]) -> Result<Sealed, CryptError> {
        fragment::seal(self, number, fragment)
    }
}
