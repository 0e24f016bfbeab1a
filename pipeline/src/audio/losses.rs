//! What is missing of a soundtrack, so that silence is never put in its place in silence.

use kinora_media::ticks;
use kinora_plan::{
    Warning,
    encoder::AudioSpec,
    loss::{is_worth_a_word, seconds},
};

use crate::PipelineError;

/// Sound that ends so long before the probe saw its end is lost, nanoseconds.
const LOST_NS: u64 = 500_000_000;

/// What was heard of it, in sample frames from the start of the presentation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    /// Where the last piece ends.
    pub(super) until: u64,
    /// Silence between pieces.
    pub(super) gaps: u64,
}

/// Warnings about an end that was there and could not be decoded, `damage` being what stopped it,
/// and about silence where the picture goes on. A late start is none: many films have one.
pub(super) fn warnings(
    spec: &AudioSpec,
    heard: Heard,
    damage: Option<PipelineError>,
) -> Vec<Warning> {
    let nanos = |sample_frames: u64| {
        let ticks = i64::try_from(sample_frames).unwrap_or(i64::MAX);
        let nanos = ticks::rescale(ticks, u64::from(spec.sample_rate), ticks::NANOS);
        u64::try_from(nanos).unwrap_or(0)
    };
    let (until_ns, gaps_ns) = (nanos(heard.until), nanos(heard.gaps));
    let promised_ns = spec.audio.end_pts_ns.saturating_sub(spec.origin_ns);
    let whole_ns = promised_ns.max(spec.duration_ns);
    let lost_ns = promised_ns.saturating_sub(until_ns);
    // What was never promised after the end, and what is missing between.
    let silent_ns = whole_ns.saturating_sub(promised_ns.max(until_ns)).saturating_add(gaps_ns);
    let mut warnings = Vec::new();
    if lost_ns > LOST_NS || is_worth_a_word(lost_ns, whole_ns) || damage.is_some() {
        let why = damage.map(|error| format!(" ({error})")).unwrap_or_default();
        let lost = seconds(lost_ns);
        let message = format!("The last {lost} of the sound could not be decoded{why}.");
        warnings.push(Warning { code: "sound_lost".to_owned(), message });
    }
    if is_worth_a_word(silent_ns, whole_ns) {
        let (silent, whole) = (seconds(silent_ns), seconds(whole_ns));
        let message =
            format!("The file has no sound in {silent} of {whole}: silence stands in for it.");
        warnings.push(Warning { code: "sound_silent".to_owned(), message });
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::tests::spec;

    /// What is said of ten seconds at 1000 samples a second that the probe saw the end of.
    fn said(seen_ms: u64, until: u64, gaps: u64, damaged: bool) -> Vec<String> {
        let mut spec = spec();
        (spec.sample_rate, spec.duration_ns) = (1000, 10_000_000_000);
        spec.audio.end_pts_ns = seen_ms * 1_000_000;
        let damage = damaged.then(|| PipelineError::input("decode_error", "a bad packet"));
        let warnings = warnings(&spec, Heard { until, gaps }, damage);
        warnings.into_iter().map(|warning| warning.message).collect()
    }

    #[test]
    fn silence_that_stands_in_for_sound_is_said() {
        let none = Vec::<String>::new();
        assert_eq!(said(10_000, 10_000, 0, false), none);
        assert_eq!(said(10_000, 9_800, 0, false), none, "codecs end a little early");
        assert_eq!(said(9_500, 9_500, 400, false), none, "little is missing");
        let lost = "The last 0.6 s of the sound could not be decoded";
        assert_eq!(said(10_000, 9_400, 0, false), [format!("{lost}.")]);
        assert_eq!(said(10_000, 9_400, 0, true), [format!("{lost} (a bad packet).")]);
        let silent = "The file has no sound in 2.0 s of 10.0 s: silence stands in for it.";
        assert_eq!(said(8_000, 8_000, 0, false), [silent]);
        assert_eq!(said(10_000, 10_000, 2000, false), [silent]);
        assert_eq!(said(9_000, 9_000, 1000, false), [silent]);
    }
}
