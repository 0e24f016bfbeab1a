//! The steps of the state machine, one by one, and the loops that take them.

pub(crate) mod backlog;
pub(crate) mod dispatch;
pub(crate) mod ending;
pub(crate) mod events;
mod extras;
pub(crate) mod leases;
pub(crate) mod planning;
pub(crate) mod plans;
pub(crate) mod progress;
pub(crate) mod reports;
mod run;
pub(crate) mod setback;
pub(crate) mod switch;

pub(crate) use run::run;

/// Who we are on the event bus.
pub const PRODUCER: &str = "transcoding";

/// Whose events lead to encodes.
const CATALOGUE: &str = "catalogue";
