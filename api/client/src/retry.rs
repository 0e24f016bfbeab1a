//! How often, and how long apart, a call is tried again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder, Retryable};

use crate::{Error, Result};

/// No server may park a caller longer than this with `Retry-After`.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Exponential, jittered delays between tries.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// How often to try again after the first failure.
    pub times: usize,
    /// The first delay; each next one doubles. Jitter adds up to as much again.
    pub first: Duration,
    /// The longest delay before jitter.
    pub most: Duration,
}

impl Retry {
    /// For a single request: gives up within about five seconds.
    pub const REQUEST: Self =
        Self { times: 3, first: Duration::from_millis(250), most: Duration::from_secs(2) };

    /// For transfers and event streams, counted since they last advanced: two to five minutes.
    pub const TRANSFER: Self =
        Self { times: 10, first: Duration::from_millis(500), most: Duration::from_secs(30) };

    fn builder(self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.first)
            .with_max_delay(self.most)
            .with_max_times(self.times)
    }

    pub(crate) fn delays(self) -> Delays {
        Delays { policy: self, backoff: self.builder().build() }
    }

    /// Runs `call` until it succeeds, fails for good, or `worth` says no.
    pub(crate) async fn run<T, F>(
        self,
        worth: fn(&Error) -> bool,
        call: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        call.retry(self.builder())
            .when(worth)
            .adjust(|error, delay| delay.map(|delay| at_least_what_was_asked(error, delay)))
            .await
    }
}

/// The delays of one policy, started over whenever something advanced.
#[derive(Debug)]
pub(crate) struct Delays {
    policy: Retry,
    backoff: ExponentialBackoff,
}

impl Delays {
    /// How long to wait after `error`; `None` when it was the last try.
    pub(crate) fn after(&mut self, error: &Error) -> Option<Duration> {
        self.backoff.next().map(|delay| at_least_what_was_asked(error, delay))
    }

    pub(crate) fn start_over(&mut self) {
        *self = self.policy.delays();
    }
}

fn at_least_what_was_asked(error: &Error, delay: Duration) -> Duration {
    let asked = error.retry_after().unwrap_or_default().min(LONGEST_RETRY_AFTER);
    delay.max(asked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Problem;

    fn busy(retry_after: Option<Duration>) -> Error {
        let problem = Problem {
            status: 503,
            code: "overloaded".into(),
            title: String::new(),
            detail: String::new(),
            request_id: None,
        };
        Error::from_problem(problem, retry_after)
    }

    #[test]
    fn delays_grow_then_end_and_can_start_over() {
        let policy =
            Retry { times: 3, first: Duration::from_millis(100), most: Duration::from_millis(200) };
        let mut delays = policy.delays();
        let first = delays.after(&busy(None)).unwrap();
        assert!(first >= Duration::from_millis(100) && first <= Duration::from_millis(200));
        for _ in 0..2 {
            let next = delays.after(&busy(None)).unwrap();
            assert!(next >= Duration::from_millis(200) && next <= Duration::from_millis(400));
        }
        assert_eq!(delays.after(&busy(None)), None);
        delays.start_over();
        assert!(delays.after(&busy(None)).is_some());
    }

    #[test]
    fn retry_after_lengthens_a_delay_within_reason() {
        let mut delays = Retry::REQUEST.delays();
        let asked = Duration::from_secs(7);
        assert_eq!(delays.after(&busy(Some(asked))), Some(asked));
        let absurd = busy(Some(Duration::from_secs(86_400)));
        assert_eq!(delays.after(&absurd), Some(LONGEST_RETRY_AFTER));
    }
}
