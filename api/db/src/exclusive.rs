//! What one process at a time may be on a database.

use std::time::{Duration, Instant};

use sqlx::{AnyConnection, Connection, Executor};
use tokio::task::JoinHandle;

use crate::{Database, DbError, Dialect};

/// How often it is looked whether the connection that holds a place still stands.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Between two tries of a place that is taken.
const TRY_EVERY: Duration = Duration::from_millis(200);
/// What the names of our locks begin with, to keep from those of other programs on the server.
const NAMESPACE: i64 = 0x6b69_6e6f_0000_0000;

/// A place that is this process's until it is dropped, or the process ends however it ends.
#[derive(Debug)]
pub struct Exclusive(Option<JoinHandle<()>>);

impl Exclusive {
    /// Takes the place `name` on a database, and waits `patience` for whoever leaves it. An embedded
    /// database is one process's own anyway.
    ///
    /// A place is a session's advisory lock: where the connection breaks it is taken again, and
    /// somebody may have been faster. So it keeps from running two by mistake; conditional updates
    /// keep what they would do to each other from harm.
    ///
    /// # Errors
    /// [`DbError::Taken`], or the database does not answer.
    pub async fn take(
        db: &Database,
        name: &'static str,
        patience: Duration,
    ) -> Result<Self, DbError> {
        if db.dialect() == Dialect::Sqlite {
            return Ok(Self(None));
        }
        let begun = Instant::now();
        let connection = loop {
            if let Some(connection) = try_take(db.url(), name).await? {
                break connection;
            }
            if begun.elapsed() >= patience {
                return Err(DbError::Taken(name));
            }
            tokio::time::sleep(TRY_EVERY).await;
        };
        Ok(Self(Some(tokio::spawn(hold(db.url().to_owned(), name, connection)))))
    }
}

impl Drop for Exclusive {
    fn drop(&mut self) {
        if let Some(holder) = &self.0 {
            holder.abort();
        }
    }
}

/// A connection that has the place, or `None` where another has it.
async fn try_take(url: &str, name: &str) -> Result<Option<AnyConnection>, DbError> {
    let mut connection = AnyConnection::connect(url).await?;
    connection.execute("SET application_name = 'kinora'").await?;
    let sql = "SELECT CAST(CASE WHEN pg_try_advisory_lock($1) THEN 1 ELSE 0 END AS BIGINT)";
    let number =
        name.bytes().fold(0_i64, |number, byte| (number * 31 + i64::from(byte)) % (1 << 31));
    let query = sqlx::query_scalar(sql).bind(NAMESPACE | number);
    let taken: i64 = query.fetch_one(&mut connection).await?;
    Ok((taken == 1).then_some(connection))
}

/// Keeps the connection, and makes it again where it breaks.
async fn hold(url: String, name: &'static str, mut connection: AnyConnection) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if connection.ping().await.is_ok() {
            continue;
        }
        tracing::warn!(name, "the connection that holds a place on the database broke");
        connection = loop {
            tokio::time::sleep(TRY_EVERY).await;
            match try_take(&url, name).await {
                Ok(Some(connection)) => break connection,
                // Our own old session may have it still, as long as the server believes in it.
                Ok(None) | Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use kinora_testing::TestDatabase;

    use super::*;

    #[tokio::test]
    async fn a_place_is_one_process_at_a_time() {
        let home = TestDatabase::new().await;
        let db = Database::open(home.url()).await.unwrap();
        let first = Exclusive::take(&db, "cook", Duration::ZERO).await.unwrap();
        if db.dialect() == Dialect::Sqlite {
            eprintln!("skipped: an embedded database has one process anyway");
            return;
        }
        let taken = Exclusive::take(&db, "cook", Duration::ZERO).await.unwrap_err();
        assert!(matches!(taken, DbError::Taken("cook")), "{taken}");
        let other = Exclusive::take(&db, "waiter", Duration::ZERO).await.unwrap();
        drop(first);
        let next = Exclusive::take(&db, "cook", Duration::from_secs(60)).await.unwrap();
        drop((next, other));
    }
}
