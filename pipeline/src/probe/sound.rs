//! The soundtracks: those that decode.

use std::sync::atomic::{AtomicU64, Ordering};

use gstreamer as gst;
use gstreamer_audio as gst_audio;
use kinora_plan::{AudioStream, Warning};

use super::{collect::Stream, loudness, picture::codec_name, scan::Scanned};
use crate::{
    PipelineError,
    audio::{Decoded, Sound},
    source::Source,
};

/// Soundtracks that are tried at most.
const MAX_TRACKS: usize = 64;
/// What is asked of the trial: what most soundtracks are encoded as.
const TRIAL_RATE: u32 = 48_000;

/// Every soundtrack that has packets and decodes, in container order; a warning for each of the
/// others.
///
/// # Errors
/// When the source cannot be read.
pub(super) fn examine(
    source: &Source,
    scanned: &Scanned,
    progress: &AtomicU64,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<AudioStream>, PipelineError> {
    let mut found = Vec::new();
    let sounds = scanned.streams.iter().filter(|stream| stream.codec().starts_with("audio/"));
    let sounds: Vec<_> = sounds.filter(|stream| stream.has_packets()).take(MAX_TRACKS).collect();
    for stream in &sounds {
        match first_sound(source, stream, progress) {
            Ok((sound, first)) => {
                let mut audio = describe(stream, &first);
                let asked = (source, &audio, sounds.len());
                audio.loudness =
                    loudness::measure(asked, TRIAL_RATE, (sound, first.decoded), progress)?;
                found.push(audio);
            }
            Err(error @ PipelineError::Input { .. }) => warnings.push(left_out(stream, &error)),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// What the decoder said about the first sound.
struct FirstSound {
    info: gst_audio::AudioInfo,
    decoded: Decoded,
}

fn first_sound(
    source: &Source,
    stream: &Stream,
    progress: &AtomicU64,
) -> Result<(Sound, FirstSound), PipelineError> {
    let mut sound = Sound::open(source, &stream.id, TRIAL_RATE)?;
    let decoded = sound
        .pull()?
        .ok_or_else(|| PipelineError::input("decode_error", "nothing of it could be decoded"))?;
    progress.fetch_add(1, Ordering::Relaxed);
    let info = sound.decoded_info();
    let info = info.ok_or_else(|| PipelineError::Internal("decoded caps of no sound".into()))?;
    Ok((sound, FirstSound { info, decoded }))
}

fn describe(stream: &Stream, first: &FirstSound) -> AudioStream {
    let earliest = stream.packets().map(|packet| packet.time).min();
    let start =
        first.decoded.time.or(earliest).and_then(|time| u64::try_from(time).ok()).unwrap_or(0);
    let end = stream.packets().map(|packet| packet.time.saturating_add_unsigned(packet.duration));
    let end = end.max().and_then(|time| u64::try_from(time).ok()).unwrap_or(start);
    let language = stream.tags.get::<gst::tags::LanguageCode>();
    let title = stream.tags.get::<gst::tags::Title>();
    AudioStream {
        stream_id: stream.id.clone(),
        codec: stream.codec().to_owned(),
        channels: first.info.channels(),
        sample_rate: first.info.rate(),
        language: language.map(|value| value.get().to_owned()),
        title: title.map(|value| value.get().to_owned()),
        default: stream.default,
        loudness: None,
        first_pts_ns: start,
        end_pts_ns: end.max(start),
    }
}

fn left_out(stream: &Stream, error: &PipelineError) -> Warning {
    let name = codec_name(stream);
    Warning {
        code: "audio_not_decoded".to_owned(),
        message: format!("A soundtrack coded as {name} could not be decoded: {error}."),
    }
}
