//! What a probe found out about coded pictures that might be handed on as they are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether a stream's coded pictures can become a rendition without being encoded again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coded {
    /// As far as the stream alone tells; size and rate are the plan's to judge.
    Fit(CodedGops),
    /// They cannot.
    Unfit(Unfit),
}

impl Coded {
    /// The H.264 level, times ten, of pictures that fit.
    pub fn level(&self) -> Option<u32> {
        match self {
            Self::Fit(gops) => Some(gops.level),
            Self::Unfit(_) => None,
        }
    }
}

/// H.264 in closed groups of pictures, each from one IDR picture to the next, without gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodedGops {
    /// The AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1), hexadecimal; the same from
    /// beginning to end.
    pub avcc: String,
    /// H.264 level, times ten.
    pub level: u32,
    /// Frames of each GOP.
    pub frames: Vec<u32>,
    /// Bytes of each GOP.
    pub bytes: Vec<u64>,
}

/// Why coded pictures cannot be handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfit {
    /// Not H.264.
    Codec,
    /// H.264 whose parameter sets do not stand apart, as in transport streams.
    Container,
    /// Another profile than Baseline, Main or High, or a level above 4.2.
    Profile,
    /// Not 8-bit 4:2:0.
    Chroma,
    /// Full range, HDR, or other colours than BT.709 and BT.601.
    Colour,
    /// Interlaced.
    Interlaced,
    /// To be turned or mirrored.
    Rotated,
    /// Pixels are not square.
    PixelAspect,
    /// Frame distances vary.
    VariableRate,
    /// An edit list cuts into it.
    EditList,
    /// Parameter sets change.
    ParameterSets,
    /// It does not begin with an IDR picture.
    NoIdrFirst,
    /// Pictures refer across key frames.
    OpenGop,
    /// Key frames are more than 4 s apart.
    GopTooLong,
    /// Key frames come so often that every rung would suffer.
    GopTooShort,
    /// Frames are missing or shown twice.
    Gaps,
    /// The file is damaged.
    Damaged,
    /// The file is too large to be read whole.
    NotScanned,
    /// The file cannot be entered in the middle.
    NotSeekable,
    /// Another size than the top rung's.
    Size,
    /// More bits than the top rung may have.
    Bitrate,
}

impl Unfit {
    /// Its word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Codec => "codec",
            Self::Container => "container",
            Self::Profile => "profile",
            Self::Chroma => "chroma",
            Self::Colour => "colour",
            Self::Interlaced => "interlaced",
            Self::Rotated => "rotated",
            Self::PixelAspect => "pixel_aspect",
            Self::VariableRate => "variable_rate",
            Self::EditList => "edit_list",
            Self::ParameterSets => "parameter_sets",
            Self::NoIdrFirst => "no_idr_first",
            Self::OpenGop => "open_gop",
            Self::GopTooLong => "gop_too_long",
            Self::GopTooShort => "gop_too_short",
            Self::Gaps => "gaps",
            Self::Damaged => "damaged",
            Self::NotScanned => "not_scanned",
            Self::NotSeekable => "not_seekable",
            Self::Size => "size",
            Self::Bitrate => "bitrate",
        }
    }
}

impl fmt::Display for Unfit {
    /// What follows "because".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Codec => "it is not H.264",
            Self::Container => "its container mixes parameter sets with pictures",
            Self::Profile => "its H.264 profile or level is not one that all players have",
            Self::Chroma => "it is not 8-bit 4:2:0",
            Self::Colour => "its colours are not those of the other renditions",
            Self::Interlaced => "it is interlaced",
            Self::Rotated => "it has to be turned upright",
            Self::PixelAspect => "its pixels are not square",
            Self::VariableRate => "its frame rate varies",
            Self::EditList => "an edit list cuts into it",
            Self::ParameterSets => "its parameter sets change",
            Self::NoIdrFirst => "it does not begin with an IDR picture",
            Self::OpenGop => "its groups of pictures are open",
            Self::GopTooLong => "its key frames are more than 4 s apart",
            Self::GopTooShort => "its key frames are less than half a second apart",
            Self::Gaps => "frames are missing",
            Self::Damaged => "the file is damaged",
            Self::NotScanned => "the file is too large to be looked through",
            Self::NotSeekable => "the file cannot be entered in the middle",
            Self::Size => "it is larger than the highest rendition",
            Self::Bitrate => "it takes more bits than the highest rendition may",
        })
    }
}
