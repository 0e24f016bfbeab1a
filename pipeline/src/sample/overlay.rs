//! What is drawn over every frame: flash, a time for people and a row of blocks.
//!
//! The row fills the lowest tenth of the picture: as many blocks of equal width as its number has
//! bits, and four. Block 0 is white and block 1 black, to tell the two apart; then come the bits, the
//! highest first, white for 1; the block after them makes the count of white ones among the bits and
//! itself even; the last is black. A sample's row is the frame's number, of 16 bits; a live test's
//! the milliseconds since 1970, of 44.

use std::time::{Duration, SystemTime};

use anyhow::Context;
use gstreamer::{self as gst, prelude::*};
use gstreamer_video::{self as gst_video, VideoFrameExt};
use kinora_media::FrameRate;

use super::{digits, sound::is_flash};

/// Bits of a frame's number.
const NUMBER_BITS: usize = 16;
/// Bits of a clock: enough for 557 years of milliseconds.
const CLOCK_BITS: usize = 44;
const FIRST_BIT: usize = 2;
/// Blocks of a row that are not bits of its number.
const OTHER_BLOCKS: usize = 4;
const WHITE: u8 = 235;
const BLACK: u8 = 16;
const NEUTRAL: u8 = 128;

/// Reads the frame number (of 16 bits, so it starts over after 65 535) from a luma plane of
/// `stride` bytes a row; `None` where the row of blocks does not stand.
pub fn read_frame_number(luma: &[u8], stride: usize, width: usize, height: usize) -> Option<u32> {
    let number = read_row(luma, stride, (width, height), NUMBER_BITS)?;
    u32::try_from(number).ok()
}

/// Reads when a live test drew a picture, milliseconds since 1970, as [`read_frame_number`] does.
pub fn read_clock(luma: &[u8], stride: usize, width: usize, height: usize) -> Option<u64> {
    read_row(luma, stride, (width, height), CLOCK_BITS)
}

fn read_row(
    luma: &[u8],
    stride: usize,
    (width, height): (usize, usize),
    bits: usize,
) -> Option<u64> {
    let row = height - height / 20 - 1;
    let block = |i: usize| {
        let column = (2 * i + 1) * width / (2 * (bits + OTHER_BLOCKS));
        luma.get(row * stride + column).copied().map(u32::from)
    };
    let (white, black) = (block(0)?, block(1)?);
    if white < black + 60 {
        return None;
    }
    let bit = |i| block(i).map(|level| u64::from(level > (white + black) / 2));
    let mut number = 0;
    let mut ones = bit(FIRST_BIT + bits)?;
    for i in FIRST_BIT..FIRST_BIT + bits {
        number = number << 1 | bit(i)?;
        ones += bit(i)?;
    }
    ones.is_multiple_of(2).then_some(number)
}

/// What a frame gets.
pub(super) struct Marks {
    flash: bool,
    time: String,
    row: Row,
}

struct Row {
    number: u64,
    bits: usize,
}

impl Marks {
    /// Of a sample's frame that is shown at `pts`.
    pub(super) fn of_frame(pts: gst::ClockTime, rate: FrameRate) -> Self {
        let frame = rate.nearest_frame(i64::try_from(pts.nseconds()).unwrap_or(i64::MAX));
        Self {
            flash: is_flash(frame, rate),
            time: timecode(frame, rate),
            row: Row { number: frame, bits: NUMBER_BITS },
        }
    }

    /// Of a frame that is drawn at `now`.
    pub(super) fn of_clock(now: SystemTime) -> Self {
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            flash: false,
            time: time_of_day(since_1970),
            row: Row { number: since_1970.as_millis() as u64, bits: CLOCK_BITS },
        }
    }
}

