//! Manifests of a segment index whose media is encrypted when it is asked for.

use std::collections::BTreeMap;

use kinora_media::{Head, Page, TrackId};

use crate::{
    PackagerError,
    crypt::{IndexKey, method, streams},
    dash,
    delivery::{Announced, Delivery},
    hls,
    package::Method,
    presentation::Presentation,
};

/// What manifests of an encrypted version say besides.
///
/// Sizes in the index are those of clear media, so what is measured gets a margin, and there are no
/// playlists of key frames: where those end is known only once a segment is encrypted.
#[derive(Debug, Clone)]
pub struct ProtectedIndex {
    delivery: Delivery,
}

impl ProtectedIndex {
    /// `key_uri` is where the 16 bytes of the key are, as playlists beside the multivariant one call
    /// it: how players of whole encrypted segments come by it. `license_url` is where those of
    /// encrypted samples ask as ClearKey has it. `None` if the version is not encrypted.
    pub fn new(head: &Head, key: &IndexKey, key_uri: &str, license_url: &str) -> Option<Self> {
        let method = method(head.encryption)?;
        let is_whole = method == Method::Aes128;
        let announced = |stream| Announced {
            method,
            id: key.key.id,
            vector: is_whole.then(|| key.vector(stream)),
            // hls.js takes a key's address before all else, and of samples in MP4 it makes nothing then.
            uri: is_whole.then(|| key_uri.to_owned()),
            license_url: (!is_whole).then(|| license_url.to_owned()),
            widevine: false,
        };
        let keys: BTreeMap<_, _> =
            streams(head).map(|(stream, track)| (track.id.clone(), announced(stream))).collect();
        Some(Self { delivery: Delivery { keys, sealed_later: true, ..Delivery::INDEX.clone() } })
    }

    /// As [`hls::multivariant`].
    ///
    /// # Errors
    /// The same.
    pub fn multivariant(&self, head: &Head, pages: &[Page]) -> Result<String, PackagerError> {
        hls::write_multivariant(&self.open(head, pages)?)
    }

    /// As [`hls::media_playlist`].
    ///
    /// # Errors
    /// The same.
    pub fn media_playlist(
        &self,
        head: &Head,
        pages: &[Page],
        track: &TrackId,
    ) -> Result<Option<String>, PackagerError> {
        hls::write_media_playlist(&self.open(head, pages)?, track)
    }

    /// As [`dash::mpd`]; `None` where whole segments are encrypted, which DASH does not have.
    ///
    /// # Errors
    /// The same.
    pub fn mpd(&self, head: &Head, pages: &[Page]) -> Result<Option<String>, PackagerError> {
        if self.delivery.keys.values().any(|key| key.method == Method::Aes128) {
            return Ok(None);
        }
        dash::write_mpd(&self.open(head, pages)?).map(Some)
    }

    fn open<'a>(
        &'a self,
        head: &'a Head,
        pages: &'a [Page],
    ) -> Result<Presentation<'a>, PackagerError> {
        Ok(Presentation::open(head, pages)?.delivered(&self.delivery))
    }
}
