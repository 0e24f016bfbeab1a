//! How loud a soundtrack is, before all of it is decoded: its gain must be settled when its first
//! segment is published, so windows spread over it stand for the whole.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use kinora_plan::{AudioStream, StreamLoudness};

use crate::{
    PipelineError,
    audio::{Decoded, Meter, Mixing, Sound},
    source::Source,
};

/// Sources up to this long are listened to whole, nanoseconds.
const WHOLE_NS: u64 = 60_000_000_000;
/// Windows in longer ones, and how long each is.
const WINDOWS: u64 = 12;
const WINDOW_NS: u64 = 5_000_000_000;
/// Of many soundtracks each is listened to in fewer windows, but in so many.
const LEAST_WINDOWS: u64 = 3;
/// So many soundtracks get all windows.
const FULL_TRACKS: u64 = 4;
/// What the windows of a soundtrack may read of a source whose pictures weigh a lot, bytes: they
/// are read with the sound.
const READ_BYTES: u64 = 128 << 20;
/// How long one window may take: a seek that gets lost must not hold up the video.
const PATIENCE: Duration = Duration::from_secs(4);
/// Channels of the versions that are measured.
const STEREO: u16 = 2;
const SURROUND: u16 = 6;

/// Listens to a soundtrack; `None` if there is nothing to hear. `sound` is freshly opened at
/// `rate`, and `first` is what it gave first. Where seeks fail, what comes first stands for all.
///
/// # Errors
/// When the source cannot be read.
pub(super) fn measure(
    (source, stream, tracks): (&Source, &AudioStream, usize),
    rate: u32,
    (mut sound, first): (Sound, Decoded),
    progress: &AtomicU64,
) -> Result<Option<StreamLoudness>, PipelineError> {
    let mut ear = Ear::new(rate, stream.channels)?;
    let length_ns = stream.end_pts_ns.saturating_sub(stream.first_pts_ns);
    ear.hear(&first)?;
    if length_ns <= WHOLE_NS {
        ear.listen(&mut sound, WHOLE_NS, progress)?;
    } else {
        let (windows, window_ns) = windows(source.size(), length_ns, tracks);
        for window in 0..windows {
            // In the middle of equal pieces.
            let at = stream.first_pts_ns + length_ns / windows * window + length_ns / windows / 2;
            if !sound.seek(at) {
                ear.listen(&mut sound, WHOLE_NS, progress)?;
                break;
            }
            ear.listen(&mut sound, window_ns, progress)?;
        }
    }
    ear.heard()
}

/// How many windows, and how long.
fn windows(size: u64, length_ns: u64, tracks: usize) -> (u64, u64) {
    let tracks = u64::try_from(tracks).unwrap_or(u64::MAX).max(1);
    let windows = (WINDOWS * FULL_TRACKS / tracks).clamp(LEAST_WINDOWS, WINDOWS);
    let seconds = u128::from(length_ns / 1_000_000_000).max(1);
    let bytes_a_second = (u128::from(size) / seconds).max(1);
    let affordable_ns = u128::from(READ_BYTES) * 1_000_000_000 / bytes_a_second;
    let window_ns = u64::try_from(affordable_ns / u128::from(windows)).unwrap_or(u64::MAX);
    (windows, window_ns.clamp(1_000_000_000, WINDOW_NS))
}

/// Meters for every version of the soundtrack.
struct Ear {
    rate: u32,
    versions: Vec<(Mixing, Meter)>,
    frames: u64,
}

impl Ear {
    fn new(rate: u32, channels: u32) -> Result<Self, PipelineError> {
        let outputs =
            if channels > u32::from(STEREO) { vec![STEREO, SURROUND] } else { vec![STEREO] };
        let version = |outputs| Ok((Mixing::new(outputs), Meter::new(rate, outputs)?));
        let versions: Result<_, PipelineError> = outputs.into_iter().map(version).collect();
        Ok(Self { rate, versions: versions?, frames: 0 })
    }

    /// Listens for so long, or to the end. What cannot be decoded ends it: the encode says so.
    fn listen(
        &mut self,
        sound: &mut Sound,
        length_ns: u64,
        progress: &AtomicU64,
    ) -> Result<(), PipelineError> {
        let frames = u128::from(length_ns) * u128::from(self.rate) / 1_000_000_000;
        let until = self.frames.saturating_add(u64::try_from(frames).unwrap_or(u64::MAX));
        let deadline = Instant::now() + PATIENCE;
        while self.frames < until && Instant::now() < deadline {
            match sound.pull_within(deadline) {
                Ok(Some(decoded)) => self.hear(&decoded)?,
                Ok(None) | Err(PipelineError::Input { .. }) => break,
                Err(error) => return Err(error),
            }
            progress.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn hear(&mut self, decoded: &Decoded) -> Result<(), PipelineError> {
        for (mixing, meter) in &mut self.versions {
            meter.add(&mixing.mix(decoded))?;
        }
        let channels = u64::from(decoded.info.channels().max(1));
        self.frames += decoded.samples.len() as u64 / channels;
        Ok(())
    }

    fn heard(&self) -> Result<Option<StreamLoudness>, PipelineError> {
        let of = |n: usize| match self.versions.get(n) {
            Some((_, meter)) => meter.integrated_clufs(),
            None => Ok(None),
        };
        let measured_ms = self.frames * 1000 / u64::from(self.rate.max(1));
        let (stereo_clufs, surround_clufs) = (of(0)?, of(1)?);
        Ok((measured_ms > 0).then_some(StreamLoudness {
            stereo_clufs,
            surround_clufs,
            measured_ms,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_NS: u64 = 3600 * 1_000_000_000;

    #[test]
    fn heavy_sources_and_many_tracks_are_heard_less() {
        assert_eq!(windows(1 << 30, HOUR_NS, 1), (12, 5_000_000_000));
        // 100 Mbit/s: 12 s of it are 150 MB.
        assert_eq!(windows(45_000_000_000, HOUR_NS, 1), (12, 1_000_000_000));
        assert_eq!(windows(1 << 30, HOUR_NS, 8).0, 6);
        assert_eq!(windows(1 << 30, HOUR_NS, 64).0, 3);
        assert_eq!(windows(0, 0, 0).0, 12);
    }
}
