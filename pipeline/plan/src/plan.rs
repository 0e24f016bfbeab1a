//! The plan of one title.

use kinora_media::{Chapter, Encryption};
use serde::{Deserialize, Serialize};

use crate::{
    AudioPlan, AudioProfile, Chunk, Coded, Ladder, Passthrough, ProbeReport, Profile, Rung,
    TextPlan, Unfit, VideoStream, Warning, audio, chunking, chunks,
    device::{self, EncoderChoice},
    gop_frames, hdr, ladder, loss, passthrough,
    profile::VideoProfile,
    quality::QualityPlan,
    specs, text, tracks,
};

/// Everything the orchestrator needs to dispatch a title; stored with it, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The presentation's planned duration, microseconds.
    pub duration_us: u64,
    /// HLS target duration, seconds.
    pub target_duration_s: u32,
    /// The picture, unless audio only.
    pub video: Option<VideoPlan>,
    /// Soundtracks: stereo of each, the default first, then what is offered as 5.1 besides.
    pub audio: Vec<AudioPlan>,
    /// Embedded subtitles that become text tracks.
    #[serde(default)]
    pub texts: Vec<TextPlan>,
    /// Whether nothing is published before the embedded subtitles are read.
    #[serde(default)]
    pub texts_first: bool,
    /// Chapters, in order.
    #[serde(default)]
    pub chapters: Vec<Chapter>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// The quality the picture is to have, where the profile wants the content to decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualityPlan>,
    /// Decisions that a person may ask about; nothing is lost by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Warning>,
    /// How segments are encrypted on their way to players.
    #[serde(default, skip_serializing_if = "Encryption::is_none")]
    pub encryption: Encryption,
}

/// How the picture is encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoPlan {
    /// What is decoded.
    pub stream: VideoStream,
    /// Whether to decode from the start in one chunk.
    pub sequential: bool,
    /// Frames a GOP.
    pub gop_frames: u64,
    /// Frames of the source's grid.
    pub frames: u64,
    /// The rungs.
    pub ladder: Ladder,
    /// In timeline order.
    pub chunks: Vec<Chunk>,
    /// The layout, where the top rung is the source as it is; GOPs are then of its lengths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passthrough: Option<Passthrough>,
    /// What encodes the rungs.
    #[serde(default, skip_serializing_if = "EncoderChoice::is_software")]
    pub encoder: EncoderChoice,
}

/// Why a source gets no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Neither picture nor sound.
    #[error("the file holds neither a picture nor sound that Kinora can decode")]
    NothingToEncode,
    /// A picture without frames or of no size.
    #[error("the picture is {width}×{height} pixels with {frames} frames: nothing to encode")]
    EmptyPicture {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Packets.
        frames: u64,
    },
}

/// Decides everything about a title, once: rungs, chunks, soundtracks.
///
/// # Errors
/// When there is nothing to encode.
pub fn plan(report: &ProbeReport, profile: &Profile) -> Result<Plan, PlanError> {
    if report.video.is_none() && report.audio.is_empty() {
        return Err(PlanError::NothingToEncode);
    }
    let mut notes = Vec::new();
    let video = report.video.as_ref();
    let video = video.map(|v| plan_video(v, !report.seekable, profile, &mut notes)).transpose()?;
    let (video, no_device) = with_encoder(video, report, profile);
    let audio = audio::plan(&report.audio, &profile.audio);
    let quality = profile.quality.enabled && video.is_some();
    let (texts, not_converted) = text::texts(report);
    let mut warnings = warnings(report, &profile.audio);
    warnings.extend(not_converted);
    warnings.extend(no_device);
    let mut plan = Plan {
        duration_us: 0,
        target_duration_s: 0,
        video,
        audio,
        texts_first: text::texts_first(report),
        texts,
        chapters: Vec::new(),
        warnings,
        quality: quality.then_some(QualityPlan { target: profile.quality.target, decision: None }),
        notes,
        encryption: profile.encryption,
    };
    plan.duration_us = specs::duration_ns(&plan).div_ceil(1000);
    plan.warnings.extend(picture_ends_early(&plan));
    plan.target_duration_s = specs::target_duration_s(&plan);
    plan.chapters = text::chapters(report, plan.origin_ns(), plan.duration_us);
    if quality && !report.seekable {
        plan = plan.not_analysed("the file cannot be entered in the middle to take samples");
    }
    Ok(plan)
}

