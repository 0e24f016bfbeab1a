//! What every adapter promises, as tests that any of them can run.
//!
//! Each function is one promise and panics when it is broken. A [`Fixture`] gives them an adapter
//! over storage of its own; an adapter's integration test calls every function with a new
//! fixture.

pub mod events;
pub mod jobs;
pub mod reports;

use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{EventBus, JobQueue};

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
