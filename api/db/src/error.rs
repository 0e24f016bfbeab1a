//! What can go wrong under a service.

/// Why the database did not answer.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// An address of no dialect that is compiled in.
    #[error("'{0}' is not a database address: expected sqlite://PATH")]
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
    /// A stored value that this version cannot read.
    pub fn stored(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Stored { what, source: source.into() }
    }
}
