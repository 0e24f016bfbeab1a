//! Whether the middle of a source can be entered.

use std::sync::atomic::{AtomicU64, Ordering};

use kinora_plan::VideoStream;

use super::{
    collect::{Packet, Stream},
    scan::{Scan, Scanned},
};
use crate::PipelineError;

/// Where in the film seeks are tried, in percent.
const PLACES: [usize; 3] = [25, 50, 90];
/// How far times may differ between reading through and seeking: containers round.
const TOLERANCE_NS: u64 = 2_000_000;

/// Seeks as chunks do and compares what arrives with what was read there before. A container that
/// guesses (MPEG-TS, PS and FLV often do) arrives elsewhere, or calls the place by another time.
///
/// # Errors
/// When the source cannot be read.
pub(super) fn check(
    container: &str,
    scan: &Scan,
    scanned: &Scanned,
    video: &VideoStream,
    progress: &AtomicU64,
) -> Result<bool, PipelineError> {
    let Some(stream) = scanned.streams.iter().find(|stream| stream.id == video.stream_id) else {
        return Ok(false);
    };
    // AVI says when pictures are decoded: which one is shown when a key frame is, is known only to
    // whoever has read all before it.
    if container == "video/x-msvideo" && stream.b_frames {
        return Ok(false);
    }
    // matroskademux goes nowhere beyond what the file says is its end, unless it has read there; and
    // not for certain where the file says nothing.
    let announced_ns = scanned.announced_duration_ns.unwrap_or(0);
    if ["video/x-matroska", "video/webm"].contains(&container)
        && announced_ns < video.end_pts_ns / 10 * 9
    {
        return Ok(false);
    }
    let frame_ns = video.frame_rate.frame_nanos(1);
    for target in targets(video) {
        // A little after, as rounding must not select what lies before.
        let arrived = scan.first_after_seek(&stream.id, target + frame_ns / 8)?;
        progress.fetch_add(1, Ordering::Relaxed);
        if !arrived.is_some_and(|packet| is_entry(stream, packet, target)) {
            tracing::debug!(seek.target = target, seek.arrived = ?arrived, "seek failed");
            return Ok(false);
        }
    }
    Ok(true)
}

/// Key frames of the middle; where there are none, any time of it.
fn targets(video: &VideoStream) -> Vec<u64> {
    let length = video.end_pts_ns.saturating_sub(video.first_pts_ns);
    let place = |percent: usize| match video.key_frames_ns.as_slice() {
        [] | [_] => video.first_pts_ns + length / 100 * percent as u64,
        keys => keys[(keys.len() * percent / 100).clamp(1, keys.len() - 1)],
    };
    let mut targets = PLACES.map(place).to_vec();
    targets.dedup();
    targets
}

/// Whether a packet is a key frame that was read at its time before, and not after the target.
fn is_entry(stream: &Stream, arrived: Packet, target: u64) -> bool {
    let near = |packet: &Packet| packet.time.abs_diff(arrived.time) <= TOLERANCE_NS;
    let same = |packet: &Packet| packet.key.is_some() && packet.key == arrived.key;
    let early = i128::from(arrived.time) <= i128::from(target) + i128::from(TOLERANCE_NS);
    early && stream.packets().any(|packet| near(packet) && same(packet))
}
