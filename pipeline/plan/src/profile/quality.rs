//! `[quality]`.

use serde::{Deserialize, Serialize};

use super::check::Faults;

/// Whether a title's own content decides how many bits its rungs get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityProfile {
    /// Whether it does.
    pub enabled: bool,
    /// What judges a sample.
    pub metric: QualityMetric,
    /// The score the top rung is to reach.
    pub target: u32,
}

/// A measure of how close a picture is to its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QualityMetric {
    /// SSIMULACRA 2: 90 cannot be told from the source, 70 is good, 50 is poor.
    Ssimulacra2,
}

impl QualityProfile {
    pub(super) fn check(&self, faults: &mut Faults) {
        faults.range("quality.target", self.target, 30..=95);
    }
}
