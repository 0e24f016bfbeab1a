//! What a quality target saved.

use std::collections::BTreeMap;

use kinora_media::TrackId;
use serde::{Deserialize, Serialize};

use super::RungBudget;
use crate::Plan;

/// What a quality target saves against the same profile without one; bytes of all of the title's
/// rungs, sound not counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Savings {
    /// What the profile's own CRFs and caps would take, estimated.
    pub fixed_bytes: u64,
    /// What the plan takes: what was produced where `produced` says so, else estimated.
    pub planned_bytes: u64,
    /// Whether `planned_bytes` counts what was produced.
    pub produced: bool,
    /// Of `fixed_bytes`, how many of a hundred are saved.
    pub saved_percent: u32,
}

impl Plan {
    /// What the samples' decision saves. `produced` holds the bytes of every kept rung once all
    /// of the title is encoded: the estimates then follow the whole title and no longer its
    /// samples alone. `None` without a decision.
    pub fn savings(&self, produced: Option<&BTreeMap<TrackId, u64>>) -> Option<Savings> {
        let decision = self.quality.as_ref()?.decision.as_ref()?;
        let duration_ns = self.video.as_ref()?.duration_ns();
        let rungs = &decision.rungs;
        let complete = produced.filter(|produced| {
            rungs.iter().filter(|rung| rung.kept).all(|rung| produced.contains_key(&rung.track))
        });
        let (fixed_bytes, planned_bytes) = match complete {
            Some(produced) => measured(rungs, produced),
            None => {
                let sum = |bps: fn(&RungBudget) -> u64| {
                    bytes_of(rungs.iter().map(bps).fold(0, u64::saturating_add), duration_ns)
                };
                (sum(|rung| rung.fixed_bps), sum(|rung| rung.planned_bps))
            }
        };
        let saved = u128::from(fixed_bytes.saturating_sub(planned_bytes)) * 100;
        let percent = saved.checked_div(u128::from(fixed_bytes)).unwrap_or(0);
        Some(Savings {
            fixed_bytes,
            planned_bytes,
            produced: complete.is_some(),
            saved_percent: u32::try_from(percent).unwrap_or(100),
        })
    }
}

/// What was produced, scaled by what the samples say the profile's settings take more; for rungs
/// that were left out, as much of their estimate as the others took of theirs.
fn measured(rungs: &[RungBudget], produced: &BTreeMap<TrackId, u64>) -> (u64, u64) {
    let bytes = |rung: &RungBudget| produced.get(&rung.track).copied().unwrap_or(0);
    let kept = || rungs.iter().filter(|rung| rung.kept);
    let total: u64 = kept().map(bytes).fold(0, u64::saturating_add);
    let planned_bps: u64 = kept().map(|rung| rung.planned_bps).fold(0, u64::saturating_add);
    let fixed = rungs.iter().map(|rung| {
        if rung.kept {
            scaled(bytes(rung), rung.fixed_bps, rung.planned_bps)
        } else {
            scaled(total, rung.fixed_bps, planned_bps)
        }
    });
    (fixed.fold(0, u64::saturating_add), total)
}

fn bytes_of(bps: u64, duration_ns: u64) -> u64 {
    scaled(bps, duration_ns, 8_000_000_000)
}

/// `value × numerator ÷ denominator`; nothing over nothing changes nothing.
fn scaled(value: u64, numerator: u64, denominator: u64) -> u64 {
    let product = u128::from(value) * u128::from(numerator);
    let quotient = product.checked_div(u128::from(denominator)).unwrap_or(u128::from(value));
    u64::try_from(quotient).unwrap_or(u64::MAX)
}
