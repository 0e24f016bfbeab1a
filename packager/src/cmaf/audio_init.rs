//! Initialisation segment of an audio track.

use bytes::Bytes;

use super::{AudioConfig, INIT_BRANDS, MAJOR_BRAND};
use crate::{
    PackagerError,
    boxes::{
        BoxWriter, dinf, elst, esds, ftyp, hdlr, mdhd, mp4a, mvhd, sample_tables, sgpd, smhd, tkhd,
        trex,
    },
    cmaf::config::fit,
    codec::AudioSpecificConfig,
};

/// A CMAF header (ISO/IEC 23000-19 7.3.1) for AAC. Its edit list skips the priming, so sound
/// starts at 0 as the picture does; its `roll` group tells that a frame needs the one before it.
///
/// # Errors
/// When the AudioSpecificConfig is malformed or contradicts the sample rate or the channels, or
/// when one of those is 0.
pub fn audio_init(config: &AudioConfig) -> Result<Bytes, PackagerError> {
    let timescale: u32 = fit("sample rate", config.timescale, 1)?;
    let channels: u16 = fit("channels", u32::from(config.channels), 1)?;
    check(config)?;

    let mut w = BoxWriter::with_capacity(768);
    ftyp::write(&mut w, b"ftyp", MAJOR_BRAND, &INIT_BRANDS);
    w.boxed(b"moov", |w| {
        mvhd::write(w, timescale);
        w.boxed(b"trak", |w| {
            tkhd::write(w, None);
            if config.priming > 0 {
                elst::write(w, config.priming);
            }
            w.boxed(b"mdia", |w| {
                mdhd::write(w, timescale);
                hdlr::write(w, b"soun", "Audio");
                w.boxed(b"minf", |w| {
                    smhd::write(w);
                    dinf::write(w);
                    w.boxed(b"stbl", |w| {
                        w.full_box(b"stsd", 0, 0, |w| {
                            w.u32(1); // entry_count
                            mp4a::write(w, channels, timescale, |w| esds::write(w, config));
                        });
                        sample_tables::write_empty(w);
                        sgpd::write_roll(w);
                    });
                });
            });
        });
        trex::write(w);
    });
    Ok(w.finish())
}

/// That the decoder's configuration says the same as the track: players believe one or the other.
fn check(config: &AudioConfig) -> Result<(), PackagerError> {
    let asc = AudioSpecificConfig::parse(&config.asc)?;
    let problem = if asc.sample_rate != config.timescale {
        format!("sample rate {}, but the track has {}", asc.sample_rate, config.timescale)
    } else if asc.channels.is_some_and(|channels| channels != config.channels) {
        format!("{:?} channels, but the track has {}", asc.channels, config.channels)
    } else {
        return Ok(());
    };
    Err(PackagerError::DecoderConfig { record: "AudioSpecificConfig", problem })
}
