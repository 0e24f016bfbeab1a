//! Initialisation segment of a video track.

use bytes::Bytes;

use super::{
    VideoConfig,
    init::{self, Init, Media},
};
use crate::{
    PackagerError,
    boxes::{
        BoxWriter, avc1, avcc, btrt, colr, pasp,
        tkhd::{Picture, UPRIGHT},
    },
    cmaf::config::fit,
    codec,
};

/// A CMAF header (ISO/IEC 23000-19 7.3.1) for H.264 with its parameter sets out of band.
///
/// The same configuration gives the same bytes, so the chunks of a rendition share one.
///
/// # Errors
/// When the record is malformed, the timescale 0, or a side of the picture is 0 or over 65535.
pub fn video_init(config: &VideoConfig) -> Result<Bytes, PackagerError> {
    let timescale: u32 = fit("timescale", config.timescale, 1)?;
    let width: u16 = fit("width", config.width, 1)?;
    let height: u16 = fit("height", config.height, 1)?;
    codec::check_avcc(&config.avcc)?;

    let media = Media::Picture(Picture { width, height, matrix: UPRIGHT });
    let init = Init { timescale, media, priming: 0, roll: None };
    Ok(init::write(init, config.avcc.len(), |w| sample_entry(w, config, width, height)))
}

fn sample_entry(w: &mut BoxWriter, config: &VideoConfig, width: u16, height: u16) {
    avc1::write(w, width, height, |w| {
        avcc::write(w, &config.avcc);
        if let Some(colour) = config.colour {
            colr::write(w, colour);
        }
        pasp::write(w);
        if let Some(rate) = config.bit_rate {
            btrt::write(w, rate);
        }
    });
}
