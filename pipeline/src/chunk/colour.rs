//! What the numbers in a frame mean, said explicitly on both sides of every conversion: a guess
//! that differs between two elements costs a slow path and shifts colours.

use gst_video::{
    VideoChromaSite, VideoColorMatrix, VideoColorPrimaries, VideoColorRange, VideoColorimetry,
    VideoTransferFunction,
};
use gstreamer as gst;
use gstreamer_video as gst_video;
use kinora_media::FrameRate;
use kinora_packager::cmaf::Colour;
use kinora_plan::VideoStream;

use crate::PipelineError;

/// Where chroma samples lie in nearly everything that is not tagged: MPEG-2's left.
const USUAL_CHROMA_SITE: &str = "mpeg2";
/// H.273's code point for what nobody said.
const UNSPECIFIED: u16 = 2;

/// The caps of decoded frames, with all about them said.
///
/// They keep the decoder's format and size. Times are on the grid, pixels count as square (rungs
/// have their final shape), and what is not tagged is BT.709 for HD and BT.601 for SD.
pub(crate) fn input_caps(
    decoded: &gst::Caps,
    stream: &VideoStream,
) -> Result<gst::Caps, PipelineError> {
    let info = gst_video::VideoInfo::from_caps(decoded)
        .map_err(|error| PipelineError::Internal(format!("decoded caps {decoded}: {error}")))?;
    let mut caps = decoded.copy();
    let structure = caps
        .make_mut()
        .structure_mut(0)
        .ok_or_else(|| PipelineError::Internal("decoded caps are empty".into()))?;
    structure.set("framerate", fraction(stream.frame_rate));
    structure.set("pixel-aspect-ratio", gst::Fraction::new(1, 1));
    if !stream.interlaced {
        structure.set("interlace-mode", "progressive");
    } else if !info.is_interlaced() {
        structure.set("interlace-mode", "interleaved");
    }
    if info.is_yuv() {
        structure.set("colorimetry", colorimetry(&info, stream).to_string());
        if chroma_site(structure).is_none() {
            structure.set("chroma-site", USUAL_CHROMA_SITE);
        }
    }
    Ok(caps)
}

/// The caps everything after the first conversion has: 8-bit 4:2:0, BT.709 or BT.601, limited
/// range. A source that is so already passes untouched.
pub(super) fn working_caps(input: &gst::Caps) -> Result<gst::Caps, PipelineError> {
    let info = gst_video::VideoInfo::from_caps(input)
        .map_err(|error| PipelineError::Internal(format!("input caps {input}: {error}")))?;
    let subsampled = matches!(
        info.format(),
        gst_video::VideoFormat::I420 | gst_video::VideoFormat::Yv12 | gst_video::VideoFormat::Nv12
    );
    let site = input.structure(0).and_then(chroma_site).filter(|_| subsampled);
    Ok(gst::Caps::builder("video/x-raw")
        .field("format", gst_video::VideoFormat::I420.to_str())
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .field("colorimetry", output_colorimetry(&info.colorimetry()).to_string())
        .field("chroma-site", site.unwrap_or(USUAL_CHROMA_SITE))
        .build())
}

/// What an initialisation segment says of frames of these caps.
pub(super) fn code_points(working: &gst::Caps) -> Result<Colour, PipelineError> {
    let colorimetry: VideoColorimetry = working
        .structure(0)
        .and_then(|structure| structure.get::<&str>("colorimetry").ok())
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| PipelineError::Internal(format!("no colorimetry in {working}")))?;
    let code = |value: i32| u16::try_from(value).unwrap_or(UNSPECIFIED);
    Ok(Colour {
        primaries: code(colorimetry.primaries().to_iso() as i32),
        transfer: code(colorimetry.transfer().to_iso() as i32),
        matrix: code(colorimetry.matrix().to_iso() as i32),
        full_range: colorimetry.range() == VideoColorRange::Range0_255,
    })
}

/// What an initialisation segment says of 8-bit 4:2:0 pictures that nobody decodes: what it would
/// say of them encoded anew.
pub(super) fn assumed(stream: &VideoStream) -> Result<Colour, PipelineError> {
    let side = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
    let decoded = gst::Caps::builder("video/x-raw")
        .field("format", gst_video::VideoFormat::I420.to_str())
        .field("width", side(stream.width))
        .field("height", side(stream.height))
        .field("framerate", fraction(stream.frame_rate))
        .build();
    code_points(&working_caps(&input_caps(&decoded, stream)?)?)
}

/// A frame rate in GStreamer's form.
pub(super) fn fraction(rate: FrameRate) -> gst::Fraction {
    let part = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    gst::Fraction::new(part(rate.num.get()), part(rate.den.get()))
}

