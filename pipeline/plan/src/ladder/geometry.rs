//! Sizes: the upright picture in square pixels, and the steps it fits into.

use crate::VideoStream;

/// x264 takes no side below this.
const LEAST_SIDE: u64 = 16;

/// Width and height as a viewer sees them: pixels made square by stretching the width, then
/// turned upright. Sides are at least 1.
pub(super) fn upright_size(stream: &VideoStream) -> (u64, u64) {
    let (num, den) = match stream.pixel_aspect {
        (0, _) | (_, 0) => (1, 1),
        (num, den) => (u64::from(num), u64::from(den)),
    };
    let width = divide_nearest(u64::from(stream.width), num, den).max(1);
    let height = u64::from(stream.height).max(1);
    if stream.orientation.swaps_sides() { (height, width) } else { (width, height) }
}

/// The height of the smallest 16:9 frame (turned for portrait) the picture fits into: its
/// shorter side, or for very wide pictures what their longer side asks for.
pub(super) fn step_height((width, height): (u64, u64)) -> u64 {
    let (long, short) = (width.max(height), width.min(height));
    short.max((long.saturating_mul(9).saturating_add(8)) / 16)
}

/// The picture scaled down into the 16:9 frame of that height: even sides, at least
/// [`LEAST_SIDE`], and otherwise never above the picture's own.
pub(super) fn fit(upright: (u64, u64), height: u64) -> (u32, u32) {
    let (num, den) = scale(upright, height);
    let even = |own: u64| {
        let nearest = divide_nearest(own, num, den.saturating_mul(2)) * 2;
        let side = if nearest > own { own / 2 * 2 } else { nearest };
        u32::try_from(side.max(LEAST_SIDE)).unwrap_or(u32::MAX)
    };
    (even(upright.0), even(upright.1))
}

/// Whether the scaled picture is large enough for the encoder without being distorted.
pub(super) fn fits_encoder(upright: (u64, u64), height: u64) -> bool {
    let (num, den) = scale(upright, height);
    divide_nearest(upright.0.min(upright.1), num, den) >= LEAST_SIDE
}

/// By what fraction the picture shrinks to fit: its longer side decides for 16:9 and wider, the
/// shorter one for the rest.
fn scale(upright: (u64, u64), height: u64) -> (u64, u64) {
    let (long, short) = (upright.0.max(upright.1), upright.0.min(upright.1));
    if height >= step_height(upright) {
        (1, 1)
    } else if short.saturating_mul(16) <= long.saturating_mul(9) {
        (height * 16, long.saturating_mul(9))
    } else {
        (height, short)
    }
}

fn divide_nearest(value: u64, num: u64, den: u64) -> u64 {
    let (value, num, den) = (u128::from(value), u128::from(num), u128::from(den));
    u64::try_from((value * num * 2 + den) / (den * 2)).unwrap_or(u64::MAX)
}
