//! Sample entries (14496-12 8.5.2): handed on as bytes, read only as far as manifests need.

use super::{BoxRef, Children, Fields, ReadError};

/// Bytes of fields before the boxes of a visual sample entry (12.1.3).
const VISUAL_FIELDS: usize = 78;
/// The same of an audio sample entry (12.2.3); QuickTime's versions 1 and 2 have more.
const AUDIO_FIELDS: usize = 28;
const QUICKTIME_1: (u16, usize) = (1, 16);
const QUICKTIME_2: (u16, usize) = (2, 36);

/// The same of a sample entry of text (14496-12 12.5.3, 12.6.3).
const TEXT_FIELDS: usize = 8;

/// How samples of a track are coded.
#[derive(Debug, Clone, Copy)]
pub struct SampleEntry<'a> {
    entry: BoxRef<'a>,
}

/// What a visual sample entry says of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoFields {
    /// Pixels coded.
    pub width: u16,
    /// Pixels coded.
    pub height: u16,
}

/// What an audio sample entry says of the sound. Decoder configurations know better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioFields {
    /// Channels.
    pub channels: u16,
    /// Samples a second, whole ones; 0 where it does not fit 16 bits.
    pub sample_rate: u16,
}

impl<'a> SampleEntry<'a> {
    pub(super) fn new(entry: BoxRef<'a>) -> Self {
        Self { entry }
    }

    /// `avc1`, `mp4a`, ….
    pub fn code(&self) -> [u8; 4] {
        self.entry.code
    }

    /// The whole box, header included.
    pub fn bytes(&self) -> &'a [u8] {
        self.entry.bytes
    }

    /// Of a visual sample entry.
    ///
    /// # Errors
    /// When it is cut short.
    pub fn video(&self) -> Result<VideoFields, ReadError> {
        self.entry.read_with(|entry| {
            let mut fields = entry.fields();
            fields.skip(24)?;
            Ok(VideoFields { width: fields.u16()?, height: fields.u16()? })
        })
    }

    /// Of an audio sample entry.
    ///
    /// # Errors
    /// When it is cut short.
    pub fn audio(&self) -> Result<AudioFields, ReadError> {
        self.entry.read_with(|entry| {
            let mut fields = entry.fields();
            fields.skip(16)?;
            let channels = fields.u16()?;
            fields.skip(6)?;
            Ok(AudioFields { channels, sample_rate: fields.u16()? })
        })
    }

    /// The body of the first box `code` of a visual sample entry, such as its `avcC`.
    ///
    /// # Errors
    /// When the entry is cut short or a box in it is damaged.
    pub fn video_box(&self, code: &[u8; 4]) -> Result<Option<&'a [u8]>, ReadError> {
        self.entry.read_with(|entry| find(entry, VISUAL_FIELDS, code))
    }

    /// The body of the first box `code` of an audio sample entry, such as its `esds`.
    ///
    /// # Errors
    /// When the entry is cut short or a box in it is damaged.
    pub fn audio_box(&self, code: &[u8; 4]) -> Result<Option<&'a [u8]>, ReadError> {
        self.entry.read_with(|entry| {
            let mut fields = entry.fields();
            fields.skip(8)?;
            let version = fields.u16()?;
            let more = [QUICKTIME_1, QUICKTIME_2].iter().find(|(known, _)| *known == version);
            find(entry, AUDIO_FIELDS + more.map_or(0, |(_, more)| *more), code)
        })
    }

    /// The body of the first box `code` of a sample entry of WebVTT, such as its `vttC`.
    ///
    /// # Errors
    /// When the entry is cut short or a box in it is damaged.
    pub fn text_box(&self, code: &[u8; 4]) -> Result<Option<&'a [u8]>, ReadError> {
        self.entry.read_with(|entry| find(entry, TEXT_FIELDS, code))
    }

    /// The body of the first box `code` of a sample entry of TTML, such as its `mime`.
    ///
    /// # Errors
    /// When the entry is cut short or a box in it is damaged.
    pub fn subtitles_box(&self, code: &[u8; 4]) -> Result<Option<&'a [u8]>, ReadError> {
        self.entry.read_with(|entry| {
            let mut fields = entry.fields();
            fields.skip(TEXT_FIELDS)?;
            // Namespaces, schemas, and the kinds of what goes with it (14496-12 12.6.3.2): the last ones
            // are left out by some who write files.
            for _ in 0..3 {
                let rest = fields.rest();
                let text =
                    rest.iter().position(|&byte| byte == 0).map_or(rest.len(), |end| end + 1);
                fields.skip(text)?;
            }
            find_in(fields, code)
        })
    }
}

fn find<'a>(
    entry: &BoxRef<'a>,
    fields_before: usize,
    code: &[u8; 4],
) -> Result<Option<&'a [u8]>, ReadError> {
    let mut fields = entry.fields();
    fields.skip(fields_before)?;
    find_in(fields, code)
}

fn find_in<'a>(fields: Fields<'a>, code: &[u8; 4]) -> Result<Option<&'a [u8]>, ReadError> {
    for child in Children(fields) {
        let child = child?;
        if child.code == *code {
            return Ok(Some(child.fields().rest()));
        }
    }
    Ok(None)
}
