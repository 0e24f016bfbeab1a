//! What differs from database to database.

use std::{path::PathBuf, time::Duration};

use sqlx::{Executor, any::AnyPoolOptions, migrate::Migrator};

use crate::DbError;

/// A database we speak to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite in this process.
    Sqlite,
    /// A Postgres server that several processes share.
    Postgres,
}

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How many connections read and how many write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connections {
    pub(crate) readers: u32,
    pub(crate) writers: u32,
}

/// What the connections of a pool are for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Read,
    Write,
}

impl Dialect {
    /// How a transaction that will write begins. What such transactions do must come to the same
    /// as if they had come one after another: what one read before it wrote must hold when it
    /// commits.
    pub(crate) fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            // One of two that contradict each other fails with 40001, and is taken again.
            Self::Postgres => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        }
    }

    /// What the server says that the time is, microseconds since 1970; an embedded database has no
    /// clock of its own.
    pub(crate) fn clock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            // Not now(), which is when the transaction began.
            Self::Postgres => {
                Some("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)")
            }
        }
    }

    pub(crate) fn migrations(self) -> &'static Migrator {
        match self {
            Self::Sqlite => &SQLITE_MIGRATIONS,
            Self::Postgres => &POSTGRES_MIGRATIONS,
        }
    }

    /// Brings a schema up to what this program knows. One that is further ahead is served as it is:
    /// a program that was rolled back, or is being replaced host by host, goes on. Migrations
    /// therefore only add, with defaults, and take away what no program of the release before reads.
    pub(crate) fn migrator(self) -> Migrator {
        let mut migrator = Migrator::with_migrations(self.migrations().iter().cloned().collect());
        migrator.set_ignore_missing(true);
        migrator
    }

    /// Shares `limit` connections out. Two pools, because who holds a write transaction may read
    /// beside it: one pool of writers that all wait for a reader would wait for ever.
    pub(crate) fn connections(self, limit: u32) -> Connections {
        match self {
            // SQLite has one writer a file. Queueing for it in the pool is fair and silent;
            // queueing inside SQLite is a busy loop that can time out.
            Self::Sqlite => Connections { readers: 8, writers: 1 },
            Self::Postgres => {
                let writers = (limit / 2).max(1);
                Connections { readers: limit.saturating_sub(writers).max(1), writers }
            }
        }
    }

    /// How long a caller waits for a connection.
    fn patience(self) -> Duration {
        match self {
            Self::Sqlite => Duration::from_secs(30),
            // A server that is away is not waited for: who asks is told to come again.
            Self::Postgres => Duration::from_secs(5),
        }
    }

    /// Sets a pool up, and every new connection of it.
    pub(crate) fn prepare(self, options: AnyPoolOptions, purpose: Purpose) -> AnyPoolOptions {
        let session = match (self, purpose) {
            (Self::Sqlite, _) => SQLITE_PRAGMAS,
            (Self::Postgres, Purpose::Read) => POSTGRES_SETTINGS,
            (Self::Postgres, Purpose::Write) => POSTGRES_WRITER_SETTINGS,
        };
        let options = options.acquire_timeout(self.patience()).idle_timeout(None);
        options.max_lifetime(None).after_connect(move |connection, _| {
            Box::pin(async move {
                connection.execute(session).await?;
                Ok(())
            })
        })
    }
}

const SQLITE_PRAGMAS: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864;";

/// Every statement of ours is short, and no transaction waits for anybody outside: what takes
/// longer hangs, and would hold others up. Acknowledged is what is on disk.
macro_rules! postgres_settings {
    () => {
        "SET statement_timeout = '30s'; SET lock_timeout = '10s'; \
         SET idle_in_transaction_session_timeout = '60s'; SET synchronous_commit = on; \
         SET application_name = 'kinora';"
    };
}

const POSTGRES_SETTINGS: &str = postgres_settings!();

/// A serialisable transaction that scans a table conflicts with whoever writes any row of it
/// (PostgreSQL's documentation, 13.2.3), and small tables are scanned where nothing forbids it.
/// What scans nevertheless is thought so dear then that it would be compiled first, hence no jit.
const POSTGRES_WRITER_SETTINGS: &str =
    concat!(postgres_settings!(), " SET enable_seqscan = off; SET jit = off;");

/// The dialect of an address, and the address as sqlx wants it. Makes SQLite's folder.
pub(crate) fn resolve(url: &str) -> Result<(Dialect, String), DbError> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok((Dialect::Postgres, url.to_owned()));
    }
    let path = url.strip_prefix("sqlite://").ok_or_else(|| {
        // What follows the scheme may hold a password.
        DbError::Url(url.split_once("://").map_or("", |(scheme, _)| scheme).to_owned())
    })?;
    let bad = || DbError::Url(url.to_owned());
    if path.is_empty() || path.starts_with('?') || path.contains(":memory:") {
        return Err(bad());
    }
    let file_error = |source| DbError::File { path: path.to_owned(), source };
    let path: PathBuf = std::path::absolute(path).map_err(file_error)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(file_error)?;
    }
    let text = path.to_str().ok_or_else(bad)?;
    let text = text.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    Ok((Dialect::Sqlite, format!("sqlite://{text}?mode=rwc")))
}
