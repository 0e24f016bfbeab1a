//! What is drawn over every frame: flash, timecode and the row of blocks.
//!
//! The row fills the lowest tenth of the picture: 20 blocks of equal width. Block 0 is white and
//! block 1 black, to tell the two apart; blocks 2 to 17 are the frame number's 16 bits, the
//! highest first, white for 1; block 18 makes the count of white ones among 2 to 18 even; block
//! 19 is black.

use anyhow::Context;
use gstreamer::{self as gst, prelude::*};
use gstreamer_video::{self as gst_video, VideoFrameExt};
use kinora_media::FrameRate;

use super::{digits, sound::is_flash};

const BLOCKS: usize = 20;
const BITS: usize = 16;
const FIRST_BIT: usize = 2;
const WHITE: u8 = 235;
const BLACK: u8 = 16;
const NEUTRAL: u8 = 128;

/// Reads the frame number (of 16 bits, so it starts over after 65 535) from a luma plane of
/// `stride` bytes a row; `None` where the row of blocks does not stand.
pub fn read_frame_number(luma: &[u8], stride: usize, width: usize, height: usize) -> Option<u32> {
    let row = height - height / 20 - 1;
    let block = |i: usize| {
        let column = (2 * i + 1) * width / (2 * BLOCKS);
        luma.get(row * stride + column).copied().map(u32::from)
    };
    let (white, black) = (block(0)?, block(1)?);
    if white < black + 60 {
        return None;
    }
    let bit = |i| block(i).map(|level| u32::from(level > (white + black) / 2));
    let mut number = 0;
    let mut ones = bit(FIRST_BIT + BITS)?;
    for i in FIRST_BIT..FIRST_BIT + BITS {
        number = number << 1 | bit(i)?;
        ones += bit(i)?;
    }
    ones.is_multiple_of(2).then_some(number)
}

/// Draws on every frame that leaves `element`.
pub(super) fn draw_on(
    element: &gst::Element,
    rate: FrameRate,
    (width, height): (u32, u32),
) -> anyhow::Result<()> {
    let pad = element.static_pad("src").context("identity has a source pad")?;
    let info =
        gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height).build()?;
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, probe| {
        if let Some(buffer) = probe.buffer_mut() {
            draw(buffer, &info, rate);
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

fn draw(buffer: &mut gst::Buffer, info: &gst_video::VideoInfo, rate: FrameRate) {
    let Some(pts) = buffer.pts() else { return };
    let frame = rate.nearest_frame(i64::try_from(pts.nseconds()).unwrap_or(i64::MAX));
    let buffer = buffer.make_mut();
    let Ok(mut picture) = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer, info) else {
        return;
    };
    if is_flash(frame, rate) {
        fill(&mut picture, WHITE);
    }
    let (width, height) = (info.width() as usize, info.height() as usize);
    let stride = picture.plane_stride()[0].unsigned_abs() as usize;
    let Ok(luma) = picture.plane_data_mut(0) else { return };
    let mut canvas = Canvas { luma, stride, width };
    canvas.timecode(&timecode(frame, rate), height);
    canvas.blocks(frame, height);
    neutral_rows(&mut picture, height);
}

fn fill(picture: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>, luma: u8) {
    for (plane, value) in [(0, luma), (1, NEUTRAL), (2, NEUTRAL)] {
        if let Ok(data) = picture.plane_data_mut(plane) {
            data.fill(value);
        }
    }
}

/// No colour under the blocks and the timecode: it would leak into luma as players convert.
fn neutral_rows(picture: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>, height: usize) {
    for plane in [1, 2] {
        let stride = picture.plane_stride()[plane as usize].unsigned_abs() as usize;
        if let Ok(data) = picture.plane_data_mut(plane) {
            let start = (timecode_top(height) / 2 * stride).min(data.len());
            data[start..].fill(NEUTRAL);
        }
    }
}

/// Where the lower third begins that the timecode and the blocks share.
fn timecode_top(height: usize) -> usize {
    height * 7 / 10
}

fn timecode(frame: u64, rate: FrameRate) -> String {
    // Non-drop timecode counts nominal seconds (SMPTE ST 12-1).
    let nominal = u64::from(rate.num.get().div_ceil(rate.den.get()));
    let (seconds, frames) = (frame / nominal, frame % nominal);
    format!("{:02}:{:02}:{:02}:{frames:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

struct Canvas<'a> {
    luma: &'a mut [u8],
    stride: usize,
    width: usize,
}

impl Canvas<'_> {
    fn rectangle(&mut self, x: usize, y: usize, width: usize, height: usize, value: u8) {
        let (left, right) = (x.min(self.width), (x + width).min(self.width));
        for row in y..y + height {
            if let Some(span) =
                self.luma.get_mut(row * self.stride + left..row * self.stride + right)
            {
                span.fill(value);
            }
        }
    }

    /// White on black, centred in the lower third.
    fn timecode(&mut self, text: &str, height: usize) {
        let dot = (self.width / (text.len() * digits::ADVANCE * 2)).max(1);
        let (width, rows) = (text.len() * digits::ADVANCE * dot, digits::ROWS * dot);
        let margin = dot * 2;
        let (x, y) = ((self.width.saturating_sub(width)) / 2, timecode_top(height) + margin);
        self.rectangle(
            x.saturating_sub(margin),
            y.saturating_sub(margin),
            width + margin,
            rows + 2 * margin,
            BLACK,
        );
        for (i, character) in text.bytes().enumerate() {
            for (row, bits) in digits::glyph(character).into_iter().enumerate() {
                for column in (0..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                    let x = x + (i * digits::ADVANCE + column) * dot;
                    self.rectangle(x, y + row * dot, dot, dot, WHITE);
                }
            }
        }
    }

    fn blocks(&mut self, frame: u64, height: usize) {
        let number = frame as usize & 0xFFFF;
        let mut white = [false; BLOCKS];
        white[0] = true;
        for bit in 0..BITS {
            white[FIRST_BIT + bit] = number >> (BITS - 1 - bit) & 1 == 1;
        }
        white[FIRST_BIT + BITS] = number.count_ones() % 2 == 1;
        let top = height - height / 10;
        for (i, white) in white.into_iter().enumerate() {
            let (left, right) = (i * self.width / BLOCKS, (i + 1) * self.width / BLOCKS);
            let level = if white { WHITE } else { BLACK };
            self.rectangle(left, top, right - left, height - top, level);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_number_is_read_again() {
        let (width, height) = (160, 90);
        for number in [0, 1, 299, 0x8001, 0xFFFF] {
            let mut luma = vec![90; width * height];
            Canvas { luma: &mut luma, stride: width, width }.blocks(number, height);
            let read = read_frame_number(&luma, width, width, height);
            assert_eq!(read.map(u64::from), Some(number));
            // A flipped bit does not pass.
            let row = height - height / 20 - 1;
            let column = 5 * width / (2 * BLOCKS) + 4 * width / BLOCKS;
            luma[row * width + column] = if luma[row * width + column] > 100 { 16 } else { 235 };
            assert_eq!(read_frame_number(&luma, width, width, height), None);
        }
        assert_eq!(read_frame_number(&[128; 14_400], width, width, height), None);
    }

    #[test]
    fn timecodes_count_nominal_seconds() {
        let rate = FrameRate::new(30_000, 1001).unwrap();
        assert_eq!(timecode(30 * 3661 + 7, rate), "01:01:01:07");
    }
}
