use proptest::prelude::*;

use super::*;
use crate::{
    Plan, Profile, plan,
    quality::{Candidate, Coded, Sample},
    testing::{SECOND, report, video},
};

/// A minute of 1080p30, in the built-in ladder of five.
fn title() -> Plan {
    let mut stream = video(1920, 1080, 30);
    stream.end_pts_ns = stream.first_pts_ns + 60 * SECOND;
    let mut profile = Profile::default();
    (profile.quality.enabled, profile.quality.target) = (true, 80);
    plan(&report(Some(stream), vec![]), &profile).unwrap()
}

fn coded(kbps: u64) -> Coded {
    // A GOP lasts 2 s; its key frame is a third of it.
    Coded { gop_bytes: kbps * 250, key_bytes: kbps * 250 / 3 }
}

/// A sample whose rungs take `kbps`, the top rung's scores at raises of 0, 5 and 10, its size
/// falling by a tenth each step of the CRF.
fn sample(kbps: [u64; 5], scores: [i32; 3]) -> SampleAnalysis {
    let candidate = |(index, score): (usize, i32)| Candidate {
        crf_raise: index as u32 * 5,
        coded: coded(kbps[0] * [100, 59, 35][index] / 100),
        score: score * 1000,
    };
    SampleAnalysis {
        sample: Sample { first_frame: 0, frames: 60 },
        rungs: kbps.map(coded).to_vec(),
        candidates: scores.into_iter().enumerate().map(candidate).collect(),
    }
}

fn decided(samples: Vec<SampleAnalysis>) -> (Vec<Rung>, Decision) {
    let title = title();
    decide(title.video.as_ref().unwrap(), 80, &Analysis { samples }).unwrap()
}

fn shape(rungs: &[Rung]) -> Vec<(&str, u32, u32)> {
    rungs.iter().map(|rung| (rung.track.as_str(), rung.crf, rung.max_kbps)).collect()
}

#[test]
fn easy_content_gets_fewer_bits_and_fewer_rungs() {
    let (rungs, decision) = decided(vec![sample([600, 350, 180, 120, 70], [92, 85, 70]); 3]);
    assert_eq!(decision.crf_raise, 6, "85 falls by 3 a step: 82 at 6, 79 at 7");
    assert_eq!((decision.fixed_score, decision.planned_score), (92_000, 82_000));
    assert_eq!(shape(&rungs), [("v1080", 24, 1250), ("v360", 21, 200), ("v240", 20, 132)]);
    let kept: Vec<bool> = decision.rungs.iter().map(|rung| rung.kept).collect();
    assert_eq!(kept, [true, false, false, true, true]);
    let plan = title()
        .analysed(&Analysis { samples: vec![sample([600, 350, 180, 120, 70], [92, 85, 70]); 3] });
    let savings = plan.savings(None).unwrap();
    assert!(savings.saved_percent >= 60 && !savings.produced, "{savings:?}");
}

#[test]
fn hard_content_stays_as_the_profile_has_it() {
    let title = title();
    let fixed = title.video.as_ref().unwrap().ladder.clone();
    let hard = Analysis { samples: vec![sample([4900, 2700, 1350, 780, 390], [62, 40, 10]); 8] };
    let plan = title.analysed(&hard);
    assert_eq!(plan.video.as_ref().unwrap().ladder, fixed);
    let savings = plan.savings(None).unwrap();
    assert_eq!((savings.saved_percent, savings.fixed_bytes), (0, savings.planned_bytes));
}

#[test]
fn one_hard_scene_holds_the_quality_of_the_rest() {
    let easy = || sample([600, 350, 180, 120, 70], [95, 92, 88]);
    assert_eq!(decided(vec![easy(); 4]).1.crf_raise, 10);
    let hard = sample([4000, 2200, 1200, 700, 380], [90, 74, 50]);
    let (rungs, decision) = decided(vec![easy(), easy(), easy(), hard]);
    assert_eq!(decision.crf_raise, 5, "74 is 6 below the target, the next step more than 8");
    assert_eq!(rungs.len(), 5, "and its caps stay");
    assert_eq!(rungs[0].max_kbps, 5000);
}

