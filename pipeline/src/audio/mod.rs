//! One soundtrack, from end to end: decoded, mixed, placed on the sample grid of the presentation,
//! brought to its level, encoded by one continuous encoder, and cut into segments and parts.
//!
//! The same task gives the same bytes, so that a retry joins what an earlier try has published.

mod cutting;
mod encoder;
mod idle;
mod level;
mod limiter;
mod losses;
mod loudness;
mod mix;
mod output;
mod peak;
mod placing;
mod sound;

use kinora_plan::encoder::{AudioOutcome, AudioSpec};

use self::{
    encoder::{Encoder, Frame},
    level::Leveller,
    output::Output,
    placing::{Piece, Placing},
};
pub(crate) use self::{
    idle::Idle,
    loudness::Meter,
    mix::Mixing,
    sound::{Decoded, Sound},
};
use crate::{PipelineError, child::Reporter, source::Source};

/// Silence is encoded in blocks of so many sample frames.
const SILENCE_BLOCK: u64 = 16_384;
/// Channels a result may have: stereo and 5.1.
const CHANNELS: [u16; 2] = [2, 6];

/// Encodes one soundtrack. Each part is in its file when the reporter tells of it.
///
/// # Errors
/// When the spec asks for what no encoder does, nothing of the sound can be decoded, the source
/// cannot be read, or a file cannot be written.
pub fn run(
    spec: &AudioSpec,
    source: &Source,
    reporter: &mut Reporter,
) -> Result<AudioOutcome, PipelineError> {
    if !CHANNELS.contains(&spec.channels) {
        return Err(PipelineError::Spec(format!("{} channels", spec.channels)));
    }
    let mut sound = Sound::open(source, &spec.audio.stream_id, spec.sample_rate)?;
    let mut track = Track {
        mixing: Mixing::new(spec.channels),
        placing: Placing::new(spec),
        leveller: Leveller::new(spec)?,
        encoder: Encoder::start(spec)?,
        output: None,
        total_ms: expected_ns(spec) / 1_000_000,
        spec,
        reporter,
    };
    let damage = track.read(&mut sound)?;
    drop(sound);
    track.finish(damage)
}

/// A soundtrack being encoded.
struct Track<'a> {
    spec: &'a AudioSpec,
    reporter: &'a Reporter,
    mixing: Mixing,
    placing: Placing,
    leveller: Leveller,
    encoder: Encoder,
    /// There once the encoder has said what a decoder needs.
    output: Option<Output<'a>>,
    total_ms: u64,
}

impl Track<'_> {
    /// Encodes all that can be decoded; gives what stopped it before the end.
    fn read(&mut self, sound: &mut Sound) -> Result<Option<PipelineError>, PipelineError> {
        loop {
            let decoded = match sound.pull() {
                Ok(Some(decoded)) => decoded,
                Ok(None) => return Ok(None),
                Err(error @ PipelineError::Input { .. }) if self.placing.heard() => {
                    return Ok(Some(error));
                }
                Err(error) => return Err(error),
            };
            let samples = self.mixing.mix(&decoded);
            if let Some(piece) = self.placing.place(decoded.time, &samples) {
                let Piece { silence, sound } = piece;
                self.silence(silence)?;
                self.sound(sound)?;
            }
        }
    }

    /// Fills up to the least duration and says what became of it all.
    fn finish(mut self, damage: Option<PipelineError>) -> Result<AudioOutcome, PipelineError> {
        if !self.placing.heard() {
            let message = "nothing of the sound could be decoded";
            return Err(PipelineError::input("decode_error", message));
        }
        let heard = losses::Heard { until: self.placing.next(), gaps: self.placing.silent() };
        self.silence(self.placing.missing())?;
        let last = self.leveller.finish()?;
        let frames = self.encoder.encode(&last)?;
        self.write(frames)?;
        let sample_frames = self.placing.next().max(self.placing.least());
        let frames = self.encoder.finish()?;
        self.write(frames)?;
        let mut output = self.output.ok_or_else(no_frames)?;
        let duration = output.finish(sample_frames)?;
        let warnings = losses::warnings(self.spec, heard, damage);
        let loudness = Some(self.leveller.measured()?);
        Ok(AudioOutcome { parts: output.parts(), duration, loudness, warnings })
    }

    fn silence(&mut self, sample_frames: u64) -> Result<(), PipelineError> {
        let channels = usize::from(self.spec.channels);
        let mut left = sample_frames;
        while left > 0 {
            let block = left.min(SILENCE_BLOCK);
            self.sound(&vec![0.0; block as usize * channels])?;
            left -= block;
        }
        Ok(())
    }

    fn sound(&mut self, samples: &[f32]) -> Result<(), PipelineError> {
        let levelled = self.leveller.level(samples)?;
        let frames = self.encoder.encode(&levelled)?;
        self.write(frames)
    }

    fn write(&mut self, frames: Vec<Frame>) -> Result<(), PipelineError> {
        for frame in frames {
            if self.output.is_none() {
                let (asc, priming) = self.encoder.config().ok_or_else(no_frames)?;
                self.output = Some(Output::create(self.spec, asc, priming, self.reporter)?);
            }
            let output = self.output.as_mut().expect("created above");
            output.push(frame)?;
            let done_ms = output.media_ms();
            self.reporter.progress(done_ms, self.total_ms.max(done_ms));
        }
        Ok(())
    }
}

fn no_frames() -> PipelineError {
    PipelineError::Internal("the AAC encoder gave no frames or no AudioSpecificConfig".into())
}

/// How long the result should get.
fn expected_ns(spec: &AudioSpec) -> u64 {
    spec.duration_ns.max(spec.audio.end_pts_ns.saturating_sub(spec.origin_ns))
}

#[cfg(test)]
mod tests;