fn plan_video(
    stream: &VideoStream,
    sequential: bool,
    profile: &Profile,
    notes: &mut Vec<Warning>,
) -> Result<VideoPlan, PlanError> {
    let &VideoStream { width, height, frames, frame_rate, first_pts_ns, .. } = stream;
    if width == 0 || height == 0 || frames == 0 {
        return Err(PlanError::EmptyPicture { width, height, frames });
    }
    // From first to last presentation, not the count of packets: where frames are missing the
    // grid repeats one, so that the picture keeps its length.
    let length_ns = stream.end_pts_ns.saturating_sub(first_pts_ns);
    let frames = frame_rate.nearest_frame(i64::try_from(length_ns).unwrap_or(i64::MAX)).max(1);
    let ladder = ladder(stream, &profile.video);
    // Where content decides how many bits it gets, the source's own are not the answer.
    let wanted = profile.passthrough && !profile.quality.enabled;
    let copied = if !wanted || stream.coded.is_none() {
        None
    } else if sequential && matches!(stream.coded, Some(Coded::Fit(_))) {
        Some(Err(Unfit::NotSeekable))
    } else {
        Some(passthrough::decide(stream, frames, &ladder, &profile.video))
    };
    let (settled, note) = hdr::settle(stream);
    notes.extend(note);
    let mut video = encoded(&settled, sequential, frames, ladder, &profile.video);
    match copied {
        Some(Ok((layout, chunks))) => {
            let level = video.ladder.rungs.first().map_or(0, |rung| rung.level);
            let level = stream.coded.as_ref().and_then(Coded::level).unwrap_or(level);
            video.ladder = ladder::with_copy(stream, &profile.video, level, layout.halves());
            notes.extend(leave_out_dearer(&mut video.ladder, layout.peak_bandwidth));
            (video.chunks, video.passthrough) = (chunks, Some(layout));
        }
        Some(Err(reason)) => notes.push(not_passed_through(reason)),
        None => {}
    }
    Ok(video)
}

/// Players take what costs less for the worse picture: a rung that may cost as much as the thin
/// source above it would never be chosen, or chosen in its stead.
fn leave_out_dearer(ladder: &mut Ladder, copied_bandwidth: u64) -> Option<Warning> {
    let cheaper = |rung: &Rung| tracks::peak_of_cap(rung.max_kbps) < copied_bandwidth;
    let dearer = ladder.rungs.iter().filter(|rung| !rung.copy && !cheaper(rung));
    let names: Vec<_> = dearer.map(|rung| format!("{}p", rung.height)).collect();
    ladder.rungs.retain(|rung| rung.copy || cheaper(rung));
    let kbps = copied_bandwidth.div_ceil(1000);
    (!names.is_empty()).then(|| Warning {
        code: "dearer_rungs_left_out".to_owned(),
        message: format!(
            "The source's own picture takes {kbps} kbit/s at most: smaller ones that may take as \
             much ({}) were left out.",
            names.join(", "),
        ),
    })
}

/// Every rung encoded anew, on GOPs of one length.
fn encoded(
    stream: &VideoStream,
    sequential: bool,
    frames: u64,
    ladder: Ladder,
    profile: &VideoProfile,
) -> VideoPlan {
    let rate = stream.frame_rate;
    let chunks = if sequential {
        chunking::one_chunk(rate, frames, profile)
    } else {
        chunks(rate, frames, profile, &stream.key_frames_ns, stream.first_pts_ns)
    };
    let stream = VideoStream { coded: None, ..stream.clone() };
    let gop_frames = gop_frames(rate, profile);
    VideoPlan {
        stream,
        sequential,
        gop_frames,
        frames,
        ladder,
        chunks,
        passthrough: None,
        encoder: EncoderChoice::default(),
    }
}

/// What encodes the rungs. Two kinds of titles stay with x264: those whose bits its own samples
/// decide, and those whose GOPs are a source's, which devices are not asked to follow.
fn with_encoder(
    video: Option<VideoPlan>,
    report: &ProbeReport,
    profile: &Profile,
) -> (Option<VideoPlan>, Option<Warning>) {
    let Some(mut video) = video else { return (None, None) };
    if profile.quality.enabled || video.passthrough.is_some() {
        return (Some(video), None);
    }
    let rungs = video.ladder.rungs.len();
    let (encoder, warning) = device::choose(&profile.video, &report.encoders, rungs);
    video.encoder = encoder;
    (Some(video), warning)
}

/// Sound that goes on without a picture. (Where it ends before the picture, its own job says so.)
fn picture_ends_early(plan: &Plan) -> Option<Warning> {
    let picture_ns = plan.video.as_ref()?.duration_ns();
    let whole_ns = specs::duration_ns(plan);
    let missing_ns = whole_ns.saturating_sub(picture_ns);
    let (missing, picture) = (loss::seconds(missing_ns), loss::seconds(picture_ns));
    loss::is_worth_a_word(missing_ns, whole_ns).then(|| Warning {
        code: "picture_ends_early".to_owned(),
        message: format!("The picture ends after {picture}, {missing} before the sound."),
    })
}

