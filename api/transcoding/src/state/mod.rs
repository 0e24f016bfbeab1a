//! The rules, without database or clock: which states there are, what a failure leads to, whose
//! job is next, which results fit the plan, how fast the front moves.

pub(crate) mod fair_share;
pub(crate) mod fit;
pub(crate) mod front;
pub(crate) mod retry;
mod words;

pub(crate) use words::{Chore, JobState, SwitchReason, VideoState};
