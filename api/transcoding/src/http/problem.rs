//! What errors are to those who ask over HTTP.

use kinora_db::DbError;
use kinora_http::Problem;

use crate::error::TranscodingError;

impl From<TranscodingError> for Problem {
    fn from(error: TranscodingError) -> Self {
        match error {
            TranscodingError::Database(DbError::Stored { .. }) | TranscodingError::Index { .. } => {
                Self::internal(error)
            }
            TranscodingError::Database(_)
            | TranscodingError::Queue(_)
            | TranscodingError::Store(_) => Self::unavailable(error),
        }
    }
}

/// A database error of a handler.
pub(super) fn of_database(error: DbError) -> Problem {
    TranscodingError::from(error).into()
}
