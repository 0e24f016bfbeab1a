//! From a decoded frame to a small picture as it should be seen.

use gst_video::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;
use kinora_plan::VideoStream;

use super::{
    frames::Frame,
    image::{Image, PIXEL},
};
use crate::PipelineError;

/// The size of the upright picture with square pixels.
pub(super) fn display_size(stream: &VideoStream) -> (u64, u64) {
    let (num, den) = (u64::from(stream.pixel_aspect.0), u64::from(stream.pixel_aspect.1));
    let (width, height) = (u64::from(stream.width.max(1)), u64::from(stream.height.max(1)));
    let wide = (width * num.max(1) / den.max(1)).max(1);
    if stream.orientation.swaps_sides() { (height, wide) } else { (wide, height) }
}

/// The largest size of that shape in a box, never larger than it is; at least a pixel.
pub(super) fn fit((width, height): (u64, u64), most: (u64, u64)) -> (usize, usize) {
    let (wide, high) = if width * most.1 > height * most.0 {
        (most.0, (height * most.0 + width / 2) / width)
    } else {
        ((width * most.1 + height / 2) / height, most.1)
    };
    let (wide, high) = if wide > width || high > height { (width, height) } else { (wide, high) };
    (wide.max(1) as usize, high.max(1) as usize)
}

/// The frame, as `ToSdr` gives it, in the size it is to be seen in.
pub(super) fn picture(
    frame: &Frame,
    stream: &VideoStream,
    (width, height): (usize, usize),
) -> Result<Image, PipelineError> {
    let lying = match stream.orientation.swaps_sides() {
        true => (height, width),
        false => (width, height),
    };
    let image = if stream.interlaced {
        // Both fields at once would show combs.
        let whole = (stream.width as usize, stream.height as usize);
        rgb(frame, whole)?.field().scaled(lying.0, lying.1)
    } else {
        rgb(frame, lying)?
    };
    Ok(image.upright(stream.orientation))
}

fn rgb(frame: &Frame, (width, height): (usize, usize)) -> Result<Image, PipelineError> {
    let from = gst_video::VideoInfo::from_caps(&frame.caps)?;
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
    let to = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, side(width), side(height))
        .fps(from.fps())
        .interlace_mode(from.interlace_mode())
        .build()?;
    let mut config = gst_video::VideoConverterConfig::new();
    config.set_resampler_method(gst_video::VideoResamplerMethod::Cubic);
    let converter = gst_video::VideoConverter::new(&from, &to, Some(config))?;
    let source = gst_video::VideoFrameRef::from_buffer_ref_readable(&frame.buffer, &from)?;
    let mut buffer = gst::Buffer::with_size(to.size())?;
    {
        let unshared = buffer.get_mut().expect("nobody else has it yet");
        let mut target = gst_video::VideoFrameRef::from_buffer_ref_writable(unshared, &to)?;
        converter.frame_ref(&source, &mut target);
    }
    let filled = gst_video::VideoFrameRef::from_buffer_ref_readable(&buffer, &to)?;
    let stride = usize::try_from(filled.plane_stride()[0]).unwrap_or(0);
    let data = filled.plane_data(0)?;
    let rows = data.chunks(stride.max(1)).take(height);
    let pixels: Vec<u8> =
        rows.flat_map(|row| &row[..(width * PIXEL).min(row.len())]).copied().collect();
    if pixels.len() != width * height * PIXEL {
        return Err(PipelineError::Internal("a converted picture is too small".into()));
    }
    Ok(Image { width, height, pixels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_keep_their_shape_and_are_never_enlarged() {
        assert_eq!(fit((1920, 1080), (1280, 1280)), (1280, 720));
        assert_eq!(fit((1080, 1920), (160, 160)), (90, 160));
        assert_eq!(fit((640, 480), (160, 160)), (160, 120));
        assert_eq!(fit((100, 50), (160, 160)), (100, 50));
        assert_eq!(fit((4000, 1), (160, 160)), (160, 1));
    }
}
