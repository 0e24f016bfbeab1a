//! What every adapter promises, as tests that any of them can run.
//!
//! Each function is one promise and panics when it is broken. A [`Fixture`] gives them an adapter
//! over storage of its own; an adapter's integration test calls every function
//! ([`for_each_promise`](crate::for_each_promise)) with a new fixture.

pub mod events;
pub mod jobs;
pub mod reports;

use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{EventBus, JobQueue};

/// Gives the macro `$each` every promise as `module::name`, so that no adapter's tests leave one out.
#[macro_export]
macro_rules! for_each_promise {
    ($each:ident) => {
        $each! {
            jobs::first_in_first_out,
            jobs::what_somebody_waits_for_comes_first,
            jobs::devices_get_what_is_for_them,
            jobs::a_waiting_receiver_wakes_up,
            jobs::a_released_job_comes_back_at_once,
            jobs::a_stale_receipt_does_nothing,
            jobs::unfinished_jobs_survive_a_crash,
            jobs::each_job_goes_to_one_of_many,
            jobs::a_cancelled_receive_loses_nothing,
            jobs::signs_of_life_reach_who_listens,
            reports::reports_come_in_order_to_one_receiver,
            reports::unfinished_reports_survive_a_crash,
            events::groups_are_independent,
            events::a_released_event_comes_back_to_its_group,
            events::groups_survive_a_crash,
            events::an_unknown_group_is_an_error,
        }
    };
}

/// Both ports of one adapter.
#[derive(Debug)]
pub struct Ports {
    /// The job queue.
    pub jobs: Arc<dyn JobQueue>,
    /// The event bus.
    pub events: Arc<dyn EventBus>,
}

/// Storage for one test.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// An adapter over this fixture's storage. Dropping both ports must be as good as the death
    /// of their process.
    async fn open(&self) -> Ports;
}

/// Long enough for what must happen, also on a busy machine.
const SOON: Duration = Duration::from_secs(20);
/// Long enough to believe that nothing happens.
const A_WHILE: Duration = Duration::from_millis(150);

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(SOON, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: waited for {SOON:?}"),
    }
}

async fn never<T>(what: &str, future: impl Future<Output = T>) {
    if tokio::time::timeout(A_WHILE, future).await.is_ok() {
        panic!("{what}, which must not happen");
    }
}
