//! What the media of a segment index is encrypted with, and how that is kept.

use bytes::Bytes;
use kinora_media::{Encryption, Head, Track, TrackKind};
use zeroize::Zeroizing;

use super::{
    ContentKey, CryptError, Encryptor, KeyId, Protection, Scheme, SegmentCipher, TrackKey,
    keyring::hex,
};
use crate::package::Method;

/// The key of one version of one video, and what vectors are made of. All its tracks share it.
#[derive(Debug, Clone)]
pub struct IndexKey {
    /// The key and its name.
    pub key: TrackKey,
    /// No secret, but of this version alone: counter mode must never have it twice under a key.
    pub seed: [u8; 16],
}

impl IndexKey {
    /// Of random bytes: 16 each for the name, the key and the seed.
    pub fn of_random(random: &Zeroizing<[u8; 48]>) -> Self {
        let part =
            |nth: usize| *random[nth * 16..].first_chunk().expect("48 bytes are three times 16");
        Self { key: TrackKey { id: KeyId(part(0)), key: ContentKey::new(part(1)) }, seed: part(2) }
    }

    /// As it is kept: a line each for `kid`, `key` and `seed`, in hexadecimal digits.
    pub fn to_text(&self) -> Zeroizing<String> {
        let digits = |bytes: &[u8; 16]| Zeroizing::new(KeyId(*bytes).to_string());
        let (key, seed) = (digits(self.key.key.bytes()), digits(&self.seed));
        Zeroizing::new(format!("kid={}\nkey={}\nseed={}\n", self.key.id, *key, *seed))
    }

    /// Reads what [`Self::to_text`] wrote. Lines of other names, which a later version may add, are
    /// left out.
    pub fn parse(text: &str) -> Option<Self> {
        let of = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once('='));
            hex(lines.find(|(found, _)| *found == name)?.1)
        };
        let id = KeyId(of("kid")?);
        Some(Self { key: TrackKey { id, key: ContentKey::new(of("key")?) }, seed: of("seed")? })
    }

    /// The vector of a track's whole segments.
    pub(crate) fn vector(&self, stream: u16) -> [u8; 16] {
        let mut vector = self.seed;
        let [high, low] = stream.to_be_bytes();
        vector[14] ^= high;
        vector[15] ^= low;
        vector
    }
}

/// How a version is encrypted; `None` if it is not.
pub(crate) fn method(encryption: Encryption) -> Option<Method> {
    match encryption {
        Encryption::None => None,
        Encryption::Cbcs => Some(Method::Samples(Scheme::Cbcs)),
        Encryption::Cenc => Some(Method::Samples(Scheme::Cenc)),
        Encryption::Aes128 => Some(Method::Aes128),
    }
}

/// The tracks of an index that are encrypted, each with the number that tells it from the others.
/// Texts may join late, so they do not count.
pub(crate) fn streams(head: &Head) -> impl Iterator<Item = (u16, &Track)> {
    let media = head.tracks.iter().filter(|track| !matches!(track.kind, TrackKind::Text(_)));
    (0..).zip(media)
}

/// Encrypts what is asked for of one track of a segment index.
#[derive(Debug, Clone)]
pub struct TrackCipher {
    init: Bytes,
    cipher: Cipher,
}

#[derive(Debug, Clone)]
enum Cipher {
    Samples(Box<Encryptor>),
    Segments(SegmentCipher),
}

impl TrackCipher {
    /// For a track's segments that belong to `init`, its clear initialisation segment; `None` if it is
    /// sent in the clear.
    ///
    /// # Errors
    /// As [`Encryptor::new`].
    pub fn new(
        head: &Head,
        track: &Track,
        init: &Bytes,
        key: &IndexKey,
    ) -> Result<Option<Self>, CryptError> {
        let Some(method) = method(head.encryption) else { return Ok(None) };
        let Some((stream, _)) = streams(head).find(|(_, it)| it.id == track.id) else {
            return Ok(None);
        };
        let scheme = match method {
            Method::Samples(scheme) => scheme,
            Method::Aes128 => {
                let cipher = SegmentCipher::new(key.key.key.clone(), key.vector(stream));
                return Ok(Some(Self { init: init.clone(), cipher: Cipher::Segments(cipher) }));
            }
        };
        let (seed, others) = (key.seed, Vec::new());
        let protection = Protection { scheme, key: key.key.clone(), seed, stream, others };
        let encryptor = Encryptor::new(init, protection)?;
        let init = encryptor.init().clone();
        Ok(Some(Self { init, cipher: Cipher::Samples(Box::new(encryptor)) }))
    }

    /// The initialisation segment as players get it.
    pub fn init(&self) -> &Bytes {
        &self.init
    }

    /// Encrypts segment `number` of the track, counted from 0 over the whole timeline. The same segment
    /// under the same number gives the same bytes.
    ///
    /// # Errors
    /// As [`Encryptor::seal`].
    pub fn seal(&self, number: u32, mut segment: Vec<u8>) -> Result<Vec<u8>, CryptError> {
        match &self.cipher {
            Cipher::Samples(encryptor) => {
                let sealed = encryptor.seal(number, &mut segment)?;
                Ok([&sealed.head[..], &segment[sealed.media]].concat())
            }
            Cipher::Segments(cipher) => {
                cipher.encrypt(&mut segment);
                Ok(segment)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_as_it_was_made() {
        let random = Zeroizing::new(std::array::from_fn(|n| n as u8));
        let key = IndexKey::of_random(&random);
        let text = key.to_text();
        let read = IndexKey::parse(&format!("later=1\n{}", *text)).unwrap();
        assert_eq!(read.key.id, KeyId(std::array::from_fn(|n| n as u8)));
        assert_eq!(*read.key.key.bytes(), std::array::from_fn(|n| 16 + n as u8));
        assert_eq!(read.seed, std::array::from_fn(|n| 32 + n as u8));
        assert!(!format!("{key:?}").contains("1011"), "{key:?}");
        for bad in ["", "kid=00", &text[..60], &text.replace("seed", "salt")] {
            assert!(IndexKey::parse(bad).is_none(), "{bad}");
        }
    }
}
