//! How often, and how long apart, a request is tried.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use super::Fault;
use crate::StoreError;

/// Exponential, jittered delays between tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// How often to try again after the first failure.
    pub times: usize,
    /// The first delay; each next one doubles. Jitter adds up to as much again.
    pub first: Duration,
    /// The longest delay before jitter.
    pub most: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { times: 4, first: Duration::from_millis(100), most: Duration::from_secs(5) }
    }
}

/// How the last try of a request ended.
#[derive(Debug)]
pub(crate) struct Tried<T> {
    pub(crate) result: Result<T, Fault>,
    /// Whether a try before the last may have done what was asked, unseen.
    pub(crate) open: bool,
}

impl<T> Tried<T> {
    /// The outcome, where it does not matter whether a try happened unseen.
    pub(crate) fn done(self, key: &str, action: &'static str) -> Result<T, StoreError> {
        self.result.map_err(|fault| fault.into_error(key, action))
    }
}

/// Sends a request until it succeeds, fails for good, or was tried often enough.
pub(crate) async fn run<T, F: Future<Output = Result<T, Fault>>>(
    retries: &Retries,
    key: &str,
    action: &'static str,
    request: impl Fn() -> F,
) -> Tried<T> {
    let mut delays = ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(retries.first)
        .with_max_delay(retries.most)
        .with_max_times(retries.times)
        .build();
    let mut open = false;
    loop {
        let fault = match request().await {
            Err(fault) if fault.is_temporary() => fault,
            result => return Tried { result, open },
        };
        let Some(delay) = delays.next() else { return Tried { result: Err(fault), open } };
        open |= fault.leaves_open();
        tracing::debug!(store.key = key, %fault, "cannot {action}: trying again");
        tokio::time::sleep(delay).await;
    }
}
