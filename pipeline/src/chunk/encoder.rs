//! The settings of an encoder whose chunks can be put end to end.

use gst::prelude::*;
use gstreamer as gst;
use kinora_plan::Rung;

use super::{graph::make, tuning};
use crate::PipelineError;

/// The VBV buffer, milliseconds at the maximum rate.
///
/// Every chunk begins with it half full and may leave it empty, so at every cut a player with one
/// second of buffer can lose half of this against the encoder's model. The share of the cap that
/// encoders may not use pays it back: with a buffer of 600 ms and 5 % the player is ahead of the
/// model by at least 0.4 s at the end of the first chunk, hence by 0.1 s in the second, by
/// 0.1 s + 4 s × 5 % − 0.3 s = 0 in the third, and after 8 s or more by 0.1 s again. So chunks
/// of 2, 4, 8 and then at least 16 s never starve it, whatever they show.
pub(crate) const VBV_MS: u32 = 600;
/// Share of the cap that the encoder may use, percent.
const CAP_PERCENT: u32 = 95;
/// Rungs and chunks run side by side, so cores are busy without it; more than one thread costs a
/// sixth more CPU, memory for the frames in flight, and makes the result depend on the host.
const THREADS: u32 = 1;

/// What an encoder may use of a rung's cap, kbit/s.
pub(crate) fn cap_kbps(rung: &Rung) -> u32 {
    (rung.max_kbps * CAP_PERCENT / 100).max(1)
}

/// The VBV buffer of a rung, kbit.
pub(crate) fn vbv_kbit(rung: &Rung) -> u32 {
    (u64::from(cap_kbps(rung)) * u64::from(VBV_MS) / 1000).try_into().unwrap_or(u32::MAX).max(1)
}

/// An x264 encoder of a rung and the caps its output must have. `gop` counts the rung's frames.
pub(super) fn h264(rung: &Rung, gop: u64) -> Result<(gst::Element, gst::Caps), PipelineError> {
    let encoder = make("x264enc")?;
    let gop = u32::try_from(gop).map_err(|_| PipelineError::Spec("a GOP without end".into()))?;
    encoder.set_property_from_str("pass", "qual");
    encoder.set_property("quantizer", rung.crf.min(50));
    encoder.set_property("bitrate", cap_kbps(rung));
    encoder.set_property("vbv-buf-capacity", VBV_MS);
    encoder.set_property("key-int-max", gop);
    encoder.set_property("threads", THREADS);
    // Delimiters are for byte streams; in a file each sample is delimited by its size.
    encoder.set_property("aud", false);
    set_preset(&encoder, &rung.preset)?;
    tuning::set_tune(&encoder, rung.tune);
    encoder.set_property("option-string", options(rung, gop));
    let caps = gst::Caps::builder("video/x-h264")
        .field("stream-format", "avc")
        .field("alignment", "au")
        .field("profile", "high")
        .build();
    Ok((encoder, caps))
}

/// `stitchable` keeps what depends on content out of the parameter sets; `force-cfr` takes
/// durations from the grid; without scene cuts key frames fall where the segments begin.
fn options(rung: &Rung, gop: u32) -> String {
    format!(
        "keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:stitchable=1:vbv-init=0.5:\
         force-cfr=1:level={}{}",
        rung.level,
        tuning::options(rung)
    )
}

fn set_preset(encoder: &gst::Element, preset: &str) -> Result<(), PipelineError> {
    let known = encoder.find_property("speed-preset").is_some_and(|property| {
        gst::glib::EnumClass::with_type(property.value_type())
            .is_some_and(|presets| presets.value_by_nick(preset).is_some())
    });
    if !known || preset == "None" {
        return Err(PipelineError::Spec(format!("x264 has no preset '{preset}'")));
    }
    encoder.set_property_from_str("speed-preset", preset);
    Ok(())
}
