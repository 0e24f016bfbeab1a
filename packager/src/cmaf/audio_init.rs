//! Initialisation segment of an audio track.

use bytes::Bytes;

use super::{
    AudioConfig,
    init::{self, Init, Media},
};
use crate::{
    PackagerError,
    boxes::{esds, mp4a},
    cmaf::config::fit,
    codec::AudioSpecificConfig,
};

/// A decoder that starts at an AAC frame is right one frame later.
pub(crate) const AAC_ROLL: i16 = -1;

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

    let (media, priming) = (Media::Sound, config.priming);
    let init = Init { timescale, media, priming, roll: Some(AAC_ROLL) };
    Ok(init::write(init, 0, |w| mp4a::write(w, channels, timescale, |w| esds::write(w, config))))
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
