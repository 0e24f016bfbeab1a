//! Cutting the timeline into chunks.

use kinora_media::FrameRate;
use serde::{Deserialize, Serialize};

use crate::{VideoPlan, ladder::is_high_rate, profile::VideoProfile};

/// A unit of encoding work: whole GOPs on the frame grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Counts from 0 in timeline order.
    pub index: u32,
    /// Its first frame on the source's grid: a key frame of every rung.
    pub first_frame: u64,
    /// Frames in it.
    pub frames: u64,
    /// Frames a segment, whole GOPs; of the longest where a source passed through decides.
    pub segment_frames: u64,
}

/// Lengths of the first chunks: short, so that playback can start early.
pub(crate) const FIRST_CHUNKS_SECONDS: [u32; 3] = [2, 4, 8];
/// Least and greatest length of later chunks.
pub(crate) const CHUNK_SECONDS: (u32, u32) = (16, 24);

/// Frames a GOP on the source's grid: nearest to the profile's seconds, and even where a rung of
/// half the rate needs half as many.
pub fn gop_frames(rate: FrameRate, profile: &VideoProfile) -> u64 {
    let frames = rate.frames_nearest(profile.gop_seconds).max(1);
    if is_high_rate(rate) { frames.next_multiple_of(2) } else { frames }
}

/// Cuts `frames` into chunks of whole GOPs: about 2, 4 and 8 s, then 16 to 24 s, each of these
/// ending on the GOP boundary that lies closest after a source key frame, because the next
/// chunk decodes from that key frame on. The last takes what is left; a tail too small to be worth
/// a decoder of its own joins the chunk before it.
///
/// Segments last one GOP in the first chunks, the profile's seconds in later ones.
///
/// `key_frames_ns` and `first_pts_ns` are on the source's clock. Nothing for 0 frames.
pub fn chunks(
    rate: FrameRate,
    frames: u64,
    profile: &VideoProfile,
    key_frames_ns: &[u64],
    first_pts_ns: u64,
) -> Vec<Chunk> {
    let gop = gop_frames(rate, profile);
    let key_frames = sorted_grid(rate, key_frames_ns, first_pts_ns);
    let mut chunks = Vec::new();
    let mut first_frame = 0;
    while first_frame < frames {
        let index = chunks.len();
        let (gops, segment_seconds) = match FIRST_CHUNKS_SECONDS.get(index) {
            Some(&seconds) => (gops_in(rate, gop, seconds), profile.gop_seconds),
            None => {
                let (least, most) = CHUNK_SECONDS;
                let range = (gops_in(rate, gop, least), gops_in(rate, gop, most));
                (best_length(first_frame, gop, range, &key_frames), profile.segment_seconds)
            }
        };
        let wanted = gops.saturating_mul(gop);
        let left = frames - first_frame;
        let most = wanted.saturating_add(greatest_tail(index, gop));
        let frames = if left <= most { left } else { wanted };
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let segment_frames = gops_in(rate, gop, segment_seconds) * gop;
        chunks.push(Chunk { index, first_frame, frames, segment_frames });
        first_frame += frames;
    }
    chunks
}

impl VideoPlan {
    /// How long the picture lasts: its frames on the grid.
    pub fn duration_ns(&self) -> u64 {
        self.stream.frame_rate.frame_nanos(self.frames)
    }

    /// Where every segment ends, nanoseconds after the first frame, ascending; the last is the
    /// end of the picture.
    pub fn boundaries_ns(&self) -> Vec<u64> {
        let frame_ns = |frame| self.stream.frame_rate.frame_nanos(frame);
        if let Some(layout) = &self.passthrough {
            return layout.segment_ends.iter().copied().map(frame_ns).collect();
        }
        let ends = self.chunks.iter().flat_map(|chunk| {
            let end = chunk.first_frame + chunk.frames;
            let step = usize::try_from(chunk.segment_frames.max(1)).unwrap_or(usize::MAX);
            (chunk.first_frame..end).step_by(step).skip(1).chain([end])
        });
        ends.map(frame_ns).collect()
    }
}

/// Everything in one chunk, for a source that must be decoded from its start.
pub(crate) fn one_chunk(rate: FrameRate, frames: u64, profile: &VideoProfile) -> Vec<Chunk> {
    let gop = gop_frames(rate, profile);
    let long = frames > rate.frames_nearest(CHUNK_SECONDS.0);
    let seconds = if long { profile.segment_seconds } else { profile.gop_seconds };
    let segment_frames = gops_in(rate, gop, seconds) * gop;
    vec![Chunk { index: 0, first_frame: 0, frames, segment_frames }]
}

/// GOPs nearest to so many seconds, at least one.
fn gops_in(rate: FrameRate, gop: u64, seconds: u32) -> u64 {
    ((rate.frames_nearest(seconds) + gop / 2) / gop).max(1)
}

/// The most frames a tail may have and still join chunk `index`: less than a GOP where chunks
/// are short, up to 4 s where they are long.
fn greatest_tail(index: usize, gop: u64) -> u64 {
    if index < FIRST_CHUNKS_SECONDS.len() { gop / 2 } else { gop.saturating_mul(2) }
}

