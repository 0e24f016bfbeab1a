//! A profile's own wishes for x264, over the preset's.

use gst::prelude::*;
use gstreamer as gst;
use kinora_plan::{Rung, profile::Tune};

/// What the slow presets ask for in reference pictures, by name. Levels are chosen for at most
/// [`MOST_REFERENCES`] decoded pictures, so these are held to that.
const MANY_REFERENCES: [&str; 4] = ["slow", "slower", "veryslow", "placebo"];
/// Decoded pictures that levels leave room for.
const MOST_REFERENCES: u32 = 4;

/// Sets the tuning.
pub(super) fn set_tune(encoder: &gst::Element, tune: Option<Tune>) {
    let (property, word) = match tune {
        None => return,
        Some(Tune::Film) => ("psy-tune", "film"),
        Some(Tune::Animation) => ("psy-tune", "animation"),
        Some(Tune::Grain) => ("psy-tune", "grain"),
        Some(Tune::Psnr) => ("psy-tune", "psnr"),
        Some(Tune::Ssim) => ("psy-tune", "ssim"),
        Some(Tune::Stillimage) => ("tune", "stillimage"),
        Some(Tune::Fastdecode) => ("tune", "fastdecode"),
    };
    encoder.set_property_from_str(property, word);
}

/// Pictures a preset looks ahead, where a profile does not say.
const LOOKAHEAD: [(&str, u64); 9] = [
    ("ultrafast", 0),
    ("superfast", 0),
    ("veryfast", 10),
    ("faster", 20),
    ("fast", 30),
    ("medium", 40),
    ("slow", 50),
    ("slower", 60),
    ("veryslow", 60),
];

/// No further ahead than half of the shortest GOP. An x264 that sees a picture that was asked to be
/// a key frame while the one before is still undecided makes none of it (x264 0.164 by GStreamer
/// 1.22, whatever min-keyint says).
pub(super) fn lookahead_within(rung: &Rung, shortest_gop: u64) -> String {
    let of_preset = || LOOKAHEAD.iter().find(|(name, _)| *name == rung.preset).map(|(_, n)| *n);
    let named = rung.x264.get("rc-lookahead").and_then(|value| value.parse().ok());
    let wanted = named.or_else(of_preset).unwrap_or_default();
    format!(":rc-lookahead={}", wanted.min(shortest_gop / 2))
}

/// The options to put behind those that chunks need, each with a colon before it.
pub(super) fn options(rung: &Rung) -> String {
    let mut options = String::new();
    // Tuning for animation doubles the preset's references.
    let many = MANY_REFERENCES.contains(&rung.preset.as_str())
        || matches!(rung.tune, Some(Tune::Animation)) && rung.preset == "medium";
    if many && rung.x264.get("ref").is_none() {
        options.push_str(&format!(":ref={MOST_REFERENCES}"));
    }
    // The one preset whose streams are of a lower profile than those of devices, in whose place it may
    // have to go on in the middle of a title: what manifests say of the codec is said by then.
    if rung.preset == "ultrafast" && rung.x264.get("8x8dct").is_none() {
        options.push_str(":8x8dct=1");
    }
    for (name, value) in rung.x264.iter() {
        options.push_str(&format!(":{name}={value}"));
    }
    options
}
