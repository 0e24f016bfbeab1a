//! What is wrong with a caption file.

use super::{MAX_BYTES, MAX_CUES};

/// Why a caption file cannot be used, for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// More than [`MAX_BYTES`].
    #[error("the file has {bytes} bytes, at most {MAX_BYTES} are allowed")]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// Another encoding, or damaged.
    #[error("line {line}: not UTF-8; save the file as UTF-8 and try again")]
    NotUtf8 {
        /// The first bad line, from 1.
        line: usize,
    },
    /// Sent as WebVTT but does not begin so.
    #[error("line 1: a WebVTT file begins with 'WEBVTT'; add that line and an empty one after it")]
    MissingSignature,
    /// No cue to show.
    #[error("the file holds no cues; check that it is a caption file")]
    NoCues,
    /// More than [`MAX_CUES`].
    #[error("line {line}: more than {MAX_CUES} cues; split the file")]
    TooManyCues {
        /// Where the first too many stands.
        line: usize,
    },
    /// A timing line that cannot be read.
    #[error("line {line}: '{found}' is not a timing; write it as 00:01:02.500 --> 00:01:04.000")]
    Timing {
        /// From 1.
        line: usize,
        /// What stands there, shortened.
        found: String,
    },
    /// A cue that ends before it starts.
    #[error("line {line}: the cue ends before it starts; swap or correct its times")]
    Backwards {
        /// From 1.
        line: usize,
    },
    /// Text that belongs to no cue.
    #[error(
        "line {line}: expected a timing such as 00:01:02.500 --> 00:01:04.000 before '{found}'; \
         remove an empty line inside the cue above, or add the timing"
    )]
    NoTiming {
        /// From 1.
        line: usize,
        /// What stands there, shortened.
        found: String,
    },
    /// A timing in the middle of a block.
    #[error("line {line}: put an empty line before this cue")]
    NotSeparated {
        /// From 1.
        line: usize,
    },
}

impl TextError {
    /// The line at fault, from 1, where one is.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::TooLarge { .. } | Self::NoCues => None,
            Self::MissingSignature => Some(1),
            Self::NotUtf8 { line }
            | Self::TooManyCues { line }
            | Self::Timing { line, .. }
            | Self::Backwards { line }
            | Self::NoTiming { line, .. }
            | Self::NotSeparated { line } => Some(*line),
        }
    }
}

/// At most 40 characters of a line, to show what was found.
pub(super) fn excerpt(text: &str) -> String {
    const MAX: usize = 40;
    let shown: String = text.trim().chars().filter(|c| !c.is_control()).take(MAX).collect();
    if text.trim().chars().count() > MAX { format!("{shown}…") } else { shown }
}
