//! Why files cannot be packaged together.

use crate::{PackagerError, crypt::CryptError, read::ReadError};

/// Why files cannot be packaged. Every variant says which and what to do about it, or what is
/// wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// A file is damaged.
    #[error("{name}: {error}")]
    Read {
        /// Which track.
        name: String,
        /// What is wrong, and where.
        error: ReadError,
    },
    /// A track cannot be packaged.
    #[error("{name}: {error}")]
    Track {
        /// Which track.
        name: String,
        /// What is wrong.
        error: PackagerError,
    },
    /// Nothing to show or to hear.
    #[error("there is neither picture nor sound to package")]
    Nothing,
    /// A track without samples.
    #[error("{name}: it has no samples")]
    Empty {
        /// Which track.
        name: String,
    },
    /// A track that changes how it is coded.
    #[error(
        "{name}: it changes how it is coded at sample {sample}; a track must keep to one sample entry"
    )]
    SeveralEntries {
        /// Which track.
        name: String,
        /// Counted from 0.
        sample: u32,
    },
    /// A picture that cannot be decoded from its beginning.
    #[error("{name}: its first picture is no key frame")]
    NoKeyFrame {
        /// Which track.
        name: String,
    },
    /// An edit list that does more than delay a track and skip priming.
    #[error("{name}: its edit list {problem}")]
    Edits {
        /// Which track.
        name: String,
        /// What it does.
        problem: String,
    },
    /// Samples that do not follow each other.
    #[error("{name}: sample {sample} {problem}")]
    Timing {
        /// Which track.
        name: String,
        /// Counted from 0.
        sample: u32,
        /// What is wrong with its times.
        problem: &'static str,
    },
    /// Pictures that cannot be changed between while they play.
    #[error(
        "the key frames of {first} and {second} do not align: between {from} and {to} they share none"
    )]
    Misaligned {
        /// A track.
        first: String,
        /// Another.
        second: String,
        /// Where the last shared key frame is.
        from: String,
        /// Where the next shared one is, or the end.
        to: String,
    },
    /// A stretch without key frames that is too long for a segment.
    #[error("{name}: the segment at {start} has {problem}")]
    Segment {
        /// Which track.
        name: String,
        /// Where it begins.
        start: String,
        /// What there is too much of.
        problem: &'static str,
    },
    /// A track that no key is for.
    #[error("{name}: there is no key for track {track}")]
    NoKey {
        /// Which track.
        name: String,
        /// What it is called in the presentation.
        track: String,
    },
    /// A key for a track that is not there.
    #[error("there is a key for {label}, but no such track")]
    NoSuchTrack {
        /// What the key is for.
        label: String,
    },
    /// Whole segments cannot be encrypted this way.
    #[error("AES-128 needs {0}")]
    WholeSegments(&'static str),
    /// A track that cannot be encrypted.
    #[error("{name}: {error}")]
    Protect {
        /// Which track.
        name: String,
        /// What is wrong.
        error: CryptError,
    },
    /// A segment that cannot be encrypted.
    #[error("{name}: segment {segment}: {error}")]
    Crypt {
        /// Which track.
        name: String,
        /// Counted from 0.
        segment: u32,
        /// What is wrong, and where in the clear segment.
        error: CryptError,
    },
    /// Segments that were sealed and should not have been, or the other way round.
    #[error("{name}: not all of its segments were sealed, or too many")]
    Unsealed {
        /// Which track.
        name: String,
    },
    /// More segments than an index counts.
    #[error("{name}: {count} segments, and an index counts at most 65535: make segments longer")]
    Segments {
        /// Which track.
        name: String,
        /// How many there are.
        count: usize,
    },
}
