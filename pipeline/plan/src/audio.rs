//! How soundtracks are encoded.

use std::collections::BTreeSet;

use kinora_media::{AudioRole, TrackId};
use serde::{Deserialize, Serialize};

use crate::{AudioProfile, AudioStream, language};

/// How a soundtrack is encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioPlan {
    /// Its track: `a-en`, `a-und`, `a-en-2`; `a-en-51` for what is 5.1.
    pub track: TrackId,
    /// What is decoded.
    pub stream: AudioStream,
    /// BCP 47 tag, `und` if unknown.
    pub language: String,
    /// What a player's menu shows.
    pub name: String,
    /// Samples a second of the result.
    pub sample_rate: u32,
    /// Channels of the result: 2, or 6 for 5.1.
    pub channels: u16,
    /// Bits a second of the result.
    pub bitrate: u32,
    /// What it is beside the film's own sound.
    #[serde(default)]
    pub role: AudioRole,
    /// The stereo track of which this is the 5.1 version.
    #[serde(default)]
    pub surround_of: Option<TrackId>,
    /// By how much all of it is raised, hundredths of a decibel.
    #[serde(default)]
    pub gain_cdb: i32,
    /// What no true peak exceeds, dBTP; `None` leaves the sound as it is.
    #[serde(default)]
    pub true_peak_dbtp: Option<i32>,
}

/// Channels of a surround soundtrack.
const SURROUND: u16 = 6;
/// Sources with so many channels have surrounds; with more, nobody says what they are.
const SURROUND_SOURCES: std::ops::RangeInclusive<u32> = 5..=8;
/// A loud soundtrack is lowered at most by this, hundredths of a decibel: louder ones are measured
/// wrong.
const LEAST_GAIN_CDB: i32 = -3000;

/// Plans the soundtracks of a source: stereo of each, the default first, then those that stay 5.1
/// besides.
pub(crate) fn plan(streams: &[AudioStream], profile: &AudioProfile) -> Vec<AudioPlan> {
    let mut streams: Vec<_> = streams.iter().take(profile.max_tracks as usize).collect();
    // Stable: without a flag the first one stays first.
    if let Some(default) = default(&streams) {
        streams[..=default].rotate_right(1);
    }
    let mut taken = BTreeSet::new();
    let stereo: Vec<_> = streams.iter().map(|stream| stereo(stream, profile, &mut taken)).collect();
    let wide =
        |plan: &&AudioPlan| profile.surround && SURROUND_SOURCES.contains(&plan.stream.channels);
    let surround: Vec<_> =
        stereo.iter().filter(wide).map(|stereo| surround(stereo, profile, &mut taken)).collect();
    [stereo, surround].concat()
}

/// The soundtrack to play when nobody has chosen: the first the container marks, unless it is a
/// commentary.
fn default(streams: &[&AudioStream]) -> Option<usize> {
    let own = |stream: &AudioStream| role(stream) == AudioRole::Main;
    streams
        .iter()
        .position(|stream| stream.default && own(stream))
        .or_else(|| streams.iter().position(|stream| own(stream)))
}

fn stereo(
    stream: &AudioStream,
    profile: &AudioProfile,
    taken: &mut BTreeSet<TrackId>,
) -> AudioPlan {
    let language = language::tag(stream.language.as_deref());
    let name = language::menu_name(stream.title.as_deref(), &language);
    let level = Level::of(stream.loudness.and_then(|measured| measured.stereo_clufs), profile);
    AudioPlan {
        track: unique(&format!("a-{language}"), taken),
        stream: stream.clone(),
        language,
        name,
        // What CDs and many files have survives untouched; everything else becomes what every
        // device plays.
        sample_rate: if stream.sample_rate == 44_100 { 44_100 } else { 48_000 },
        channels: 2,
        bitrate: profile.stereo_bitrate,
        role: role(stream),
        surround_of: None,
        gain_cdb: level.gain_cdb,
        // Channels that are added up need a limit, whatever the level.
        true_peak_dbtp: (level.changed || stream.channels > 2).then_some(profile.true_peak_dbtp),
    }
}

fn surround(
    stereo: &AudioPlan,
    profile: &AudioProfile,
    taken: &mut BTreeSet<TrackId>,
) -> AudioPlan {
    let loudness = stereo.stream.loudness.and_then(|measured| measured.surround_clufs);
    let level = Level::of(loudness, profile);
    let adds = stereo.stream.channels > u32::from(SURROUND);
    AudioPlan {
        track: unique(&format!("{}-51", stereo.track), taken),
        channels: SURROUND,
        bitrate: profile.surround_bitrate,
        surround_of: Some(stereo.track.clone()),
        gain_cdb: level.gain_cdb,
        true_peak_dbtp: (level.changed || adds).then_some(profile.true_peak_dbtp),
        ..stereo.clone()
    }
}

/// What is done to the level of a soundtrack.
struct Level {
    gain_cdb: i32,
    changed: bool,
}

impl Level {
    fn of(loudness_clufs: Option<i32>, profile: &AudioProfile) -> Self {
        let Some(loudness) = loudness_clufs.filter(|_| profile.normalise) else {
            return Self { gain_cdb: 0, changed: false };
        };
        let most = i32::try_from(profile.max_gain_db.saturating_mul(100)).unwrap_or(i32::MAX);
        let wanted = profile.loudness_lufs.saturating_mul(100).saturating_sub(loudness);
        Self { gain_cdb: wanted.clamp(LEAST_GAIN_CDB, most.max(0)), changed: true }
    }
}

