//! A presentation that is encrypted.

use std::{collections::BTreeSet, ops::Range};

use bytes::Bytes;

use super::{Layout, Output, Package, PackageError, index, place::TrackCoding};
use crate::{
    crypt::{Encryptor, KeyId, Keyring, Protection, Scheme, SegmentCipher, TrackKey},
    delivery::Announced,
};

/// How a presentation is encrypted.
#[derive(Debug, Clone)]
pub struct Encryption {
    /// With which cipher, and what of it.
    pub method: Method,
    /// Which key protects which track.
    pub keys: Keyring,
    /// 16 random bytes, of this presentation alone: vectors are made of them.
    pub seed: [u8; 16],
    /// Where players that are told no other way fetch a key of 16 bytes. `{kid}` stands for the name
    /// of the key, in hexadecimal digits.
    pub key_uri: Option<String>,
    /// Where players ask for keys as ClearKey has it (W3C Encrypted Media Extensions 9.1).
    pub license_url: Option<String>,
}

/// With which cipher, and what of the media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Samples (ISO/IEC 23001-7).
    Samples(Scheme),
    /// Whole segments, each a file of its own; for HLS alone.
    Aes128,
}

/// What encrypts the segments of a track.
#[derive(Debug, Clone)]
pub(super) enum Protected {
    Samples(Box<Encryptor>),
    Segments(SegmentCipher),
}

/// A segment that is encrypted: `head`, then the bytes `media` of `data`.
#[derive(Debug, Clone)]
pub struct SealedSegment {
    /// What stands before the samples.
    pub head: Bytes,
    /// What was given, encrypted.
    pub data: Vec<u8>,
    /// Which of it belongs to the segment.
    pub media: Range<usize>,
    /// What the package must know of it.
    pub measured: Measured,
}

/// What is known of a segment once it is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    size: u64,
    first_sample_end: Option<u64>,
}

impl Package<'_> {
    /// Encrypts it, but for text: from now on outputs have protected initialisation segments, their segments must
    /// be sealed by [`Output::seal`], and manifests are right after [`Self::measure`].
    ///
    /// # Errors
    /// When a track has no key, a key names a track that is not there, a track's coding cannot be
    /// encrypted, or the method does not suit the layout.
    pub fn protect(&mut self, encryption: &Encryption) -> Result<(), PackageError> {
        if encryption.method == Method::Aes128 {
            if self.layout != Layout::Segments {
                return Err(PackageError::WholeSegments("segments that are files of their own"));
            }
            if !self.delivery.trick.is_empty() {
                return Err(PackageError::WholeSegments("a package without tracks for trick play"));
            }
            if encryption.key_uri.is_none() {
                return Err(PackageError::WholeSegments("the address of its key"));
            }
        }
        let is_there = |label: &str| self.outputs.iter().any(|output| output.id.as_str() == label);
        if let Some(label) = encryption.keys.named().find(|label| !is_there(label)) {
            return Err(PackageError::NoSuchTrack { label: label.to_owned() });
        }
        // Text stays clear.
        let key = |output: &Output<'_>| match output.text() {
            Some(_) => Ok(None),
            None => output.key(encryption).map(Some),
        };
        let keys = self.outputs.iter().map(key).collect::<Result<Vec<_>, _>>()?;
        let names: BTreeSet<_> = keys.iter().flatten().map(|key| key.id).collect();
        self.delivery.keys.clear();
        for ((stream, output), key) in (0_u16..).zip(&mut self.outputs).zip(keys) {
            let Some(key) = key else { continue };
            let announced = output.protect(encryption, key, stream, &names)?;
            self.delivery.keys.insert(output.id.clone(), announced);
        }
        self.delivery.files = index::files(&self.outputs, self.layout);
        Ok(())
    }

    /// Takes what sealing found of all segments of the tracks, in the order of [`Self::outputs`], into
    /// the indexes of tracks and the manifests.
    ///
    /// # Errors
    /// When there are not as many as the tracks have segments.
    pub fn measure(&mut self, measured: &[Vec<Measured>]) -> Result<(), PackageError> {
        for (output, measured) in self.outputs.iter_mut().zip(measured) {
            if output.rows.len() != measured.len() {
                let name = output.source.name.clone();
                return Err(PackageError::Unsealed { name });
            }
            let mut offset = 0_u64;
            for (row, measured) in output.rows.iter_mut().zip(measured) {
                row.offset = offset;
                offset = offset.saturating_add(measured.size);
                row.size = measured.size;
                row.key_frame = measured.first_sample_end;
            }
            if self.layout == Layout::SingleFile {
                output.index = output.write_index()?;
            }
        }
        self.head.tail = index::tail(&self.outputs);
        Ok(())
    }
}

