//! Waiting for a server that this process cannot do without: when all of a cluster starts at once, who is
//! there first is chance, and a service manager that starts this process again and again gives up.

use std::{
    fmt,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBuilder};
use sd_notify::NotifyState;

use crate::handover::notify;

/// Between two tries, before jitter.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(3);
/// How often it is said what is waited for.
const SAID_EVERY: Duration = Duration::from_secs(10);
/// A service manager waits so much longer than it would, from each try on: more than a try takes.
const PATIENCE: Duration = Duration::from_secs(90);

/// Opens `what`, again and again while it fails in a way that may `pass`; so until somebody stops this
/// process. What it says then, and what will not pass, is handed back at once.
pub(crate) async fn until_there<T, E: fmt::Display>(
    what: &str,
    mut open: impl AsyncFnMut() -> Result<T, E>,
    pass: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let mut pauses = ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(FIRST)
        .with_max_delay(LONGEST)
        .without_max_times()
        .build();
    let mut said: Option<Instant> = None;
    loop {
        let error = match open().await {
            Err(error) if pass(&error) => error,
            opened => {
                if said.is_some() && opened.is_ok() {
                    tracing::info!("{what} is there");
                }
                return opened;
            }
        };
        if said.is_none_or(|at| at.elapsed() >= SAID_EVERY) {
            tracing::warn!(error = format!("{error:#}"), "waiting for {what}");
            said = Some(Instant::now());
        }
        let patience = u32::try_from(PATIENCE.as_micros()).unwrap_or(u32::MAX);
        let status = format!("waiting for {what}");
        notify(&[NotifyState::Status(&status), NotifyState::ExtendTimeoutUsec(patience)]);
        tokio::time::sleep(pauses.next().unwrap_or(LONGEST)).await;
    }
}
