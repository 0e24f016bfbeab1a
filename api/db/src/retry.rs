//! Transactions that the database gave up are taken again.

use std::{fmt, time::Duration};

use backon::{ExponentialBuilder, Retryable};

use crate::DbError;

/// An error that may say: the database gave this transaction up for another one's sake.
pub trait Conflict: fmt::Display {
    /// Whether nothing is wrong but that, so that the same again may well succeed.
    fn is_conflict(&self) -> bool;
}

impl Conflict for DbError {
    fn is_conflict(&self) -> bool {
        // serialization_failure and deadlock_detected.
        matches!(self.code().as_deref(), Some("40001" | "40P01"))
    }
}

/// Does `operation`, again and again while it ends in a conflict, with pauses that grow from
/// milliseconds to half a second. It must be one that can be cut off anywhere: a
/// transaction, and before it nothing that may not happen twice.
///
/// # Errors
/// Those of the operation; a conflict only after twenty of them, which take six to twelve seconds.
pub async fn retrying<T, E, F>(operation: impl FnMut() -> F) -> Result<T, E>
where
    E: Conflict,
    F: Future<Output = Result<T, E>>,
{
    let pauses = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(2))
        .with_max_delay(Duration::from_millis(500))
        .with_max_times(20)
        .with_jitter();
    operation
        .retry(pauses)
        .when(E::is_conflict)
        .notify(|error, _| tracing::debug!(%error, "a transaction is taken again"))
        .await
}
