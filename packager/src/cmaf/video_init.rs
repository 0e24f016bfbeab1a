//! Initialisation segment of a video track.

use bytes::Bytes;

use super::{INIT_BRANDS, MAJOR_BRAND, VideoConfig};
use crate::{
    PackagerError,
    boxes::{
        BoxWriter, avc1, avcc, btrt, colr, dinf, ftyp, hdlr, mdhd, mvhd, pasp, sample_tables, tkhd,
        trex, vmhd,
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

    let mut w = BoxWriter::with_capacity(768 + config.avcc.len());
    ftyp::write(&mut w, b"ftyp", MAJOR_BRAND, &INIT_BRANDS);
    w.boxed(b"moov", |w| {
        mvhd::write(w, timescale);
        w.boxed(b"trak", |w| {
            tkhd::write(w, Some((width, height)));
            w.boxed(b"mdia", |w| {
                mdhd::write(w, timescale);
                hdlr::write(w, b"vide", "Video");
                w.boxed(b"minf", |w| {
                    vmhd::write(w);
                    dinf::write(w);
                    w.boxed(b"stbl", |w| {
                        sample_description(w, config, width, height);
                        sample_tables::write_empty(w);
                    });
                });
            });
        });
        trex::write(w);
    });
    Ok(w.finish())
}

fn sample_description(w: &mut BoxWriter, config: &VideoConfig, width: u16, height: u16) {
    w.full_box(b"stsd", 0, 0, |w| {
        w.u32(1); // entry_count
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
    });
}
