//! Track fragment header (14496-12 8.8.7).

use super::Defaults;
use crate::read::{BoxRef, ReadError};

const BASE_DATA_OFFSET: u32 = 0x00_0001;
const SAMPLE_DESCRIPTION_INDEX: u32 = 0x00_0002;
const DEFAULT_SAMPLE_DURATION: u32 = 0x00_0008;
const DEFAULT_SAMPLE_SIZE: u32 = 0x00_0010;
const DEFAULT_SAMPLE_FLAGS: u32 = 0x00_0020;
const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;

pub(super) struct TrackFragmentHeader {
    pub(super) track: u32,
    pub(super) base: Base,
    entry: Option<u32>,
    duration: Option<u32>,
    size: Option<u32>,
    flags: Option<u32>,
}

/// From where data offsets count.
pub(super) enum Base {
    At(u64),
    Moof,
    AfterPrevious,
}

impl TrackFragmentHeader {
    /// The fragment's defaults, over those of the track.
    pub(super) fn over(&self, track: Defaults) -> Defaults {
        Defaults {
            entry: self.entry.unwrap_or(track.entry),
            duration: self.duration.unwrap_or(track.duration),
            size: self.size.unwrap_or(track.size),
            flags: self.flags.unwrap_or(track.flags),
        }
    }
}

pub(super) fn read(tfhd: &BoxRef<'_>) -> Result<TrackFragmentHeader, ReadError> {
    let mut fields = tfhd.fields();
    let (_, flags) = fields.version_and_flags()?;
    let track = fields.u32()?;
    let base = if flags & BASE_DATA_OFFSET != 0 {
        Base::At(fields.u64()?)
    } else if flags & DEFAULT_BASE_IS_MOOF != 0 {
        Base::Moof
    } else {
        Base::AfterPrevious
    };
    let mut optional =
        |flag: u32| if flags & flag != 0 { fields.u32().map(Some) } else { Ok(None) };
    Ok(TrackFragmentHeader {
        track,
        base,
        entry: optional(SAMPLE_DESCRIPTION_INDEX)?,
        duration: optional(DEFAULT_SAMPLE_DURATION)?,
        size: optional(DEFAULT_SAMPLE_SIZE)?,
        flags: optional(DEFAULT_SAMPLE_FLAGS)?,
    })
}
