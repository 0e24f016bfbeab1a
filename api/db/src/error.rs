//! What can go wrong under a service.

/// Why the database did not answer.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// An address of no dialect that is compiled in.
    #[error("'{0}' is not a database address: expected sqlite://PATH or postgres://USER@HOST/NAME")]
    Url(String),
    /// The embedded database's file or folder.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database or the connection to it.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("migrations: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Something that one process at a time may do, and another does.
    #[error("another process is the {0} of this database: stop it first")]
    Taken(&'static str),
    /// A stored value that this version cannot read.
    #[error("stored {what} is unreadable: {source}")]
    Stored {
        /// Which kind.
        what: &'static str,
        /// How it shows.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl DbError {
    /// Whether the database did not answer, or not in time: later it may.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Sql(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::PoolClosed) => {
                true
            }
            Self::Sql(sqlx::Error::Database(_)) => {
                self.code().is_some_and(|code| PASSING.iter().any(|class| code.starts_with(class)))
            }
            // A connection that broke in the middle of a message.
            Self::Sql(sqlx::Error::Protocol(_)) => true,
            _ => false,
        }
    }

    /// Whether it has no room left.
    pub fn is_full(&self) -> bool {
        // SQLITE_FULL; disk_full.
        matches!(self.code().as_deref(), Some("13" | "53100"))
    }

    /// SQLite's result code, or Postgres's SQLSTATE.
    pub(crate) fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Self::Sql(error) => error.as_database_error()?.code(),
            _ => None,
        }
    }

    /// A stored value that this version cannot read.
    pub fn stored(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Stored { what, source: source.into() }
    }
}

/// SQLSTATEs, or their classes, of a server that cannot now: connection exceptions, transactions
/// that were given up, too few resources, locks not to be had, statements that took too long, a
/// server that stops or starts.
const PASSING: [&str; 8] = ["08", "40", "53", "55P03", "57014", "57P01", "57P02", "57P03"];
