//! How close an encoded picture is to what went in: SSIMULACRA 2, by the crate `fast-ssim2`.

use fast_ssim2::{PixelDescriptor, PixelSlice, Ssimulacra2Reference};
use gst_video::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;

use super::taps::Picture;
use crate::PipelineError;

/// Pictures are shrunk to this before they are looked at for being black.
const GLANCE: (u32, u32) = (64, 36);
/// Video black is 16; a fade or a title's first letters are above.
const BLACK: u8 = 20;

/// No more of a picture than this is judged, its middle, where people look: of 1080p that saves
/// half of the time.
const WINDOW: (u32, u32) = (1280, 720);

/// A picture, or the middle of a large one, as RGB, rows without gaps.
struct Pixels {
    width: u32,
    height: u32,
    bytes: Vec<u8>,
}

/// What other pictures are compared with.
pub(super) struct Reference {
    info: gst_video::VideoInfo,
    scale: Ssimulacra2Reference,
}

impl Reference {
    /// # Errors
    /// When the picture is in no format that can be converted, or too small to judge (8 pixels).
    pub(super) fn new(picture: &Picture) -> Result<Self, PipelineError> {
        let info = info(&picture.caps)?;
        let pixels = rgb(&picture.buffer, &info)?;
        let scale = Ssimulacra2Reference::new(&slice(&pixels)?).map_err(|e| broken(&e))?;
        Ok(Self { info, scale })
    }

    /// The score of an encoded picture, thousandths: 100 000 is the same picture, below 0 another.
    ///
    /// # Errors
    /// As [`Self::new`], and when the sizes differ.
    pub(super) fn score(&self, picture: &Picture) -> Result<i32, PipelineError> {
        let decoded = info(&picture.caps)?;
        // What the numbers mean is what went in; a decoder may guess otherwise.
        let same =
            gst_video::VideoInfo::builder(decoded.format(), decoded.width(), decoded.height())
                .fps(decoded.fps())
                .colorimetry(&self.info.colorimetry())
                .chroma_site(self.info.chroma_site())
                .build()?;
        let pixels = rgb(&picture.buffer, &same)?;
        let score = self.scale.compare(&slice(&pixels)?).map_err(|e| broken(&e))?;
        // Saturates, and is 0 for what is not a number.
        Ok((score * 1000.0).round() as i32)
    }
}

/// Whether a decoded picture is black all over, as far as a glance tells.
pub(super) fn is_black(buffer: &gst::Buffer, caps: &gst::Caps) -> Result<bool, PipelineError> {
    let info = info(caps)?;
    let glance = converted(buffer, &info, gst_video::VideoFormat::Gray8, GLANCE)?;
    let luma = glance.plane_data(0)?;
    let stride = usize::try_from(glance.plane_stride()[0]).unwrap_or(0).max(1);
    let rows = luma.chunks(stride).map(|row| &row[..row.len().min(GLANCE.0 as usize)]);
    // A few bright dots are noise.
    let bright: usize = rows.map(|row| row.iter().filter(|luma| **luma > BLACK).count()).sum();
    Ok(bright < (GLANCE.0 * GLANCE.1 / 100) as usize)
}

fn info(caps: &gst::Caps) -> Result<gst_video::VideoInfo, PipelineError> {
    gst_video::VideoInfo::from_caps(caps)
        .map_err(|error| PipelineError::Internal(format!("caps of a picture {caps}: {error}")))
}

fn rgb(buffer: &gst::Buffer, info: &gst_video::VideoInfo) -> Result<Pixels, PipelineError> {
    let (width, height) = (info.width(), info.height());
    let frame = converted(buffer, info, gst_video::VideoFormat::Rgb, (width, height))?;
    let stride = usize::try_from(frame.plane_stride()[0]).unwrap_or(0).max(1);
    // Upright for upright pictures.
    let (across, down) = if width < height { (WINDOW.1, WINDOW.0) } else { WINDOW };
    let window = (width.min(across), height.min(down));
    let (left, top) = ((width - window.0) / 2, (height - window.1) / 2);
    let (from, row) = (left as usize * 3, window.0 as usize * 3);
    let mut bytes = Vec::with_capacity(row * window.1 as usize);
    let rows = frame.plane_data(0)?.chunks(stride);
    for padded in rows.skip(top as usize).take(window.1 as usize) {
        bytes.extend_from_slice(padded.get(from..from + row).unwrap_or_default());
    }
    Ok(Pixels { width: window.0, height: window.1, bytes })
}

fn converted(
    buffer: &gst::Buffer,
    info: &gst_video::VideoInfo,
    format: gst_video::VideoFormat,
    (width, height): (u32, u32),
) -> Result<gst_video::VideoFrame<gst_video::video_frame::Writable>, PipelineError> {
    // Converters refuse to change the rate; here it means nothing.
    let wanted = gst_video::VideoInfo::builder(format, width, height).fps(info.fps()).build()?;
    let converter = gst_video::VideoConverter::new(info, &wanted, None)?;
    let input = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, info)?;
    let output = gst::Buffer::with_size(wanted.size())?;
    let mut output = gst_video::VideoFrame::from_buffer_writable(output, &wanted)
        .map_err(|_| PipelineError::Internal("a new buffer cannot be written".into()))?;
    converter.frame_ref(&input, &mut output.as_mut_video_frame_ref());
    Ok(output)
}

fn slice(pixels: &Pixels) -> Result<PixelSlice<'_>, PipelineError> {
    let &Pixels { width, height, ref bytes } = pixels;
    let stride = width as usize * 3;
    PixelSlice::new(bytes, width, height, stride, PixelDescriptor::RGB8_SRGB)
        .map_err(|error| broken(&error))
}

fn broken(error: &dyn std::fmt::Display) -> PipelineError {
    PipelineError::Internal(format!("judging a picture: {error}"))
}
