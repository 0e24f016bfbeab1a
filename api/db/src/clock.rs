//! Wall time as a value that is passed in.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{Database, DbError, server_clock::ServerClock};

/// Says what time it is, in microseconds since 1970 UTC.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Server(Arc<ServerClock>),
    Manual(Arc<AtomicI64>),
}

/// The hand that moves a clock made by [`Clock::manual`].
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// The clock by which the rows of a database are judged: its server's, so that hosts whose own
    /// clocks differ agree on leases. An embedded database has this host's.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn of(db: &Database) -> Result<Self, DbError> {
        Ok(Self(ServerClock::of(db).await?.map_or(Source::System, Source::Server)))
    }

    /// A clock that stands at `now_us` until its hand is moved.
    pub fn manual(now_us: i64) -> (Self, ManualClock) {
        let now = Arc::new(AtomicI64::new(now_us));
        (Self(Source::Manual(now.clone())), ManualClock(now))
    }

    /// Microseconds since 1970 UTC.
    pub fn now_us(&self) -> i64 {
        match &self.0 {
            Source::System => {
                // A clock before 1970 is broken; 0 makes every lease old rather than eternal.
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
            }
            Source::Server(clock) => clock.now_us(),
            Source::Manual(now) => now.load(Ordering::SeqCst),
        }
    }
}

impl ManualClock {
    /// Moves the clock on by `us` microseconds.
    pub fn advance_us(&self, us: i64) {
        self.0.fetch_add(us, Ordering::SeqCst);
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now_us()).finish()
    }
}
