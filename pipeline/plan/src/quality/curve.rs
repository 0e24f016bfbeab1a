//! Between what was measured: straight lines.
//!
//! Scores fall ever faster and sizes ever slower as the CRF grows, so a straight line between two
//! measured points promises neither a better picture nor fewer bits than there will be.

use super::{Candidate, Coded, SampleAnalysis};

/// One sample's top rung over the raise of its CRF.
#[derive(Debug, Clone)]
pub(super) struct Curve(Vec<Candidate>);

impl Curve {
    /// In order of the raise; a score never above one of a lower raise, and a size likewise:
    /// what measures better with fewer bits is noise. `None` without the rung as it is asked for.
    pub(super) fn of(sample: &SampleAnalysis) -> Option<Self> {
        let mut points = sample.candidates.clone();
        points.sort_by_key(|point| point.crf_raise);
        points.dedup_by_key(|point| point.crf_raise);
        if points.first()?.crf_raise != 0 {
            return None;
        }
        for index in 1..points.len() {
            let before = points[index - 1];
            let point = &mut points[index];
            point.score = point.score.min(before.score);
            point.coded = Coded {
                key_bytes: point.coded.key_bytes.min(before.coded.key_bytes),
                gop_bytes: point.coded.gop_bytes.min(before.coded.gop_bytes),
            };
        }
        Some(Self(points))
    }

    /// The greatest raise that was measured.
    pub(super) fn greatest_raise(&self) -> u32 {
        self.0.last().map_or(0, |point| point.crf_raise)
    }

    /// Thousandths.
    pub(super) fn score(&self, raise: u32) -> i64 {
        self.at(raise, |point| point.score.into())
    }

    pub(super) fn gop_bytes(&self, raise: u32) -> u64 {
        self.bytes(raise, |coded| coded.gop_bytes)
    }

    pub(super) fn key_bytes(&self, raise: u32) -> u64 {
        self.bytes(raise, |coded| coded.key_bytes)
    }

    fn bytes(&self, raise: u32, size: impl Fn(Coded) -> u64) -> u64 {
        let bytes = self.at(raise, |point| i64::try_from(size(point.coded)).unwrap_or(i64::MAX));
        u64::try_from(bytes).unwrap_or(0)
    }

    fn at(&self, raise: u32, value: impl Fn(&Candidate) -> i64) -> i64 {
        let after = self.0.iter().position(|point| point.crf_raise >= raise);
        let Some(after) = after else { return self.0.last().map_or(0, value) };
        let high = &self.0[after];
        let Some(low) = after.checked_sub(1).map(|index| &self.0[index]) else {
            return value(high);
        };
        let (from, to) = (i128::from(value(low)), i128::from(value(high)));
        let over = i128::from(raise - low.crf_raise);
        let run = i128::from(high.crf_raise - low.crf_raise);
        i64::try_from(from + (to - from) * over / run).unwrap_or(i64::MAX)
    }
}
