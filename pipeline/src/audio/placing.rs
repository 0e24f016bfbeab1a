//! Placing decoded sound on the sample grid of the presentation.

use kinora_media::ticks;
use kinora_plan::encoder::AudioSpec;

/// Sound within this of its place is where it belongs: containers round times to milliseconds.
/// Only what drifts further away is moved, with silence or by leaving out what overlaps.
const TOLERANCE_MS: u64 = 20;
/// How far beyond the end that the probe saw times are believed, seconds.
const BELIEVED_S: u64 = 10;

/// Where the next sample goes. Positions count sample frames from the start of the presentation.
#[derive(Debug)]
pub(super) struct Placing {
    rate: u64,
    channels: usize,
    origin_ns: i64,
    least: u64,
    limit: i64,
    next: u64,
    heard: bool,
    /// Sample frames of silence between pieces of sound.
    silent: u64,
    /// Whether anything lay in the presentation: until then every time counts to the sample.
    begun: bool,
}

/// What goes to the encoder next.
#[derive(Debug, PartialEq)]
pub(super) struct Piece<'a> {
    /// Sample frames of silence first.
    pub(super) silence: u64,
    /// Then this, interleaved.
    pub(super) sound: &'a [f32],
}

impl Placing {
    pub(super) fn new(spec: &AudioSpec) -> Self {
        let rate = u64::from(spec.sample_rate);
        let position = |ns: u64| {
            let ns = i64::try_from(ns).unwrap_or(i64::MAX);
            u64::try_from(ticks::rescale(ns, ticks::NANOS, rate)).unwrap_or(0)
        };
        let least = position(spec.duration_ns);
        let end = position(spec.audio.end_pts_ns.saturating_sub(spec.origin_ns)).max(least);
        Self {
            rate,
            channels: usize::from(spec.channels).max(1),
            origin_ns: i64::try_from(spec.origin_ns).unwrap_or(i64::MAX),
            least,
            limit: i64::try_from(end.saturating_add(BELIEVED_S * rate)).unwrap_or(i64::MAX),
            next: 0,
            heard: false,
            silent: 0,
            begun: false,
        }
    }

    /// Whether anything was decoded at all.
    pub(super) fn heard(&self) -> bool {
        self.heard
    }

    /// Sample frames placed so far.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The least sample frames the presentation has.
    pub(super) fn least(&self) -> u64 {
        self.least
    }

    /// Sample frames of silence that are missing from the least duration.
    pub(super) fn missing(&self) -> u64 {
        self.least.saturating_sub(self.next)
    }

    /// Sample frames of silence that stand between pieces of sound.
    pub(super) fn silent(&self) -> u64 {
        self.silent
    }

    /// Places samples heard at stream time `time`, or where the last ended; `None` if nothing of
    /// them lies in the presentation.
    pub(super) fn place<'a>(&mut self, time: Option<i64>, samples: &'a [f32]) -> Option<Piece<'a>> {
        let frames = samples.len() / self.channels;
        if frames == 0 {
            return None;
        }
        let next = i64::try_from(self.next).unwrap_or(i64::MAX);
        let wanted = time.map_or(next, |time| {
            let after_ns = time.saturating_sub(self.origin_ns);
            ticks::rescale(after_ns, ticks::NANOS, self.rate)
        });
        self.heard = true;
        let off = wanted.abs_diff(next);
        let near = self.begun && off <= TOLERANCE_MS * self.rate / 1000;
        let at = if near || wanted > self.limit { next } else { wanted };
        let silence = u64::try_from(at.saturating_sub(next)).unwrap_or(0);
        let skip = usize::try_from(next.saturating_sub(at)).unwrap_or(0);
        let sound = samples.get(skip.saturating_mul(self.channels)..).unwrap_or(&[]);
        if sound.is_empty() {
            return None;
        }
        if self.begun {
            self.silent += silence;
        }
        self.begun = true;
        self.next += silence + (frames - skip) as u64;
        Some(Piece { silence, sound })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::tests::spec;

    const SECOND: i64 = 1_000_000_000;
    const SOUND: [f32; 2000] = [0.5; 2000];

    /// 1000 samples a second, from 2 s on, at least 10 s.
    fn placing() -> Placing {
        let mut spec = spec();
        (spec.sample_rate, spec.channels) = (1000, 1);
        (spec.origin_ns, spec.duration_ns) = (2_000_000_000, 10_000_000_000);
        spec.audio.end_pts_ns = 14_000_000_000;
        Placing::new(&spec)
    }

    fn placed(placing: &mut Placing, time: Option<i64>, frames: usize) -> Option<(u64, usize)> {
        placing.place(time, &SOUND[..frames]).map(|piece| (piece.silence, piece.sound.len()))
    }

    #[test]
    fn late_sound_waits_and_early_sound_is_cut() {
        let mut late = placing();
        assert_eq!(placed(&mut late, Some(5 * SECOND / 2), 100), Some((500, 100)));
        assert_eq!((late.next(), late.silent()), (600, 0), "a late start is no gap");
        let mut early = placing();
        assert_eq!(placed(&mut early, Some(SECOND), 500), None);
        assert_eq!(placed(&mut early, Some(SECOND * 3 / 2), 600), Some((0, 100)));
        assert_eq!(early.missing(), 9_900);
        let mut close = placing();
        assert_eq!(placed(&mut close, Some(SECOND), 990), None);
        assert_eq!(placed(&mut close, Some(SECOND * 199 / 100), 100), Some((0, 90)));
    }

    #[test]
    fn rounded_times_leave_no_seams() {
        let mut placing = placing();
        for n in 0..100_i64 {
            // 21.33 ms rounded to milliseconds, and some worse.
            let time = 2 * SECOND + (n * 64 / 3 + n % 7) * 1_000_000;
            let frames = if n % 3 == 0 { 22 } else { 21 };
            assert_eq!(placed(&mut placing, Some(time), frames).unwrap().0, 0);
        }
    }

    #[test]
    fn gaps_are_silent_and_overlaps_are_heard_once() {
        let mut placing = placing();
        placed(&mut placing, Some(2 * SECOND), 1000);
        assert_eq!(placed(&mut placing, Some(4 * SECOND), 1000), Some((1000, 1000)));
        assert_eq!(placed(&mut placing, Some(9 * SECOND / 2), 1000), Some((0, 500)));
        assert_eq!(placed(&mut placing, None, 100), Some((0, 100)));
        assert_eq!((placing.next(), placing.silent()), (3600, 1000));
    }

    #[test]
    fn absurd_times_are_not_believed() {
        let mut placing = placing();
        placed(&mut placing, Some(2 * SECOND), 1000);
        for time in [i64::MAX, 3600 * SECOND] {
            assert_eq!(placed(&mut placing, Some(time), 100), Some((0, 100)));
        }
        assert_eq!(placed(&mut placing, Some(i64::MIN), 100), None);
        assert_eq!(placing.next(), 1200);
    }
}
