//! How tracks are laid out in files, as far as that differs from the segment index's own way, and
//! what manifests say beyond it.

use std::collections::BTreeMap;

use kinora_media::{Track, TrackId};

use crate::{codec::VideoRange, crypt::KeyId, hls::I_FRAMES, package::Method};

/// The delivery of a presentation.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// Tracks that are one file each; what is not named has a file a segment.
    pub(crate) files: BTreeMap<TrackId, SingleFile>,
    /// Tracks that are encrypted.
    pub(crate) keys: BTreeMap<TrackId, Announced>,
    /// Pictures that are not of standard range.
    pub(crate) ranges: BTreeMap<TrackId, VideoRange>,
    /// Key frames of pictures as tracks of their own, which are not among the tracks of the index.
    pub(crate) trick: Vec<Trick>,
    /// Text tracks that are samples, as pictures and sound are; others are WebVTT files.
    pub(crate) text: BTreeMap<TrackId, TextSamples>,
    /// Whether every segment can be decoded without those before it.
    pub(crate) independent: bool,
    /// How long segments of captions are, microseconds; `None` where a text track is one file.
    pub(crate) text_segment_us: Option<u64>,
    /// Whether segments are encrypted only when they are asked for: what the index says of their
    /// sizes is said of clear ones.
    pub(crate) sealed_later: bool,
}

/// What players are told of how a track is encrypted, and where its key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) method: Method,
    pub(crate) id: KeyId,
    /// The vector of whole segments; samples say their own.
    pub(crate) vector: Option<[u8; 16]>,
    pub(crate) uri: Option<String>,
    pub(crate) license_url: Option<String>,
    /// Whether there is somebody who gives it to Widevine.
    pub(crate) widevine: bool,
}

/// Who plays the samples of a text track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextSamples {
    /// HLS and DASH: IMSC.
    Both,
    /// DASH alone. HLS is told of the WebVTT files that were made of them, if they were.
    Dash { files: bool },
}

/// The key frames of a picture.
#[derive(Debug, Clone)]
pub(crate) struct Trick {
    /// A track with them, one after another.
    pub(crate) track: Track,
    /// How much faster than itself it plays where the picture can be decoded.
    pub(crate) max_playout_rate: u32,
}

/// A track in one file: its initialisation, an index, and all segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SingleFile {
    /// Bytes of the initialisation segment.
    pub(crate) init: u64,
    /// Bytes of the index.
    pub(crate) index: u64,
}

impl Delivery {
    /// That of the segment index.
    pub(crate) const INDEX: &'static Self = &Self {
        files: BTreeMap::new(),
        keys: BTreeMap::new(),
        ranges: BTreeMap::new(),
        trick: Vec::new(),
        text: BTreeMap::new(),
        independent: true,
        text_segment_us: None,
        sealed_later: false,
    };

    /// The file of a track that is one.
    pub(crate) fn file(&self, track: &TrackId) -> Option<(SingleFile, String)> {
        self.files.get(track).map(|file| (*file, format!("{track}.mp4")))
    }

    /// Where the I-frame playlist of a track lies: beside the media it names.
    pub(crate) fn i_frames(&self, track: &TrackId) -> String {
        let slash = if self.files.contains_key(track) { "-" } else { "/" };
        format!("{track}{slash}{I_FRAMES}")
    }

    /// Whether HLS plays the samples of a text track, which are not WebVTT files.
    pub(crate) fn has_text_samples_in_hls(&self, track: &TrackId) -> bool {
        self.text.get(track) == Some(&TextSamples::Both)
    }

    /// Where the captions of a text track lie as one file.
    pub(crate) fn whole_text(&self, track: &TrackId) -> String {
        // Segments have the numbers.
        let name = if self.text_segment_us.is_some() { "" } else { "/0" };
        format!("{track}{name}.vtt")
    }

    pub(crate) fn range(&self, track: &TrackId) -> VideoRange {
        self.ranges.get(track).copied().unwrap_or_default()
    }
}

impl SingleFile {
    /// Where the first segment begins.
    pub(crate) fn media(self) -> u64 {
        self.init.saturating_add(self.index)
    }
}