impl Output<'_> {
    /// Whether its segments must be sealed.
    pub fn is_protected(&self) -> bool {
        self.protected.is_some()
    }

    /// Encrypts segment `number`, counted from 0, given its clear bytes: the head and the media of its
    /// [`super::Fragment`]. Where the track is not protected they are what is given back.
    ///
    /// # Errors
    /// When the headers of a picture cannot be read.
    pub fn seal(&self, number: u32, mut data: Vec<u8>) -> Result<SealedSegment, PackageError> {
        let name = || self.source.name.clone();
        match &self.protected {
            Some(Protected::Samples(encryptor)) => {
                let sealed = encryptor.seal(number, &mut data);
                let sealed = sealed.map_err(|error| PackageError::Crypt {
                    name: name(),
                    segment: number,
                    error,
                })?;
                let size = sealed.head.len() as u64 + sealed.media.len() as u64;
                let first_sample_end = Some(sealed.first_sample_end);
                let measured = Measured { size, first_sample_end };
                Ok(SealedSegment { head: sealed.head, data, media: sealed.media, measured })
            }
            Some(Protected::Segments(cipher)) => {
                cipher.encrypt(&mut data);
                let media = 0..data.len();
                // A range of what is chained and padded cannot be decrypted: no trick play.
                let measured = Measured { size: data.len() as u64, first_sample_end: None };
                Ok(SealedSegment { head: Bytes::new(), data, media, measured })
            }
            None => {
                let (media, size) = (0..data.len(), data.len() as u64);
                let measured = Measured { size, first_sample_end: None };
                Ok(SealedSegment { head: Bytes::new(), data, media, measured })
            }
        }
    }

    fn key<'a>(&self, encryption: &'a Encryption) -> Result<&'a TrackKey, PackageError> {
        let is_video = matches!(self.coding, TrackCoding::Video(_));
        // Key frames are the picture's, and so is the key.
        let named = self.key_frames_of.as_ref().unwrap_or(&self.id);
        let key = encryption.keys.key(named, is_video);
        key.ok_or_else(|| PackageError::NoKey {
            name: self.source.name.clone(),
            track: self.id.to_string(),
        })
    }

    fn protect(
        &mut self,
        encryption: &Encryption,
        key: &TrackKey,
        stream: u16,
        all: &BTreeSet<KeyId>,
    ) -> Result<Announced, PackageError> {
        let id = key.id;
        let uri = encryption.key_uri.as_ref().map(|uri| uri.replace("{kid}", &id.to_string()));
        let license_url = encryption.license_url.clone();
        let mut vector = None;
        self.protected = Some(match encryption.method {
            Method::Samples(scheme) => {
                let (key, seed) = (key.clone(), encryption.seed);
                let others = all.iter().copied().filter(|name| *name != id).collect();
                let protection = Protection { scheme, key, seed, stream, others };
                let encryptor = Encryptor::new(&self.write_init(), protection);
                let encryptor = encryptor.map_err(|error| PackageError::Protect {
                    name: self.source.name.clone(),
                    error,
                })?;
                self.init = encryptor.init().clone();
                Protected::Samples(Box::new(encryptor))
            }
            Method::Aes128 => {
                let mut own = encryption.seed;
                own[15] ^= stream as u8;
                own[14] ^= (stream >> 8) as u8;
                vector = Some(own);
                Protected::Segments(SegmentCipher::new(key.key.clone(), own))
            }
        });
        let (method, widevine) = (encryption.method, true);
        Ok(Announced { method, id, vector, uri, license_url, widevine })
    }
}
