//! Opening a database and getting at it.

use std::sync::Arc;

use sqlx::{Any, AnyPool, Transaction, any::AnyPoolOptions};
use tokio::sync::Notify;

use crate::{
    DbError, Dialect,
    dialect::{self, Purpose},
};

/// A transaction that may write. Rolled back when dropped without a commit.
pub type WriteTransaction = Transaction<'static, Any>;

/// A database: cheap to clone, closed with the last clone.
///
/// Never wait for [`Self::begin_write`] while holding such a transaction: the embedded database
/// has one writer. On a server one of two transactions that contradict each other is given up,
/// at any statement or at the commit: see [`crate::retrying`].
#[derive(Debug, Clone)]
pub struct Database {
    dialect: Dialect,
    url: Arc<str>,
    readers: AnyPool,
    writers: AnyPool,
    outbox: Arc<Notify>,
}

impl Database {
    /// Opens `sqlite://PATH`, creating the file and its folder, or `postgres://…` (whose
    /// parameters sqlx's `PgConnectOptions` describes), and brings the schema up to date. Of `sslmode` only
    /// `verify-full` makes sure of the server's name, `verify-ca` of its authority, `require` of nothing.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        Self::open_with(url, DEFAULT_CONNECTIONS).await
    }

    /// The same with at most so many connections to a server; the embedded database has its own
    /// number.
    pub async fn open_with(url: &str, connections: u32) -> Result<Self, DbError> {
        sqlx::any::install_default_drivers();
        let (dialect, url) = dialect::resolve(url)?;
        let limits = dialect.connections(connections);
        let pool =
            |limit, purpose| dialect.prepare(AnyPoolOptions::new().max_connections(limit), purpose);
        let writers = pool(limits.writers, Purpose::Write).connect(&url).await?;
        dialect.migrator().run(&writers).await?;
        let readers = pool(limits.readers, Purpose::Read).connect(&url).await?;
        Ok(Self { dialect, url: url.into(), readers, writers, outbox: Arc::new(Notify::new()) })
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

    /// For one statement that says in itself when it may happen, and touches one row: nothing was
    /// read before it that could have changed, so no other transaction is in its way.
    pub fn write_alone(&self) -> &AnyPool {
        &self.writers
    }

    /// As sqlx wants it; may hold a password.
    pub(crate) fn url(&self) -> &str {
        &self.url
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

/// Connections to a server, where nobody says another number.
pub const DEFAULT_CONNECTIONS: u32 = 16;

#[cfg(test)]
mod tests {
    use kinora_testing::{Authority, Postgres, TestDatabase};

    use super::*;
    use crate::retrying;

    async fn add(db: &Database) -> Result<(), DbError> {
        let mut tx = db.begin_write().await?;
        let n: i64 = sqlx::query_scalar("SELECT n FROM counter").fetch_one(&mut *tx).await?;
        sqlx::query("UPDATE counter SET n = $1").bind(n + 1).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    #[tokio::test]
    async fn concurrent_increments_are_never_lost() {
        let home = TestDatabase::new().await;
        let db = Database::open(home.url()).await.unwrap();
        let mut tx = db.begin_write().await.unwrap();
        sqlx::query("CREATE TABLE counter (n BIGINT NOT NULL)").execute(&mut *tx).await.unwrap();
        sqlx::query("INSERT INTO counter VALUES (0)").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let adders: Vec<_> = (0..4)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move {
                    for _ in 0..20 {
                        retrying(|| add(&db)).await.unwrap();
                    }
                })
            })
            .collect();
        for adder in adders {
            adder.await.unwrap();
        }
        let n: i64 =
            sqlx::query_scalar("SELECT n FROM counter").fetch_one(db.read()).await.unwrap();
        assert_eq!(n, 80);
        db.close().await;
    }

    #[tokio::test]
    async fn the_folder_of_a_file_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/deep/a b#c.db", folder.path().display());
        let db = Database::open(&url).await.unwrap();
        assert!(folder.path().join("deep/a b#c.db").exists());
        db.close().await;
    }

    #[tokio::test]
    async fn only_addresses_of_files_and_servers_are_opened() {
        for bad in ["", "sqlite://", "sqlite://:memory:", "sqlite://?mode=memory", "mysql://x/y"] {
            assert!(matches!(Database::open(bad).await, Err(DbError::Url(_))), "{bad}");
        }
        let error = Database::open("mysql://ada:secret@x/y").await.unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    /// A row of a small table is found by its key and not by a scan, which would conflict with
    /// whoever writes any other row.
    #[tokio::test]
    async fn transactions_on_different_rows_of_a_server_do_not_contradict_each_other() {
        let server = Postgres::start_in_memory();
        let db = Database::open(&server.url()).await.unwrap();
        let table = "CREATE TABLE counters (id TEXT PRIMARY KEY, n BIGINT NOT NULL)";
        sqlx::query(table).execute(db.write_alone()).await.unwrap();
        let rows = "INSERT INTO counters VALUES ('a', 0), ('b', 0)";
        sqlx::query(rows).execute(db.write_alone()).await.unwrap();
        // Now the planner knows how small it is.
        sqlx::query("ANALYZE counters").execute(db.write_alone()).await.unwrap();
        let mut open = [db.begin_write().await.unwrap(), db.begin_write().await.unwrap()];
        for sql in
            ["SELECT n FROM counters WHERE id = $1", "UPDATE counters SET n = n + 1 WHERE id = $1"]
        {
            for (tx, id) in open.iter_mut().zip(["a", "b"]) {
                sqlx::query(sql).bind(id).execute(&mut **tx).await.unwrap();
            }
        }
        for tx in open {
            tx.commit().await.unwrap();
        }
        db.close().await;
    }

    fn behind_tls(server: &Postgres, authority: &Authority, mode: &str) -> String {
        let (port, root) = (server.address().port(), authority.certificate());
        let checked = format!("sslmode={mode}&sslrootcert={}", root.display());
        format!("postgres://postgres@localhost:{port}/postgres?{checked}")
    }

    async fn is_encrypted(url: &str) -> bool {
        let db = Database::open(url).await.unwrap();
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_stat_ssl \
                   WHERE pid = pg_backend_pid() AND ssl";
        let encrypted: i64 = sqlx::query_scalar(sql).fetch_one(db.read()).await.unwrap();
        db.close().await;
        encrypted == 1
    }

    async fn refusal(url: &str) -> String {
        Database::open(url).await.expect_err("it was believed").to_string().to_lowercase()
    }

    #[tokio::test]
    async fn a_server_is_believed_that_a_known_authority_vouches_for() {
        let authority = Authority::new();
        let server = Postgres::start_with_tls(&authority, "server");
        assert!(is_encrypted(&behind_tls(&server, &authority, "verify-full")).await);
        for mode in ["verify-full", "verify-ca"] {
            let stranger = refusal(&behind_tls(&server, &Authority::new(), mode)).await;
            assert!(stranger.contains("certificate"), "{mode}: {stranger}");
        }
    }

    #[tokio::test]
    async fn a_server_of_another_name_is_believed_only_where_names_do_not_count() {
        let authority = Authority::new();
        let server = Postgres::start_with_tls(&authority, "elsewhere");
        let refused = refusal(&behind_tls(&server, &authority, "verify-full")).await;
        for said in ["certificate", "not valid for name", "localhost", "elsewhere.example"] {
            assert!(refused.contains(said), "{refused}");
        }
        // Weaker modes are as libpq has them: the name does not count, then nothing does.
        assert!(is_encrypted(&behind_tls(&server, &authority, "verify-ca")).await);
        assert!(is_encrypted(&behind_tls(&server, &Authority::new(), "require")).await);
    }

    #[tokio::test]
    async fn a_server_without_tls_is_not_spoken_to_where_it_must_have_it() {
        let server = Postgres::start_in_memory();
        let plain = refusal(&behind_tls(&server, &Authority::new(), "verify-full")).await;
        assert!(plain.contains("tls"), "{plain}");
    }

    /// Numbers mean the same everywhere, so that a copy of the data finds the schema it had.
    #[test]
    fn dialects_have_the_same_migrations() {
        let of = |dialect: Dialect| {
            let all = dialect.migrations().iter();
            all.map(|one| (one.version, one.description.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(of(Dialect::Sqlite), of(Dialect::Postgres));
    }
}
