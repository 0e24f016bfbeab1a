//! Which decoder decodes what: by policy first, by rank only for what no policy names.
//!
//! A device's own decoder stands before them where a chunk is encoded on that device and takes
//! frames in its memory; everything else takes frames in system memory.

use gst::prelude::*;
use gstreamer as gst;

use super::stream::SUBJECT;
use crate::{PipelineError, gpu::Device};

/// Media type to decoders, best first. `avdec_h264` is twice as fast as `openh264dec`, and libav's
/// VP9 uses threads within a frame where libvpx needs tiles.
const PREFERRED: &[(&str, &[&str])] = &[
    ("video/x-h264", &["avdec_h264", "openh264dec"]),
    ("video/x-h265", &["avdec_h265", "libde265dec"]),
    ("video/x-vp9", &["avdec_vp9", "vp9dec"]),
    ("video/x-vp8", &["avdec_vp8", "vp8dec"]),
    ("video/x-av1", &["dav1ddec", "av1dec"]),
];

/// Media types and the decoders that are preferred for them, best first.
pub(crate) fn preferred() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    PREFERRED.iter().copied()
}

/// A decoder for a stream of these caps, on `device` if one is given; `None` when it is raw already.
pub(super) fn decoder(
    caps: &gst::Caps,
    device: Option<&Device>,
) -> Result<Option<gst::Element>, PipelineError> {
    let media_type = caps.structure(0).map(|structure| structure.name().as_str()).unwrap_or("");
    if media_type == "video/x-raw" {
        return Ok(None);
    }
    let preferred = PREFERRED
        .iter()
        .find(|(name, _)| *name == media_type)
        .into_iter()
        .flat_map(|(_, names)| names.iter())
        .filter_map(|name| gst::ElementFactory::find(name));
    // Nothing else follows: what a device does not decode is not in its memory.
    if let Some(device) = device {
        let factory = device.decoder(media_type).ok_or_else(|| unsupported(media_type))?;
        return Ok(Some(factory.create().build()?));
    }
    let factory = preferred
        .chain(ranked())
        .find(|factory| factory.can_sink_any_caps(caps))
        .ok_or_else(|| unsupported(media_type))?;
    tracing::debug!(decoder = %factory.name(), stream.codec = media_type, "chosen");
    Ok(Some(factory.create().build()?))
}

fn ranked() -> impl Iterator<Item = gst::ElementFactory> {
    let mut factories: Vec<_> = gst::ElementFactory::factories_with_type(
        gst::ElementFactoryType::DECODER | gst::ElementFactoryType::MEDIA_VIDEO,
        gst::Rank::MARGINAL,
    )
    .into_iter()
    // Elements of GPU plugins register on hosts whose GPU proves unusable.
    .filter(|factory| factory.metadata("klass").is_some_and(|class| !class.contains("Hardware")))
    .collect();
    factories.sort_by_key(|factory| std::cmp::Reverse(factory.rank()));
    factories.into_iter()
}

fn unsupported(media_type: &str) -> PipelineError {
    PipelineError::input(
        "unsupported_codec",
        format!("this installation has no decoder for {} ({media_type})", SUBJECT),
    )
}