/// How many GOPs, within `range`, end closest after a key frame.
fn best_length(first_frame: u64, gop: u64, range: (u64, u64), key_frames: &[u64]) -> u64 {
    let lead_in = |gops: &u64| {
        let cut = first_frame.saturating_add(gops.saturating_mul(gop));
        let before = key_frames.partition_point(|&key| key <= cut);
        before.checked_sub(1).map_or(cut, |i| cut - key_frames[i])
    };
    // Of equals the shortest: `min_by_key` keeps the first.
    (range.0..=range.1.max(range.0)).min_by_key(lead_in).unwrap_or(range.0)
}

fn sorted_grid(rate: FrameRate, key_frames_ns: &[u64], first_pts_ns: u64) -> Vec<u64> {
    let place = |&pts: &u64| {
        let nanos = i128::from(pts) - i128::from(first_pts_ns);
        rate.nearest_frame(i64::try_from(nanos).unwrap_or(i64::MAX))
    };
    let mut places: Vec<u64> = key_frames_ns.iter().map(place).collect();
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Profile;

    fn by_default() -> VideoProfile {
        Profile::default().video
    }

    const SECOND: u64 = 1_000_000_000;

    fn rate(num: u32, den: u32) -> FrameRate {
        FrameRate::new(num, den).unwrap()
    }

    fn seconds(chunks: &[Chunk], fps: u64) -> Vec<(u64, u64)> {
        chunks.iter().map(|c| (c.frames / fps, c.segment_frames / fps)).collect()
    }

    #[test]
    fn gops_are_nearest_two_seconds_and_halve_where_a_rung_does() {
        let cases = [
            ((30, 1), 60),
            ((30_000, 1001), 60),
            ((24_000, 1001), 48),
            ((25, 1), 50),
            ((60_000, 1001), 120),
            ((37, 2), 37),
            ((73, 2), 74),
            ((1, 5), 1),
        ];
        for ((num, den), frames) in cases {
            assert_eq!(gop_frames(rate(num, den), &by_default()), frames, "{num}/{den}");
        }
    }

    #[test]
    fn a_film_starts_with_short_chunks() {
        let cut = chunks(rate(30, 1), 30 * 60, &by_default(), &[0], 0);
        let expected = [(2, 2), (4, 2), (8, 2), (16, 4), (16, 4), (14, 4)];
        assert_eq!(seconds(&cut, 30), expected);
    }

    #[test]
    fn late_cuts_follow_source_key_frames() {
        // A key frame every 10 s, on a clock that starts at 100 s.
        let keys: Vec<u64> = (10..30).map(|n| n * 10 * SECOND).collect();
        let cut = chunks(rate(25, 1), 25 * 120, &by_default(), &keys, 100 * SECOND);
        let starts: Vec<u64> = cut.iter().map(|c| c.first_frame / 25).collect();
        assert_eq!(starts, [0, 2, 6, 14, 30, 50, 70, 90, 110]);
    }

    #[test]
    fn a_tiny_tail_joins_the_chunk_before_it() {
        let frames = |total| {
            chunks(rate(30, 1), total, &by_default(), &[], 0).iter().map(|c| c.frames).collect()
        };
        let cases: [(u64, Vec<u64>); 5] = [
            (1, vec![1]),
            (90, vec![90]),
            (91, vec![60, 31]),
            (420 + 480 + 120, vec![60, 120, 240, 600]),
            (420 + 480 + 121, vec![60, 120, 240, 480, 121]),
        ];
        for (total, expected) in cases {
            let found: Vec<u64> = frames(total);
            assert_eq!(found, expected, "{total}");
        }
        assert!(chunks(rate(30, 1), 0, &by_default(), &[], 0).is_empty());
    }

    proptest! {
        #[test]
        fn chunks_tile_the_timeline_on_gops(
            num in 1u32..61_000, den in 1u32..1002, frames in 0u64..1_000_000,
            keys in proptest::collection::vec(any::<u64>(), 0..50), first in any::<u64>(),
            gop in 1u32..=4, parts in 1u32..=4,
        ) {
            let rate = rate(num, den);
            let profile = VideoProfile { gop_seconds: gop, segment_seconds: gop * parts, ..by_default() };
            let gop = gop_frames(rate, &profile);
            // Enough to pass every kind of chunk, few enough to be quick.
            let frames = frames % (gop * 200);
            let cut = chunks(rate, frames, &profile, &keys, first);
            let mut next = 0;
            for (index, chunk) in cut.iter().enumerate() {
                prop_assert_eq!(chunk.index as usize, index);
                prop_assert_eq!(chunk.first_frame, next);
                prop_assert!(chunk.frames > 0);
                prop_assert!(chunk.first_frame % gop == 0 && chunk.segment_frames % gop == 0);
                prop_assert!(chunk.segment_frames > 0);
                next += chunk.frames;
            }
            prop_assert_eq!(next, frames);
        }
    }
}