/// Draws on every frame that leaves `element`, knowing when it is shown.
pub(super) fn draw_on(
    element: &gst::Element,
    (width, height): (u32, u32),
    marks: impl Fn(gst::ClockTime) -> Marks + Send + Sync + 'static,
) -> anyhow::Result<()> {
    let pad = element.static_pad("src").context("identity has a source pad")?;
    let info =
        gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height).build()?;
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, probe| {
        if let Some(buffer) = probe.buffer_mut()
            && let Some(pts) = buffer.pts()
        {
            draw(buffer, &info, &marks(pts));
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

fn draw(buffer: &mut gst::Buffer, info: &gst_video::VideoInfo, marks: &Marks) {
    let buffer = buffer.make_mut();
    let Ok(mut picture) = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer, info) else {
        return;
    };
    if marks.flash {
        fill(&mut picture, WHITE);
    }
    let (width, height) = (info.width() as usize, info.height() as usize);
    let stride = picture.plane_stride()[0].unsigned_abs() as usize;
    let Ok(luma) = picture.plane_data_mut(0) else { return };
    let mut canvas = Canvas { luma, stride, width };
    canvas.text(&marks.time, height);
    canvas.blocks(&marks.row, height);
    neutral_rows(&mut picture, height);
}

fn fill(picture: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>, luma: u8) {
    for (plane, value) in [(0, luma), (1, NEUTRAL), (2, NEUTRAL)] {
        if let Ok(data) = picture.plane_data_mut(plane) {
            data.fill(value);
        }
    }
}

/// No colour under the blocks and the time: it would leak into luma as players convert.
fn neutral_rows(picture: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>, height: usize) {
    for plane in [1, 2] {
        let stride = picture.plane_stride()[plane as usize].unsigned_abs() as usize;
        if let Ok(data) = picture.plane_data_mut(plane) {
            let start = (text_top(height) / 2 * stride).min(data.len());
            data[start..].fill(NEUTRAL);
        }
    }
}

/// Where the lower third begins that the time and the blocks share.
fn text_top(height: usize) -> usize {
    height * 7 / 10
}

fn timecode(frame: u64, rate: FrameRate) -> String {
    // Non-drop timecode counts nominal seconds (SMPTE ST 12-1).
    let nominal = u64::from(rate.num.get().div_ceil(rate.den.get()));
    let (seconds, frames) = (frame / nominal, frame % nominal);
    format!("{:02}:{:02}:{:02}:{frames:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Hours, minutes, seconds and milliseconds, UTC.
fn time_of_day(since_1970: Duration) -> String {
    let (seconds, millis) = (since_1970.as_secs(), since_1970.subsec_millis());
    format!("{:02}:{:02}:{:02}:{millis:03}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
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
    fn text(&mut self, text: &str, height: usize) {
        let dot = (self.width / (text.len() * digits::ADVANCE * 2)).max(1);
        let (width, rows) = (text.len() * digits::ADVANCE * dot, digits::ROWS * dot);
        let margin = dot * 2;
        let (x, y) = ((self.width.saturating_sub(width)) / 2, text_top(height) + margin);
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

    fn blocks(&mut self, row: &Row, height: usize) {
        let bits = (0..row.bits).rev().map(|bit| row.number >> bit & 1 == 1);
        let odd = bits.clone().filter(|white| *white).count() % 2 == 1;
        let blocks = [true, false].into_iter().chain(bits).chain([odd, false]);
        let (count, top) = (row.bits + OTHER_BLOCKS, height - height / 10);
        for (i, white) in blocks.enumerate() {
            let (left, right) = (i * self.width / count, (i + 1) * self.width / count);
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
        let (width, height) = (200, 90);
        let rows =
            [(NUMBER_BITS, [0, 1, 299, 0x8001, 0xFFFF]), (CLOCK_BITS, [0, 1, 4, 1 << 43, 1 << 41])];
        for (bits, number) in rows.into_iter().flat_map(|(bits, all)| all.map(|it| (bits, it))) {
            let mut luma = vec![90; width * height];
            Canvas { luma: &mut luma, stride: width, width }.blocks(&Row { number, bits }, height);
            assert_eq!(read_row(&luma, width, (width, height), bits), Some(number));
            // A flipped bit does not pass.
            let row = height - height / 20 - 1;
            let column = 9 * width / (2 * (bits + OTHER_BLOCKS));
            luma[row * width + column] = if luma[row * width + column] > 100 { 16 } else { 235 };
            assert_eq!(read_row(&luma, width, (width, height), bits), None);
        }
        assert_eq!(read_frame_number(&[128; 18_000], width, width, height), None);
        assert_eq!(read_clock(&[128; 18_000], width, width, height), None);
    }

    #[test]
    fn a_clock_says_the_time_of_day() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_764_280_801_007);
        let marks = Marks::of_clock(now);
        assert_eq!((marks.time.as_str(), marks.row.number), ("22:00:01:007", 1_764_280_801_007));
    }

    #[test]
    fn timecodes_count_nominal_seconds() {
        let rate = FrameRate::new(30_000, 1001).unwrap();
        assert_eq!(timecode(30 * 3661 + 7, rate), "01:01:01:07");
    }
}
