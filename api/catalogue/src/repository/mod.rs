//! SQL, and nothing else: one file a table, and one for
//! the row that joins them for queries. Writes take a connection, so that their caller
//! decides what is one transaction; changes are conditional single statements.

pub(crate) mod audit;
pub(crate) mod captions;
pub(crate) mod media;
pub(crate) mod uploads;
pub(crate) mod videos;
pub(crate) mod view;

use std::str::FromStr;

use kinora_db::DbError;
use sqlx::{Decode, Row, Type, any::AnyRow};

/// A stored number that never was negative.
fn unsigned(row: &AnyRow, column: &'static str) -> Result<u64, DbError> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|error| DbError::stored(column, error))
}

/// A number on its way into a BIGINT. Limits keep ours far below its end.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A stored text that is a value of ours.
fn parsed<T>(row: &AnyRow, column: &'static str) -> Result<T, DbError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.try_get(column)?;
    text.parse().map_err(|error| DbError::stored(column, error))
}

fn get<'r, T: Decode<'r, sqlx::Any> + Type<sqlx::Any>>(
    row: &'r AnyRow,
    column: &'static str,
) -> Result<T, DbError> {
    Ok(row.try_get(column)?)
}
