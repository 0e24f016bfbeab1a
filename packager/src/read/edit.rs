//! Edit lists (14496-12 8.6.6).

/// A stretch of the presentation and what of the media it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit {
    /// How long it lasts, ticks of the movie; 0 in a fragmented file says to the end.
    pub duration: u64,
    /// Where it begins in the media, ticks of the track; `None` shows nothing.
    pub media_time: Option<u64>,
    /// Media ticks a tick, 16.16 fixed point: 0x10000 is normal speed, 0 a still.
    pub rate: u32,
}
