//! The ciphers of samples, over their protected bytes in place.

use aes::cipher::{BlockEncryptMut, InnerIvInit, KeyInit, KeyIvInit, StreamCipher};
use aes::{Aes128, Aes128Enc, Block};

use super::{ContentKey, subsample::Subsample};

const BLOCK: usize = 16;
/// Pattern of protected pictures (23001-7 10.4.2): of ten blocks one is encrypted.
pub(super) const CRYPT_BLOCKS: u8 = 1;
pub(super) const SKIP_BLOCKS: u8 = 9;
const STRIDE: usize = BLOCK * (CRYPT_BLOCKS + SKIP_BLOCKS) as usize;

/// `cenc` (23001-7 10.1): counter mode. The counter is the sample's vector and, from 0, the blocks of
/// all its protected bytes, which are one stream.
pub(super) fn count(key: &ContentKey, vector: [u8; 8], sample: &mut [u8], parts: &[Subsample]) {
    let mut counter = [0; BLOCK];
    counter[..8].copy_from_slice(&vector);
    let mut stream = ctr::Ctr64BE::<Aes128>::new(key.bytes().into(), (&counter).into());
    for_each_protected(sample, parts, |bytes| stream.apply_keystream(bytes));
}

/// `cbcs` (23001-7 10.4): block chaining that begins anew with the constant vector in each part.
#[derive(Clone)]
pub(super) struct Chaining {
    cipher: Aes128Enc,
    vector: Block,
}

impl Chaining {
    pub(super) fn new(key: &ContentKey, vector: &[u8; 16]) -> Self {
        Self { cipher: Aes128Enc::new(key.bytes().into()), vector: (*vector).into() }
    }

    /// Pictures: a block of ten of each part, the first of them included; no block in part.
    pub(super) fn pattern(&self, sample: &mut [u8], parts: &[Subsample]) {
        for_each_protected(sample, parts, |bytes| {
            let mut chain = self.begin();
            for stride in bytes.chunks_mut(STRIDE) {
                if let Some(block) = stride.first_chunk_mut::<BLOCK>() {
                    chain.encrypt_block_mut(block.into());
                }
            }
        });
    }

    /// Sound: every whole block.
    pub(super) fn whole(&self, sample: &mut [u8]) {
        let mut chain = self.begin();
        for block in sample.chunks_exact_mut(BLOCK) {
            chain.encrypt_block_mut(Block::from_mut_slice(block));
        }
    }

    fn begin(&self) -> cbc::Encryptor<Aes128Enc> {
        cbc::Encryptor::inner_iv_init(self.cipher.clone(), &self.vector)
    }
}

/// Without parts all of the sample is protected.
fn for_each_protected(sample: &mut [u8], parts: &[Subsample], mut then: impl FnMut(&mut [u8])) {
    if parts.is_empty() {
        return then(sample);
    }
    let mut rest = sample;
    for part in parts {
        let clear = usize::from(part.clear).min(rest.len());
        let (_, after) = std::mem::take(&mut rest).split_at_mut(clear);
        let protected = (part.protected as usize).min(after.len());
        let (protected, after) = after.split_at_mut(protected);
        then(protected);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key and plain text of NIST SP 800-38A, F.
    const KEY: [u8; 16] = 0x2b7e1516_28aed2a6_abf71588_09cf4f3c_u128.to_be_bytes();
    const PLAIN: [u8; 16] = 0x6bc1bee2_2e409f96_e93d7e11_7393172a_u128.to_be_bytes();

    #[test]
    fn chaining_is_that_of_the_standard() {
        // F.2.1: the vector is 00 to 0f.
        let vector = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes();
        let expected = 0x7649abac_8119b246_cee98e9b_12e9197d_u128.to_be_bytes();
        let chaining = Chaining::new(&ContentKey::new(KEY), &vector);
        let mut sound = [&PLAIN[..], &[9; 15]].concat();
        chaining.whole(&mut sound);
        assert_eq!(sound, [&expected[..], &[9; 15]].concat());
        // One block of ten, and each part begins anew.
        let mut picture = [&[1, 2, 3][..], &PLAIN, &[9; 144], &[4], &PLAIN, &[9; 5]].concat();
        let parts = [Subsample { clear: 3, protected: 160 }, Subsample { clear: 1, protected: 21 }];
        chaining.pattern(&mut picture, &parts);
        let expected = [&[1, 2, 3][..], &expected, &[9; 144], &[4], &expected, &[9; 5]].concat();
        assert_eq!(picture, expected);
    }

    #[test]
    fn counting_goes_on_from_part_to_part() {
        // Key stream of F.5.1 with a counter of our form: parts and the whole agree.
        let key = ContentKey::new(KEY);
        let mut whole = [0; 80];
        count(&key, [7; 8], &mut whole, &[]);
        let mut parted = [0; 84];
        let part = |clear, protected| Subsample { clear, protected };
        count(&key, [7; 8], &mut parted, &[part(1, 32), part(2, 48), part(1, 0)]);
        assert_eq!(parted[1..33], whole[..32]);
        assert_eq!(parted[35..83], whole[32..]);
        assert_eq!((parted[0], parted[33], parted[34], parted[83]), (0, 0, 0, 0));
        // The first block is the cipher of the vector and zero.
        let mut block = Block::from([7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
        aes::cipher::BlockEncrypt::encrypt_block(&Aes128Enc::new(&KEY.into()), &mut block);
        assert_eq!(block.as_slice(), &whole[..16]);
    }
}
