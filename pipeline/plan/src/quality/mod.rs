//! Quality-targeted plans: what samples of a title say about the bits its rungs need.
//!
//! `samples` chooses where to look, the child encodes those places ([`AnalysisSpec`] in,
//! [`Analysis`] out), `decide` turns what it measured into rungs and caps, once and before
//! anything is published, and `savings` says what came of it. All of it is integers: scores are
//! thousandths, sizes bytes.

mod analysis;
mod curve;
mod decide;
mod plan;
mod samples;
mod savings;

pub use analysis::{Analysis, AnalysisSpec, Candidate, Coded, Sample, SampleAnalysis};
pub use plan::{Decision, QualityPlan, RungBudget};
pub use savings::Savings;
