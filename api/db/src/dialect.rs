//! What differs from database to database.

use std::path::PathBuf;

use sqlx::{Executor, any::AnyPoolOptions, migrate::Migrator};

use crate::DbError;

/// A database we speak to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite in this process.
    Sqlite,
}

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

impl Dialect {
    /// How a transaction that will write begins: it must hold what it is going to change before
    /// it reads, or two of them could each read and then overwrite the other.
    pub(crate) fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
        }
    }

    pub(crate) fn migrations(self) -> &'static Migrator {
        match self {
            Self::Sqlite => &SQLITE_MIGRATIONS,
        }
    }

    /// How many connections may write.
    pub(crate) fn writers(self) -> u32 {
        match self {
            // SQLite has one writer a file. Queueing for it in the pool is fair and silent;
            // queueing inside SQLite is a busy loop that can time out.
            Self::Sqlite => 1,
        }
    }

    /// Sets every new connection up.
    pub(crate) fn prepare(self, options: AnyPoolOptions) -> AnyPoolOptions {
        match self {
            Self::Sqlite => options.after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute(SQLITE_PRAGMAS).await?;
                    Ok(())
                })
            }),
        }
    }
}

const SQLITE_PRAGMAS: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864;";

/// The dialect of an address, and the address as sqlx wants it. Makes SQLite's folder.
pub(crate) fn resolve(url: &str) -> Result<(Dialect, String), DbError> {
    let bad = || DbError::Url(url.to_owned());
    let path = url.strip_prefix("sqlite://").ok_or_else(bad)?;
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
