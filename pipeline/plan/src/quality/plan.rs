//! A plan's part of it: what is wanted, and what was decided.

use kinora_media::TrackId;
use serde::{Deserialize, Serialize};

use super::{Analysis, AnalysisSpec, decide, samples::samples};
use crate::{Plan, Rung, Warning};

/// What the top rung's CRF is raised by in samples, besides not at all.
const CRF_RAISES: [u32; 2] = [5, 10];

/// The quality a title is to have, and what followed from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualityPlan {
    /// The SSIMULACRA 2 score the top rung is to reach.
    pub target: u32,
    /// Before the samples are in, and where they never came, `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

/// What the samples decided. Also what is needed later to say what was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Places that were measured.
    pub samples: u32,
    /// By how much every rung's CRF is above the profile's.
    pub crf_raise: u32,
    /// The top rung's mean score in the samples: as the profile has it, thousandths.
    pub fixed_score: i32,
    /// The same after the raise.
    pub planned_score: i32,
    /// Every rung of the profile's ladder, best first.
    pub rungs: Vec<RungBudget>,
}

/// What one rung of the profile's ladder takes, by the samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RungBudget {
    /// Its track.
    pub track: TrackId,
    /// Whether the title has it; if not, a better rung fits through the same line.
    pub kept: bool,
    /// As the profile has it, bits a second.
    pub fixed_bps: u64,
    /// As planned, bits a second; of a rung that is not kept 0.
    pub planned_bps: u64,
}

impl Plan {
    /// The analysis this plan waits for: `None` if it wants none, has none left to wait for, or
    /// can have none, because the title has no picture, is too short, or cannot be entered in the
    /// middle. `output_dir` is left empty for the worker to fill in.
    pub fn analysis_spec(&self, source_size: u64) -> Option<AnalysisSpec> {
        let video = self.video.as_ref()?;
        let wanted = self.quality.as_ref().is_some_and(|quality| quality.decision.is_none());
        if !wanted || video.sequential || video.ladder.rungs.is_empty() {
            return None;
        }
        let (samples, wanted) = samples(video);
        (wanted > 0).then(|| AnalysisSpec {
            source_size,
            video: video.stream.clone(),
            gop_frames: video.gop_frames,
            rungs: video.ladder.rungs.clone(),
            crf_raises: CRF_RAISES.to_vec(),
            samples,
            wanted,
            output_dir: std::path::PathBuf::new(),
        })
    }

    /// The plan after its analysis: rungs and caps as the samples say, never above what they
    /// were. Samples that say nothing leave it as it is, with a warning.
    pub fn analysed(mut self, analysis: &Analysis) -> Self {
        let Some((video, target)) = self.video.as_ref().zip(self.quality.as_ref()) else {
            return self;
        };
        let Some((rungs, decision)) = decide::decide(video, target.target, analysis) else {
            return self.not_analysed("its samples show nothing but black");
        };
        if let Some(video) = &mut self.video {
            video.ladder.rungs = rungs;
        }
        if let Some(quality) = &mut self.quality {
            quality.decision = Some(decision);
        }
        self
    }

    /// The plan without an analysis, and why there is none, as in "because …".
    pub fn not_analysed(mut self, why: &str) -> Self {
        self.warnings.push(Warning {
            code: "quality_not_analysed".into(),
            message: format!(
                "The picture has the profile's fixed quality and caps, because {}.",
                why.trim_end_matches('.')
            ),
        });
        self
    }
}

/// The rung with another CRF, within what x264 knows.
pub(super) fn raised(rung: &Rung, raise: u32) -> Rung {
    Rung { crf: rung.crf.saturating_add(raise).min(GREATEST_CRF.max(rung.crf)), ..rung.clone() }
}

/// Beyond it pictures fall apart, whatever a metric says.
const GREATEST_CRF: u32 = 38;

#[cfg(test)]
mod tests {
    use crate::{
        ProfileSet, plan,
        testing::{SECOND, report, video},
    };

    /// How many pixels an analysis has encoded of a thousand that the title's rungs have; `None`
    /// where there is no analysis.
    fn pixels_encoded(profile: &str, size: (u32, u32), seconds: u64) -> Option<u64> {
        let mut stream = video(size.0, size.1, 30);
        stream.end_pts_ns = stream.first_pts_ns + seconds * SECOND;
        stream.key_frames_ns = (0..seconds).step_by(2).map(|n| (1 + n) * SECOND).collect();
        let mut profile = ProfileSet::built_in().find(profile).unwrap().profile.clone();
        profile.quality.enabled = true;
        let plan = plan(&report(Some(stream), vec![]), &profile).unwrap();
        let spec = plan.analysis_spec(1)?;
        let area = |rung: &crate::Rung| u64::from(rung.width) * u64::from(rung.height);
        let rungs: u64 = spec.rungs.iter().map(area).sum();
        let candidates = spec.crf_raises.len() as u64 * area(&spec.rungs[0]);
        let wanted = spec.samples.iter().take(spec.wanted as usize);
        let frames: u64 = wanted.map(|sample| sample.frames).sum();
        Some(1000 * frames * (rungs + candidates) / (plan.video.unwrap().frames * rungs))
    }

    /// Where a ladder has two rungs or more: one alone, encoded three times, costs 12 %.
    #[test]
    fn samples_cost_a_tenth_of_a_title_at_most() {
        for profile in ["default", "quality"] {
            for size in [(1920, 1080), (1080, 1920), (640, 360)] {
                for seconds in [20, 21, 39, 60, 200, 600, 7200] {
                    let share = pixels_encoded(profile, size, seconds).unwrap();
                    assert!((1..=100).contains(&share), "{profile} {size:?} {seconds} s: {share}");
                }
            }
        }
        assert_eq!(pixels_encoded("quality", (1920, 1080), 19), None, "too short to be worth it");
        // No more than eight places, however long it is.
        assert!(pixels_encoded("quality", (1920, 1080), 7200).unwrap() < 10);
    }
}
