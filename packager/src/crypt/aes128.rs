//! Whole segments in AES-128 (RFC 8216 4.3.2.4, METHOD=AES-128): chaining with padding.

use aes::Aes128Enc;
use aes::cipher::{BlockEncryptMut, KeyIvInit, block_padding::Pkcs7};

use super::ContentKey;

/// Encrypts the segments of a track, each a file of its own.
#[derive(Debug, Clone)]
pub struct SegmentCipher {
    key: ContentKey,
    vector: [u8; 16],
}

impl SegmentCipher {
    /// `vector` is what the playlist says of all segments of the track. It may be the same for all:
    /// they begin alike up to their number only, which is no secret.
    pub fn new(key: ContentKey, vector: [u8; 16]) -> Self {
        Self { key, vector }
    }

    /// Encrypts a segment in place; it grows to the next whole block.
    pub fn encrypt(&self, segment: &mut Vec<u8>) {
        let length = segment.len();
        segment.resize(Self::length(length as u64) as usize, 0);
        let cipher = cbc::Encryptor::<Aes128Enc>::new(self.key.bytes().into(), &self.vector.into());
        cipher.encrypt_padded_mut::<Pkcs7>(segment, length).expect("there is room for the padding");
    }

    /// Bytes of an encrypted segment.
    pub fn length(clear: u64) -> u64 {
        (clear / 16 + 1) * 16
    }
}
