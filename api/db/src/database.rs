//! Opening a database and getting at it.

use std::{sync::Arc, time::Duration};

use sqlx::{Any, AnyPool, Transaction, any::AnyPoolOptions};
use tokio::sync::Notify;

use crate::{DbError, Dialect, dialect};

/// A transaction that may write. Rolled back when dropped without a commit.
pub type WriteTransaction = Transaction<'static, Any>;

/// A database: cheap to clone, closed with the last clone.
///
/// Never wait for [`Self::begin_write`] while holding such a transaction: the embedded database
/// has one writer.
#[derive(Debug, Clone)]
pub struct Database {
    dialect: Dialect,
    readers: AnyPool,
    writers: AnyPool,
    outbox: Arc<Notify>,
}

impl Database {
    /// Opens `sqlite://PATH`, creating the file and its folder, and brings the schema up to date.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        sqlx::any::install_default_drivers();
        let (dialect, url) = dialect::resolve(url)?;
        let writers = pool(dialect, dialect.writers()).connect(&url).await?;
        dialect.migrations().run(&writers).await?;
        let readers = pool(dialect, READERS).connect(&url).await?;
        Ok(Self { dialect, readers, writers, outbox: Arc::new(Notify::new()) })
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// For statements that only read, each on the last committed state.
    pub fn read(&self) -> &AnyPool {
        &self.readers
    }

    /// Begins a transaction that may write.
    pub async fn begin_write(&self) -> Result<WriteTransaction, DbError> {
        Ok(self.writers.begin_with(self.dialect.begin_write()).await?)
    }

    /// Tells the outbox relay that a transaction with events was committed. Without it the
    /// relay finds them on its next round.
    pub fn wake_outbox(&self) {
        self.outbox.notify_one();
    }

    pub(crate) fn outbox_woken(&self) -> impl Future<Output = ()> + '_ {
        self.outbox.notified()
    }

    /// Waits for all connections to be idle and closes them.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

const READERS: u32 = 8;

fn pool(dialect: Dialect, connections: u32) -> AnyPoolOptions {
    dialect.prepare(
        AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(30))
            .idle_timeout(None)
            .max_lifetime(None),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn concurrent_increments_are_never_lost() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/deep/a b#c.db", folder.path().display());
        let db = Database::open(&url).await.unwrap();
        assert!(folder.path().join("deep/a b#c.db").exists());
        let mut tx = db.begin_write().await.unwrap();
        sqlx::query("CREATE TABLE counter (n BIGINT NOT NULL)").execute(&mut *tx).await.unwrap();
        sqlx::query("INSERT INTO counter VALUES (0)").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let add = |db: Database| async move {
            for _ in 0..20 {
                let mut tx = db.begin_write().await.unwrap();
                let n: i64 =
                    sqlx::query_scalar("SELECT n FROM counter").fetch_one(&mut *tx).await.unwrap();
                sqlx::query("UPDATE counter SET n = $1")
                    .bind(n + 1)
                    .execute(&mut *tx)
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
            }
        };
        let adders: Vec<_> = (0..4).map(|_| tokio::spawn(add(db.clone()))).collect();
        for adder in adders {
            adder.await.unwrap();
        }
        let n: i64 =
            sqlx::query_scalar("SELECT n FROM counter").fetch_one(db.read()).await.unwrap();
        assert_eq!(n, 80);
        db.close().await;
    }

    #[tokio::test]
    async fn only_addresses_of_files_are_opened() {
        for bad in ["", "sqlite://", "sqlite://:memory:", "sqlite://?mode=memory", "mysql://x/y"] {
            assert!(matches!(Database::open(bad).await, Err(DbError::Url(_))), "{bad}");
        }
    }
}
