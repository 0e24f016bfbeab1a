//! From what samples showed to rungs and caps.

use super::{Analysis, Decision, RungBudget, SampleAnalysis, curve::Curve, plan::raised};
use crate::{Rung, VideoPlan};

/// How far below the target the worst sample may score, thousandths: one hard scene does not set
/// the quality of a whole film, and its own bits grow anyway, because the CRF is what is fixed.
const WORST_BELOW: i64 = 8_000;
/// Caps are set for so many times what the busiest sample took: the samples do not see all.
const CAP_FACTOR: u64 = 2;
/// A cap below this share of the profile's would starve scenes that no sample saw.
const LEAST_CAP_DIVISOR: u32 = 4;
/// A cap changes only if that at least halves it: hard titles keep theirs to the bit.
const CAP_CHANGE_DIVISOR: u32 = 2;
/// A key frame must fit into this part of a second at the cap: a good half of what a chunk begins
/// with, because the samples do not see all.
const KEY_FRAME_MS: u64 = 250;
/// Caps are round numbers, kbit/s.
const CAP_STEP: u32 = 50;

/// The ladder that reaches `target` with the fewest bits, and why; `None` if the analysis holds
/// no sample that fits the plan.
///
/// CRFs never fall, caps never rise, and rungs stay in order, so no title costs more than its
/// profile allows. A title whose samples miss the target already keeps its CRFs, and one that
/// needs more than half of its caps keeps these and all its rungs: hard content stays as it was.
pub(super) fn decide(
    video: &VideoPlan,
    target: u32,
    analysis: &Analysis,
) -> Option<(Vec<Rung>, Decision)> {
    let fixed = &video.ladder.rungs;
    let top = fixed.first()?;
    let fits = |sample: &&SampleAnalysis| sample.rungs.len() == fixed.len();
    let measured: Vec<(&SampleAnalysis, Curve)> = analysis
        .samples
        .iter()
        .filter(fits)
        .filter_map(|sample| Some((sample, Curve::of(sample)?)))
        .collect();
    if measured.is_empty() {
        return None;
    }
    let raise = greatest_raise(&measured, i64::from(target) * 1000);
    // What x264 makes of it in the end is limited; so is what is promised.
    let raise = raised(top, raise).crf - top.crf;
    let needs: Vec<Need> =
        (0..fixed.len()).map(|index| need(video, &measured, index, raise)).collect();
    let rungs = ladder(fixed, &needs, raise);
    let budget = |(rung, need): (&Rung, &Need)| {
        let kept = rungs.iter().any(|kept| kept.track == rung.track);
        let planned_bps = if kept { need.planned_bps } else { 0 };
        RungBudget { track: rung.track.clone(), kept, fixed_bps: need.fixed_bps, planned_bps }
    };
    let decision = Decision {
        samples: u32::try_from(measured.len()).unwrap_or(u32::MAX),
        crf_raise: raise,
        fixed_score: mean_score(&measured, 0),
        planned_score: mean_score(&measured, raise),
        rungs: fixed.iter().zip(&needs).map(budget).collect(),
    };
    Some((rungs, decision))
}

/// What a rung takes.
struct Need {
    fixed_bps: u64,
    planned_bps: u64,
    /// What its cap must be for the busiest sample, kbit/s.
    peak_kbps: u64,
}

fn greatest_raise(measured: &[(&SampleAnalysis, Curve)], target: i64) -> u32 {
    let most = measured.iter().map(|(_, curve)| curve.greatest_raise()).min().unwrap_or(0);
    let reaches = |raise: &u32| {
        let worst = measured.iter().map(|(_, curve)| curve.score(*raise)).min().unwrap_or(0);
        i64::from(mean_score(measured, *raise)) >= target && worst >= target - WORST_BELOW
    };
    (1..=most).take_while(reaches).last().unwrap_or(0)
}

fn mean_score(measured: &[(&SampleAnalysis, Curve)], raise: u32) -> i32 {
    let sum: i64 = measured.iter().map(|(_, curve)| curve.score(raise)).sum();
    let count = i64::try_from(measured.len()).unwrap_or(i64::MAX).max(1);
    i32::try_from(sum.div_euclid(count)).unwrap_or(i32::MIN)
}

/// Smaller rungs shrink as the top one does: they show the same picture.
fn need(
    video: &VideoPlan,
    measured: &[(&SampleAnalysis, Curve)],
    index: usize,
    raise: u32,
) -> Need {
    let gop_us = video.stream.frame_rate.frame_micros(video.gop_frames.max(1)).max(1);
    let a_second = |bytes: u64| u64::try_from(u128::from(bytes) * 8_000_000 / u128::from(gop_us));
    let bps = |bytes: u64| a_second(bytes).unwrap_or(u64::MAX);
    let count = measured.len() as u64;
    let (mut fixed, mut planned, mut peak_kbps) = (0_u64, 0_u64, 0_u64);
    for (sample, curve) in measured {
        let coded = sample.rungs[index];
        let gop = shrunk(coded.gop_bytes, curve.gop_bytes(raise), curve.gop_bytes(0));
        let key = shrunk(coded.key_bytes, curve.key_bytes(raise), curve.key_bytes(0));
        fixed = fixed.saturating_add(bps(coded.gop_bytes) / count);
        planned = planned.saturating_add(bps(gop) / count);
        let steady = (bps(gop) / 1000).saturating_mul(CAP_FACTOR);
        // bytes × 8 bits ÷ milliseconds are kbit/s.
        peak_kbps = peak_kbps.max(steady).max(key.saturating_mul(8) / KEY_FRAME_MS);
    }
    let most_bps = u64::from(video.ladder.rungs[index].max_kbps) * 1000;
    Need { fixed_bps: fixed.min(most_bps), planned_bps: planned.min(most_bps), peak_kbps }
}

fn shrunk(bytes: u64, planned: u64, fixed: u64) -> u64 {
    let share = u128::from(bytes) * u128::from(planned.min(fixed));
    let bytes = share.checked_div(u128::from(fixed)).unwrap_or(u128::from(bytes));
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Rungs at their new CRFs and caps, without those whose place a better one takes: a rung is there
/// for lines that are too narrow for the rung above, so it is in vain where that one's cap has
/// sunk to its own. The lowest stays for the weakest devices and lines.
fn ladder(fixed: &[Rung], needs: &[Need], raise: u32) -> Vec<Rung> {
    let mut kept: Vec<Rung> = Vec::with_capacity(fixed.len());
    // The cap of the rung above, if it has sunk.
    let mut sunk = None;
    for (index, (rung, need)) in fixed.iter().zip(needs).enumerate() {
        let mut new = Rung { max_kbps: cap(rung, need), ..raised(rung, raise) };
        if let Some(above) = sunk {
            if index + 1 < fixed.len() && above <= rung.max_kbps {
                continue;
            }
            // Players choose by the cap: a step down is a third at least.
            new.max_kbps = new.max_kbps.min(above / 3 * 2).max(1);
        }
        sunk = (new.max_kbps < rung.max_kbps).then_some(new.max_kbps);
        kept.push(new);
    }
    kept
}

fn cap(rung: &Rung, need: &Need) -> u32 {
    let needed = u32::try_from(need.peak_kbps).unwrap_or(u32::MAX);
    let round = needed.max(1).checked_next_multiple_of(CAP_STEP).unwrap_or(u32::MAX);
    let new = round.max(rung.max_kbps / LEAST_CAP_DIVISOR).max(1);
    if new <= rung.max_kbps / CAP_CHANGE_DIVISOR { new } else { rung.max_kbps }
}

#[cfg(test)]
mod tests;
