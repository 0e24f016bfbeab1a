//! The tracks a plan leads to, as far as they are known before anything is encoded.

use kinora_media::{AudioTrack, Track, TrackId, TrackKind, VideoTrack};

use crate::{AudioPlan, Passthrough, Plan, Rung};

/// The leaky bucket of a rung holds at most a second of its maximum rate, and the shortest
/// stretch HLS measures is half a target duration (RFC 8216 4.1), here 2 s; so a stretch of
/// segments carries up to half as much again as the maximum rate. Percent.
const VIDEO_PEAK_PERCENT: u64 = 150;
/// How far an AAC encoder strays above its rate over 2 s. Percent.
const AUDIO_PEAK_PERCENT: u64 = 125;
/// Boxes around the samples of a track, bits a second.
const BOXES_BITS: u64 = 16_000;

/// A track without what only its first encoded chunk tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackTemplate {
    /// Its folder in the store and its name in URLs.
    pub id: TrackId,
    /// Ticks a second.
    pub timescale: u32,
    /// The cap on its peak rate, bits a second.
    pub max_bandwidth: u64,
    /// What differs by kind.
    pub kind: TrackKind,
}

impl TrackTemplate {
    /// The track, once its RFC 6381 `codec` and its priming in ticks are known.
    pub fn with_codec(self, codec: String, priming: u32) -> Track {
        let Self { id, timescale, max_bandwidth, kind } = self;
        Track { id, timescale, codec, max_bandwidth, priming, kind }
    }
}

impl Plan {
    /// Every track this plan leads to, in the order manifests list them: best picture first,
    /// then soundtracks, the default first.
    pub fn track_templates(&self) -> Vec<TrackTemplate> {
        let copied = self.video.as_ref().and_then(|video| video.passthrough.as_ref());
        let of_rung = |rung| of_rung(rung, copied);
        let rungs = self.video.iter().flat_map(|video| &video.ladder.rungs);
        let sounds = self.audio.iter().enumerate();
        rungs.map(of_rung).chain(sounds.map(|(i, audio)| of_audio(audio, i == 0))).collect()
    }
}

/// The highest peak rate of a rung encoded under this cap, bits a second.
pub(crate) fn peak_of_cap(max_kbps: u32) -> u64 {
    u64::from(max_kbps) * 1000 * VIDEO_PEAK_PERCENT / 100 + BOXES_BITS
}

fn of_rung(rung: &Rung, copied: Option<&Passthrough>) -> TrackTemplate {
    // What is handed on as it is has been measured; what is encoded anew is only bounded.
    let measured = copied.filter(|_| rung.copy).map(|copied| copied.peak_bandwidth);
    let &Rung { width, height, frame_rate, .. } = rung;
    TrackTemplate {
        id: rung.track.clone(),
        timescale: frame_rate.timescale(),
        max_bandwidth: measured.unwrap_or_else(|| peak_of_cap(rung.max_kbps)),
        kind: TrackKind::Video(VideoTrack { width, height, frame_rate }),
    }
}

fn of_audio(audio: &AudioPlan, default: bool) -> TrackTemplate {
    TrackTemplate {
        id: audio.track.clone(),
        timescale: audio.sample_rate,
        max_bandwidth: u64::from(audio.bitrate) * AUDIO_PEAK_PERCENT / 100 + BOXES_BITS,
        kind: TrackKind::Audio(AudioTrack {
            sample_rate: audio.sample_rate,
            channels: audio.channels,
            language: audio.language.clone(),
            name: audio.name.clone(),
            default,
            surround_of: audio.surround_of.clone(),
            role: audio.role,
        }),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{audio, plan_by_default, report, video};

    #[test]
    fn tracks_come_best_first_and_gain_their_codec_later() {
        let plan =
            plan_by_default(&report(Some(video(426, 240, 30)), vec![audio(44_100)])).unwrap();
        let tracks: Vec<_> = plan
            .track_templates()
            .into_iter()
            .map(|template| template.with_codec("later".into(), 0))
            .collect();
        insta::assert_json_snapshot!(tracks);
    }
}