fn not_passed_through(reason: Unfit) -> Warning {
    Warning {
        code: format!("not_passed_through_{}", reason.as_str()),
        message: format!("The picture is encoded anew at its own size because {reason}."),
    }
}

fn warnings(report: &ProbeReport, profile: &AudioProfile) -> Vec<Warning> {
    let mut warnings = report.warnings.clone();
    let mut warn = |code: &str, message: String| {
        warnings.push(Warning { code: code.to_owned(), message });
    };
    let most = usize::try_from(profile.max_tracks).unwrap_or(usize::MAX);
    if report.audio.len() > most {
        let others = report.audio.len() - most;
        let message =
            format!("Only the first {most} soundtracks are offered; {others} were left out.");
        warn("audio_tracks_left_out", message);
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{SECOND, audio, plan_by_default, report, video};

    #[test]
    fn a_film_with_sound() {
        let plan =
            plan_by_default(&report(Some(video(1280, 720, 30)), vec![audio(44_100)])).unwrap();
        insta::assert_json_snapshot!(plan);
    }

    #[test]
    fn sound_alone_is_a_presentation() {
        let plan = plan_by_default(&report(None, vec![audio(22_050), audio(48_000)])).unwrap();
        assert_eq!((plan.duration_us, plan.target_duration_s), (10_000_000, 4));
        assert_eq!((plan.audio.len(), plan.audio[0].sample_rate), (2, 48_000));
        assert_eq!(plan.warnings, []);
    }

    #[test]
    fn a_source_that_cannot_seek_is_one_chunk() {
        let mut source = report(Some(video(1280, 720, 60)), vec![]);
        source.seekable = false;
        let video = plan_by_default(&source).unwrap().video.unwrap();
        assert!(video.sequential);
        assert_eq!(video.chunks.len(), 1);
        assert_eq!((video.chunks[0].frames, video.chunks[0].segment_frames), (600, 120));
    }

    #[test]
    fn the_longer_of_picture_and_sound_is_the_duration() {
        let mut sound = audio(48_000);
        sound.end_pts_ns = 13 * SECOND;
        let plan = plan_by_default(&report(Some(video(64, 64, 30)), vec![sound])).unwrap();
        assert_eq!(plan.duration_us, 12_000_000);
        let said = &plan.warnings[0];
        assert_eq!(said.code, "picture_ends_early");
        assert_eq!(said.message, "The picture ends after 10.0 s, 2.0 s before the sound.");
    }

    #[test]
    fn nothing_is_refused() {
        assert_eq!(plan_by_default(&report(None, vec![])), Err(PlanError::NothingToEncode));
        let empty = plan_by_default(&report(Some(video(0, 64, 30)), vec![]));
        assert!(matches!(empty, Err(PlanError::EmptyPicture { .. })));
    }

    #[test]
    fn too_many_soundtracks_are_said() {
        let plan = plan_by_default(&report(None, vec![audio(48_000); 70])).unwrap();
        assert_eq!(plan.audio.len(), 64);
        assert_eq!(plan.warnings[0].code, "audio_tracks_left_out");
    }

    #[test]
    fn what_is_left_out_is_said() {
        let mut source = report(Some(video(64, 64, 30)), vec![]);
        let subtitle = crate::SubtitleStream {
            stream_id: "s".into(),
            codec: "subpicture/x-dvd".into(),
            language: None,
            title: None,
        };
        source.subtitles = vec![subtitle];
        let codes: Vec<_> =
            plan_by_default(&source).unwrap().warnings.into_iter().map(|w| w.code).collect();
        assert_eq!(codes, ["bitmap_subtitles"]);
    }

    #[test]
    fn hdr_has_one_peak_a_title() {
        let peak = |hdr, peak_nits| {
            let mut stream = video(64, 64, 30);
            (stream.hdr, stream.peak_nits) = (hdr, peak_nits);
            let plan = plan_by_default(&report(Some(stream), vec![])).unwrap();
            assert_eq!(plan.warnings, []);
            let chunk = plan.chunk_spec(0, 5).unwrap().video.peak_nits;
            assert_eq!(chunk, plan.pictures_spec(5).unwrap().video.peak_nits);
            (chunk, plan.notes.into_iter().map(|note| note.code).collect::<Vec<_>>())
        };
        assert_eq!(peak(false, None), (None, vec![]));
        assert_eq!(peak(true, Some(4000)), (Some(4000), vec![]));
        assert_eq!(peak(true, None), (Some(1000), vec!["hdr_peak_assumed".to_owned()]));
    }
}
