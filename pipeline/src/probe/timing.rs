//! When the frames of a picture stream are shown.

use kinora_media::FrameRate;

use super::{
    collect::Stream,
    rate::{self, Measured},
};

/// Key frames that are listed at most; more are thinned to one a second.
const MAX_KEY_FRAMES: usize = 20_000;
const KEY_FRAME_DISTANCE_NS: u64 = 1_000_000_000;
/// Frames at the end of a window that may lack neighbours which come later in the file.
const REORDERED: usize = 32;
/// Frames at the start of a window that a seek has cut, or that lack neighbours before it.
const CUT: usize = 8;
/// How long a last frame may claim to be shown where frames have no common length.
const MAX_LAST_FRAME_NS: u64 = 5_000_000_000;

/// When the frames of a stream are shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Timing {
    pub(super) measured: Measured,
    pub(super) first_pts_ns: u64,
    pub(super) end_pts_ns: u64,
    pub(super) frames: u64,
    pub(super) key_frames_ns: Vec<u64>,
}

/// Measures a stream whose first decoded frame is shown at `decoded_first`. `whole` says that
/// every packet was read.
pub(super) fn measure(
    stream: &Stream,
    whole: bool,
    claimed: Option<FrameRate>,
    decoded_first: i64,
) -> Timing {
    let measured = match claimed {
        // Old containers time only some pictures: their number and the claim are all there is.
        Some(claimed) if mostly_untimed(stream) => Measured { rate: claimed, variable: false },
        _ => rate::measure(&sorted_windows(stream, whole), claimed),
    };
    let frame_ns = measured.rate.frame_nanos(1);
    // What a decoder does not show (pictures before the first key frame) does not count.
    let visible_from = decoded_first.saturating_sub_unsigned(frame_ns / 2);
    let visible = |time: i64| time >= visible_from;
    let first_pts_ns = u64::try_from(decoded_first).unwrap_or(0);
    let timed = stream.packets().filter(|packet| visible(packet.time)).count() as u64;
    let last = stream.packets().max_by_key(|packet| packet.time);
    let last_time = last.map_or(first_pts_ns, |packet| u64::try_from(packet.time).unwrap_or(0));
    let last_lasts = last.map_or(0, |packet| packet.duration);
    let on_grid = |frames: u64| first_pts_ns.saturating_add(measured.rate.frame_nanos(frames));
    let counted = timed.saturating_add(stream.untimed);
    let span = i64::try_from(last_time.saturating_sub(first_pts_ns)).unwrap_or(i64::MAX);
    let last_on_grid = on_grid(measured.rate.nearest_frame(span).saturating_add(1));
    let end_pts_ns = if mostly_untimed(stream) {
        on_grid(counted)
    } else if measured.variable {
        // However short the last is said to be, it has its place on the grid.
        last_time.saturating_add(last_lasts.min(MAX_LAST_FRAME_NS)).max(last_on_grid)
    } else {
        last_on_grid
    };
    let span = i64::try_from(end_pts_ns.saturating_sub(first_pts_ns)).unwrap_or(i64::MAX);
    let frames = if whole { counted } else { measured.rate.nearest_frame(span) };
    let key_frames_ns = key_frames(stream, visible);
    Timing { measured, first_pts_ns, end_pts_ns, frames, key_frames_ns }
}

fn mostly_untimed(stream: &Stream) -> bool {
    stream.untimed > stream.packets().count() as u64
}

fn sorted_windows(stream: &Stream, whole: bool) -> Vec<Vec<i64>> {
    let count = stream.windows.len();
    let sorted = |(index, window): (usize, &Vec<super::collect::Packet>)| {
        let mut times: Vec<i64> = window.iter().map(|packet| packet.time).collect();
        times.sort_unstable();
        if !whole && index + 1 < count {
            times.truncate(times.len().saturating_sub(REORDERED));
        }
        if !whole && index > 0 {
            times.drain(..times.len().min(CUT));
        }
        times
    };
    let windows = stream.windows.iter().enumerate().map(sorted);
    windows.filter(|times| !times.is_empty()).collect()
}

fn key_frames(stream: &Stream, visible: impl Fn(i64) -> bool) -> Vec<u64> {
    let keys = stream.packets().filter(|packet| packet.key.is_some() && visible(packet.time));
    let mut keys: Vec<u64> = keys.filter_map(|packet| u64::try_from(packet.time).ok()).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() > MAX_KEY_FRAMES {
        let mut last = None::<u64>;
        keys.retain(|&key| {
            let keep = last.is_none_or(|last| key - last >= KEY_FRAME_DISTANCE_NS);
            if keep {
                last = Some(key);
            }
            keep
        });
    }
    keys
}