/// Where chroma lies in frames of those caps.
pub(crate) fn site(caps: &gst::Caps, info: &gst_video::VideoInfo) -> VideoChromaSite {
    let subsampled = info.format_info().w_sub()[1] == 1 && info.format_info().h_sub()[1] == 1;
    let said = caps.structure(0).and_then(chroma_site).filter(|_| subsampled);
    said.unwrap_or(USUAL_CHROMA_SITE).parse().unwrap_or(VideoChromaSite::MPEG2)
}

fn chroma_site(caps: &gst::StructureRef) -> Option<&str> {
    caps.get::<&str>("chroma-site").ok().filter(|site| *site != "unknown")
}

/// What the numbers in frames of a stream mean: what it says, and what is usual where it is silent.
pub(crate) fn colorimetry(info: &gst_video::VideoInfo, stream: &VideoStream) -> VideoColorimetry {
    let tagged = stream.colorimetry.as_deref().and_then(|tag| tag.parse().ok());
    let Some(tagged): Option<VideoColorimetry> = tagged else {
        let usual = usual_colorimetry(stream.width, stream.height);
        // Only the range is known from the decoder: it tells JPEG's full range from video's.
        let range = info.colorimetry().range();
        return VideoColorimetry::new(
            if range == VideoColorRange::Unknown { usual.range() } else { range },
            usual.matrix(),
            usual.transfer(),
            usual.primaries(),
        );
    };
    // HDR is nowhere defined without BT.2020's primaries, and they come with its matrix.
    let wide = is_hdr(&tagged)
        || tagged.matrix() == VideoColorMatrix::Bt2020
        || tagged.primaries() == VideoColorPrimaries::Bt2020;
    let usual = match wide {
        true => "bt2020".parse().expect("GStreamer names it"),
        false => usual_colorimetry(stream.width, stream.height),
    };
    VideoColorimetry::new(
        if tagged.range() == VideoColorRange::Unknown { usual.range() } else { tagged.range() },
        match tagged.matrix() {
            VideoColorMatrix::Unknown | VideoColorMatrix::Rgb => usual.matrix(),
            matrix => matrix,
        },
        match tagged.transfer() {
            VideoTransferFunction::Unknown => usual.transfer(),
            transfer => transfer,
        },
        match tagged.primaries() {
            VideoColorPrimaries::Unknown => usual.primaries(),
            primaries => primaries,
        },
    )
}

/// Whether light is encoded as in HDR: PQ or HLG.
pub(crate) fn is_hdr(colorimetry: &VideoColorimetry) -> bool {
    matches!(
        colorimetry.transfer(),
        VideoTransferFunction::Smpte2084 | VideoTransferFunction::AribStdB67
    )
}

fn usual_colorimetry(width: u32, height: u32) -> VideoColorimetry {
    let high_definition = width.max(height) > 1024 || width.min(height) > 576;
    let name = if high_definition { "bt709" } else { "bt601" };
    name.parse().expect("GStreamer names both")
}

fn output_colorimetry(input: &VideoColorimetry) -> VideoColorimetry {
    match input.matrix() {
        VideoColorMatrix::Bt709 | VideoColorMatrix::Bt601 => VideoColorimetry::new(
            VideoColorRange::Range16_235,
            input.matrix(),
            input.transfer(),
            input.primaries(),
        ),
        _ => "bt709".parse().expect("GStreamer names it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::validate::tests::spec;

    fn through(format: &str, tag: Option<&str>, size: (i32, i32)) -> (String, String) {
        gst::init().unwrap();
        let mut stream = spec().video;
        (stream.width, stream.height) = (size.0 as u32, size.1 as u32);
        stream.colorimetry = tag.map(str::to_owned);
        let decoded = gst::Caps::builder("video/x-raw")
            .field("format", format)
            .field("width", size.0)
            .field("height", size.1)
            .field("framerate", gst::Fraction::new(0, 1))
            .build();
        let input = input_caps(&decoded, &stream).unwrap();
        let output = working_caps(&input).unwrap();
        let colour = |caps: &gst::Caps| {
            let structure = caps.structure(0).unwrap();
            structure.get::<String>("colorimetry").unwrap_or_default()
        };
        (colour(&input), colour(&output))
    }

    #[test]
    fn untagged_sources_get_what_their_size_suggests() {
        assert_eq!(through("I420", None, (1280, 720)), ("bt709".into(), "bt709".into()));
        assert_eq!(through("I420", None, (720, 1280)), ("bt709".into(), "bt709".into()));
        assert_eq!(through("I420", None, (640, 480)), ("bt601".into(), "bt601".into()));
        assert_eq!(through("I420", Some("bt601"), (1280, 720)), ("bt601".into(), "bt601".into()));
        // What is silent about the rest of HDR means BT.2020: a transfer alone is 0:0:14:0.
        let wide = through("I420_10LE", Some("0:0:14:0"), (3840, 2160));
        assert_eq!(wide, ("bt2100-pq".into(), "bt709".into()));
        let full = through("I420", Some("1:4:7:1"), (640, 480));
        assert_eq!(full, ("1:4:7:1".into(), "2:4:7:1".into()), "full range becomes limited");
    }
}