/// Containers mark few commentaries, and GStreamer shows those marks of none: titles tell.
fn role(stream: &AudioStream) -> AudioRole {
    let title = stream.title.as_deref().unwrap_or_default().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| title.contains(word));
    if says(&["commentary", "commentaire", "kommentar", "comentario", "commento"]) {
        AudioRole::Commentary
    } else if says(&["audio description", "audiodescription", "audiodeskription", "descriptive"]) {
        AudioRole::Description
    } else {
        AudioRole::Main
    }
}

/// The id, or else the first of `id-2`, `id-3`, … that is free.
fn unique(wanted: &str, taken: &mut BTreeSet<TrackId>) -> TrackId {
    let numbered = (2_u32..).map(|n| format!("{wanted}-{n}"));
    let mut ids = std::iter::once(wanted.to_owned())
        .chain(numbered)
        .map(|id| TrackId::new(id).expect("language tags are at most 35 letters and hyphens"));
    let id = ids.find(|id| taken.insert(id.clone()));
    id.expect("numbers do not end")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StreamLoudness, testing::audio};

    fn stream(language: &str, channels: u32) -> AudioStream {
        AudioStream { language: Some(language.into()), channels, ..audio(48_000) }
    }

    fn ids(plans: &[AudioPlan]) -> Vec<&str> {
        plans.iter().map(|plan| plan.track.as_str()).collect()
    }

    #[test]
    fn every_soundtrack_is_stereo_and_wide_ones_are_surround_besides() {
        let streams = [stream("eng", 2), stream("ger", 6), stream("eng", 8), stream("", 16)];
        let plans = plan(&streams, &AudioProfile::default());
        assert_eq!(ids(&plans), ["a-en", "a-de", "a-en-2", "a-und", "a-de-51", "a-en-2-51"]);
        let shapes: Vec<_> = plans.iter().map(|plan| (plan.channels, plan.bitrate)).collect();
        assert_eq!(shapes[..4], [(2, 128_000); 4]);
        assert_eq!(shapes[4..], [(6, 384_000); 2]);
        assert_eq!(plans[5].surround_of.as_ref().map(TrackId::as_str), Some("a-en-2"));
        let limited: Vec<_> = plans.iter().map(|plan| plan.true_peak_dbtp.is_some()).collect();
        assert_eq!(limited, [false, true, true, true, false, true]);
        let profile = AudioProfile { surround: false, max_tracks: 2, ..AudioProfile::default() };
        assert_eq!(ids(&plan(&streams, &profile)), ["a-en", "a-de"]);
    }

    #[test]
    fn the_containers_choice_comes_first_but_no_commentary() {
        let mut streams = [stream("fr", 2), stream("en", 2), stream("de", 2)];
        assert_eq!(ids(&plan(&streams, &AudioProfile::default())), ["a-fr", "a-en", "a-de"]);
        streams[2].default = true;
        assert_eq!(ids(&plan(&streams, &AudioProfile::default())), ["a-de", "a-fr", "a-en"]);
        streams[2].title = Some("Director's Commentary".into());
        let plans = plan(&streams, &AudioProfile::default());
        assert_eq!(ids(&plans), ["a-fr", "a-en", "a-de"]);
        assert_eq!(plans[2].role, AudioRole::Commentary);
    }

    #[test]
    fn loudness_becomes_a_gain_within_bounds() {
        let level = |clufs: Option<i32>, profile: &AudioProfile| {
            let loudness = StreamLoudness {
                stereo_clufs: clufs,
                surround_clufs: clufs.map(|loud| loud - 200),
                measured_ms: 60_000,
            };
            let stream = AudioStream { loudness: Some(loudness), ..stream("en", 6) };
            let plans = plan(&[stream], profile);
            [0, 1].map(|n| (plans[n].gain_cdb, plans[n].true_peak_dbtp))
        };
        let profile = AudioProfile::default();
        assert_eq!(level(Some(-2300), &profile), [(700, Some(-1)), (900, Some(-1))]);
        assert_eq!(level(Some(-900), &profile), [(-700, Some(-1)), (-500, Some(-1))]);
        assert_eq!(level(Some(-6000), &profile), [(1200, Some(-1)); 2], "raised at most by 12 dB");
        // Silence stays silence; the downmix is limited all the same.
        assert_eq!(level(None, &profile), [(0, Some(-1)), (0, None)]);
        let off = AudioProfile { normalise: false, ..profile };
        assert_eq!(level(Some(-2300), &off), [(0, Some(-1)), (0, None)]);
    }

    proptest::proptest! {
        #[test]
        fn ids_are_never_equal(tags in proptest::collection::vec("[a-z]{2}(-[a-z0-9]{1,8}){0,4}", 0..40)) {
            let streams: Vec<_> = tags.iter().map(|tag| stream(tag, 6)).collect();
            let plans = plan(&streams, &AudioProfile::default());
            let unique: BTreeSet<_> = plans.iter().map(|plan| &plan.track).collect();
            proptest::prop_assert_eq!(unique.len(), plans.len());
        }
    }
}
