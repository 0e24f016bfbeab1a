//! SQL. Every change of a row that others may change is one conditional statement; what it
//! returns says whether it happened.

pub(crate) mod ahead;
pub(crate) mod backlog;
pub(crate) mod chores;
pub(crate) mod drafts;
pub(crate) mod extras;
pub(crate) mod frozen;
pub(crate) mod jobs;
pub(crate) mod objects;
pub(crate) mod plans;
pub(crate) mod quota;
pub(crate) mod statistics;
pub(crate) mod switch;
pub(crate) mod transcodes;

use kinora_db::DbError;
use kinora_plan::device::EncoderFamily;

pub(crate) use frozen::{Frozen, TextObject};
pub(crate) use jobs::Job;
pub(crate) use transcodes::{Reason, Transcode};

/// Parses a stored text.
fn parse<T>(what: &'static str, text: &str) -> Result<T, DbError>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    text.parse().map_err(|error| DbError::stored(what, error))
}

/// Narrows a stored number.
fn narrow<T>(what: &'static str, number: i64) -> Result<T, DbError>
where
    T: TryFrom<i64, Error: std::error::Error + Send + Sync + 'static>,
{
    T::try_from(number).map_err(|error| DbError::stored(what, error))
}

/// Widens a number for storage.
fn widen(what: &'static str, number: u64) -> Result<i64, DbError> {
    i64::try_from(number).map_err(|error| DbError::stored(what, error))
}

/// The word of a family of graphics processors in tables; of none it is empty.
fn device_word(device: Option<EncoderFamily>) -> &'static str {
    device.map_or("", EncoderFamily::as_str)
}

/// The family of a word.
fn device(word: &str) -> Result<Option<EncoderFamily>, DbError> {
    if word.is_empty() {
        return Ok(None);
    }
    let family = EncoderFamily::DEVICES.into_iter().find(|family| family.as_str() == word);
    family.map(Some).ok_or_else(|| DbError::stored("family of devices", format!("'{word}'")))
}

fn from_json<T: serde::de::DeserializeOwned>(what: &'static str, text: &str) -> Result<T, DbError> {
    serde_json::from_str(text).map_err(|error| DbError::stored(what, error))
}

fn to_json<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|error| DbError::stored(what, error))
}
