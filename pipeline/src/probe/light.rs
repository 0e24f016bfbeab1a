//! How bright an HDR picture gets.

use std::str::FromStr;

use gst_video::{
    VideoColorimetry, VideoContentLightLevel, VideoMasteringDisplayInfo, VideoTransferFunction,
};
use gstreamer as gst;
use gstreamer_video as gst_video;

/// The display HLG is defined on, cd/m² (Rec. ITU-R BT.2100, table 5).
const HLG_NITS: u32 = 1000;
/// Less than any HDR display, more than PQ can say: metadata that lie.
const CREDIBLE_NITS: std::ops::RangeInclusive<u32> = 100..=10_000;
/// What SMPTE ST 2086's luminances count in.
const UNITS_A_NIT: u32 = 10_000;

/// How bright a picture of that colorimetry gets, cd/m²: of PQ the brightest pixel (CTA-861.3), or
/// the display it was graded on (SMPTE ST 2086), whichever of the caps say so; `None` if none do.
pub(super) fn peak_nits(colorimetry: Option<&str>, caps: [Option<&gst::Caps>; 2]) -> Option<u32> {
    let transfer = VideoColorimetry::from_str(colorimetry?).ok()?.transfer();
    match transfer {
        VideoTransferFunction::AribStdB67 => return Some(HLG_NITS),
        VideoTransferFunction::Smpte2084 => {}
        _ => return None,
    }
    let first = |of: fn(&gst::CapsRef) -> Option<u32>| {
        let mut said = caps.iter().flatten().filter_map(|caps| of(caps));
        said.find(|nits| CREDIBLE_NITS.contains(nits))
    };
    let (pixel, display) = (first(brightest_pixel), first(display));
    // A pixel cannot have been graded brighter than the display; then one of them lies.
    match (pixel, display) {
        (Some(pixel), Some(display)) => Some(pixel.min(display)),
        (known, None) | (None, known) => known,
    }
}

fn brightest_pixel(caps: &gst::CapsRef) -> Option<u32> {
    VideoContentLightLevel::from_caps(caps).ok().map(|level| level.max_content_light_level().into())
}

fn display(caps: &gst::CapsRef) -> Option<u32> {
    let info = VideoMasteringDisplayInfo::from_caps(caps).ok()?;
    Some(info.max_display_mastering_luminance() / UNITS_A_NIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(light: &str) -> gst::Caps {
        gst::init().unwrap();
        format!("video/x-h265{light}").parse().unwrap()
    }

    #[test]
    fn metadata_are_believed_where_they_can_be_true() {
        let display = ", mastering-display-info=(string)\
                       13250:34500:7500:3000:34000:16000:15635:16450:40000000:50";
        let pixel = |nits| format!(", content-light-level=(string){nits}:400");
        let peak = |parsed: &str, decoded: &str| {
            peak_nits(Some("bt2100-pq"), [Some(&caps(parsed)), Some(&caps(decoded))])
        };
        assert_eq!(peak("", ""), None);
        assert_eq!(peak("", display), Some(4000));
        assert_eq!(peak(display, &pixel(1200)), Some(1200));
        assert_eq!(peak(&pixel(0), display), Some(4000));
        assert_eq!(peak(&pixel(9000), display), Some(4000));
        assert_eq!(peak(&pixel(60_000), ""), None);
        let hlg = peak_nits(Some("bt2100-hlg"), [Some(&caps(display)), None]);
        assert_eq!(hlg, Some(1000));
        assert_eq!(peak_nits(Some("bt709"), [Some(&caps(display)), None]), None);
        assert_eq!(peak_nits(None, [None, None]), None);
    }
}
