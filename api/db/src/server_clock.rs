//! The clock of a database's server, which all processes share that decide by its rows.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{Database, DbError};

/// How often the server is asked. Between two answers time passes by this host's monotonic clock,
/// which nobody sets.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// A correction from here on is somebody setting a clock, and is said aloud.
const STEP_US: u64 = 1_000_000;

/// The server's time when this host's monotonic clock showed zero, as far as is known.
#[derive(Debug)]
pub(crate) struct ServerClock {
    begun: Instant,
    zero_us: AtomicI64,
}

impl ServerClock {
    /// Asks the server, and goes on asking until it is dropped. `None` where the database has no
    /// clock of its own.
    pub(crate) async fn of(db: &Database) -> Result<Option<Arc<Self>>, DbError> {
        let Some(sql) = db.dialect().clock() else { return Ok(None) };
        let clock = Arc::new(Self { begun: Instant::now(), zero_us: AtomicI64::new(0) });
        let bounds = clock.ask(db, sql).await?;
        clock.zero_us.store(bounds.middle(), Ordering::Relaxed);
        tokio::spawn(follow(Arc::downgrade(&clock), db.clone(), sql));
        Ok(Some(clock))
    }

    /// Microseconds since 1970.
    pub(crate) fn now_us(&self) -> i64 {
        self.zero_us.load(Ordering::Relaxed).saturating_add(self.passed_us())
    }

    fn passed_us(&self) -> i64 {
        i64::try_from(self.begun.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    async fn ask(&self, db: &Database, sql: &'static str) -> Result<Bounds, DbError> {
        let before_us = self.passed_us();
        let server_us: i64 = sqlx::query_scalar(sql).fetch_one(db.read()).await?;
        let after_us = self.passed_us();
        Ok(Bounds { least: server_us - after_us, most: server_us - before_us })
    }

    /// Corrects what is known as little as an answer asks for.
    fn correct(&self, bounds: &Bounds) {
        let known_us = self.zero_us.load(Ordering::Relaxed);
        let right_us = known_us.clamp(bounds.least, bounds.most);
        self.zero_us.store(right_us, Ordering::Relaxed);
        if right_us.abs_diff(known_us) >= STEP_US {
            let step_ms = (right_us - known_us) / 1000;
            tracing::warn!(step_ms, "the clock of the database was set, or this host slept");
        }
    }
}

/// Between what the server's time was when ours showed zero: an answer is as exact as it was quick.
struct Bounds {
    least: i64,
    most: i64,
}

impl Bounds {
    fn middle(&self) -> i64 {
        self.least + (self.most - self.least) / 2
    }
}

async fn follow(clock: Weak<ServerClock>, db: Database, sql: &'static str) {
    loop {
        tokio::time::sleep(ASK_EVERY).await;
        let Some(clock) = clock.upgrade() else { return };
        match clock.ask(&db, sql).await {
            Ok(bounds) => clock.correct(&bounds),
            // Our own clock goes on at the same pace.
            Err(error) => tracing::debug!(%error, "the database does not say what time it is"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_move_it_no_further_than_they_must() {
        let clock = ServerClock { begun: Instant::now(), zero_us: AtomicI64::new(1000) };
        for (least, most, zero_us) in [
            // A slow answer says little.
            (0, 5000, 1000),
            (990, 1010, 1000),
            (1200, 1300, 1200),
            (3_600_000_000, 3_600_000_100, 3_600_000_000),
            (100, 200, 200),
        ] {
            clock.correct(&Bounds { least, most });
            assert_eq!(clock.zero_us.load(Ordering::Relaxed), zero_us);
        }
    }
}
