//! Where the segments of a track lie: in a file each, or in ranges of one (RFC 8216 4.3.2.2,
//! 4.3.2.5).

use kinora_media::Track;

use super::media::line;
use crate::{
    delivery::SingleFile,
    presentation::{Presentation, Span},
};

/// The files of a track as a playlist names them.
pub(super) enum Files<'a> {
    /// What stands before their names.
    Each(&'a str),
    One {
        uri: String,
        init: u64,
        /// Where each segment begins, and its bytes.
        ranges: Vec<(u64, u64)>,
    },
}

impl<'a> Files<'a> {
    /// `folder` is the track's folder as seen from the playlist, empty or with its slash.
    pub(super) fn of(
        presentation: &Presentation<'_>,
        track: &Track,
        spans: &[Span],
        folder: &'a str,
    ) -> Self {
        let Some((file, uri)) = presentation.delivery.file(&track.id) else {
            return Self::Each(folder);
        };
        let SingleFile { init, .. } = file;
        let ranges = spans.iter().scan(file.media(), |offset, span| {
            let begin = *offset;
            *offset = begin.saturating_add(span.size);
            Some((begin, span.size))
        });
        Self::One { uri, init, ranges: ranges.collect() }
    }

    /// The tag of the initialisation segment.
    pub(super) fn map(&self, playlist: &mut String, name: &str) {
        let tag = "#EXT-X-MAP:URI=";
        match self {
            Self::Each(folder) => line(playlist, format_args!("{tag}\"{folder}{name}\"")),
            Self::One { uri, init, .. } => {
                line(playlist, format_args!("{tag}\"{uri}\",BYTERANGE=\"{init}@0\""));
            }
        }
    }

    /// The address of a segment.
    pub(super) fn segment(&self, playlist: &mut String, number: usize) {
        match self {
            Self::Each(folder) => line(playlist, format_args!("{folder}{number}.m4s")),
            Self::One { uri, ranges, .. } => {
                let (offset, size) = ranges[number];
                line(playlist, format_args!("#EXT-X-BYTERANGE:{size}@{offset}\n{uri}"));
            }
        }
    }

    /// The address of the first `bytes` of a segment.
    pub(super) fn key_frame(&self, playlist: &mut String, number: usize, bytes: u64) {
        match self {
            Self::Each(folder) => {
                line(playlist, format_args!("#EXT-X-BYTERANGE:{bytes}@0\n{folder}{number}.m4s"));
            }
            Self::One { uri, ranges, .. } => {
                let (offset, _) = ranges[number];
                line(playlist, format_args!("#EXT-X-BYTERANGE:{bytes}@{offset}\n{uri}"));
            }
        }
    }
}