#[test]
fn a_key_frame_fits_into_the_buffer_of_a_lower_cap() {
    let mut still = sample([300, 200, 120, 80, 50], [100, 99, 98]);
    // 600 kbit, all of it in the key frame.
    still.rungs[0] = Coded { gop_bytes: 75_000, key_bytes: 75_000 };
    still.candidates.iter_mut().for_each(|c| c.coded = still.rungs[0]);
    let (rungs, _) = decided(vec![still]);
    assert_eq!(rungs[0].max_kbps, 2400, "it passes within a quarter of a second");
}

#[test]
fn an_analysis_that_says_nothing_changes_nothing_but_a_warning() {
    let mut odd = sample([600, 350, 180, 120, 70], [92, 85, 70]);
    odd.rungs.pop();
    let mut headless = sample([600, 350, 180, 120, 70], [92, 85, 70]);
    headless.candidates.remove(0);
    for samples in [vec![], vec![odd], vec![headless]] {
        let before = title();
        let after = before.clone().analysed(&Analysis { samples });
        assert_eq!(after.video, before.video);
        assert_eq!(after.warnings.last().unwrap().code, "quality_not_analysed");
        assert!(after.savings(None).is_none());
    }
}

fn any_coded() -> impl Strategy<Value = Coded> {
    (0_u64..4_000_000, 0_u64..2_000_000)
        .prop_map(|(gop_bytes, key_bytes)| Coded { gop_bytes, key_bytes })
}

fn any_sample() -> impl Strategy<Value = SampleAnalysis> {
    let candidate = (any_coded(), -50_000_i32..100_000);
    (prop::collection::vec(any_coded(), 5), prop::collection::vec(candidate, 3)).prop_map(
        |(rungs, candidates)| SampleAnalysis {
            sample: Sample { first_frame: 0, frames: 60 },
            rungs,
            candidates: (0..)
                .zip(candidates)
                .map(|(index, (coded, score))| Candidate { crf_raise: index * 5, coded, score })
                .collect(),
        },
    )
}

proptest! {
    /// Whatever was measured: never above the profile, in order, and never without a low rung.
    #[test]
    fn no_title_costs_more_than_its_profile(
        samples in prop::collection::vec(any_sample(), 1..9), target in 30_u32..96,
    ) {
        let title = title();
        let video = title.video.as_ref().unwrap();
        let fixed = &video.ladder.rungs;
        let (rungs, decision) = decide(video, target, &Analysis { samples }).unwrap();
        prop_assert_eq!(&rungs[0].track, &fixed[0].track);
        prop_assert_eq!(&rungs.last().unwrap().track, &fixed[4].track);
        for pair in rungs.windows(2) {
            prop_assert!(pair[0].max_kbps > pair[1].max_kbps && pair[0].height > pair[1].height);
        }
        for rung in &rungs {
            let own = fixed.iter().find(|own| own.track == rung.track).unwrap();
            prop_assert!(rung.max_kbps <= own.max_kbps && rung.crf >= own.crf);
            prop_assert_eq!(rung.crf - own.crf, decision.crf_raise);
            let same = Rung { crf: own.crf, max_kbps: own.max_kbps, ..rung.clone() };
            prop_assert_eq!(&same, own, "nothing else changes");
        }
        for budget in &decision.rungs {
            prop_assert!(budget.planned_bps <= budget.fixed_bps);
        }
    }

    /// A higher target never gives a worse picture.
    #[test]
    fn quality_grows_with_the_target(
        samples in prop::collection::vec(any_sample(), 1..9), target in 30_u32..90,
    ) {
        let title = title();
        let video = title.video.as_ref().unwrap();
        let analysis = Analysis { samples };
        let raise = |target| decide(video, target, &analysis).unwrap().1.crf_raise;
        prop_assert!(raise(target) >= raise(target + 5));
    }

    /// Where the samples reach the target at the profile's CRF, they do at the one that is chosen.
    #[test]
    fn the_target_is_kept(samples in prop::collection::vec(any_sample(), 1..9)) {
        let title = title();
        let analysis = Analysis { samples };
        let (_, decision) = decide(title.video.as_ref().unwrap(), 60, &analysis).unwrap();
        prop_assert!(decision.planned_score >= decision.fixed_score.min(60_000));
    }
}
