//! Pages of a list that is read newest first, and the cursors between them.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Problem;

/// Where the next page begins: after the row of this time and id. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Microseconds since 1970 UTC.
    pub created_at_us: i64,
    /// Tells rows of one microsecond apart.
    pub id: Uuid,
}

/// A text that no page gave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that a page gave out")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.created_at_us.to_be_bytes());
        bytes[8..].copy_from_slice(self.id.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        // A whole decoded length keeps a long text from being decoded at all.
        if text.len() != 32 {
            return Err(CursorError);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError)?;
        let (time, id) = bytes.split_first_chunk::<8>().ok_or(CursorError)?;
        let id = Uuid::from_slice(id).map_err(|_| CursorError)?;
        Ok(Self { created_at_us: i64::from_be_bytes(*time), id })
    }
}

impl From<CursorError> for Problem {
    fn from(error: CursorError) -> Self {
        Self::invalid_request(error.to_string())
    }
}

/// A page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Asks for the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of at most `limit` of `items`, of which one more was fetched to see whether there
    /// is a next page.
    pub fn from_rows(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|last| cursor(last).to_string());
        Self { items, next_cursor }
    }
}

/// Which page of a list is asked for, as it stands in a query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct PageQuery {
    /// Rows a page, 1 to 100; 20 when absent.
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// Checks both.
    pub fn parse(&self) -> Result<(u32, Option<Cursor>), Problem> {
        let limit = self.limit.unwrap_or(20);
        if !(1..=100).contains(&limit) {
            return Err(Problem::invalid_request("limit must be 1 to 100"));
        }
        let cursor = self.cursor.as_deref().map(str::parse).transpose()?;
        Ok((limit, cursor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_the_way_to_the_client_and_back() {
        for created_at_us in [i64::MIN, -1, 0, 1_800_000_000_000_000, i64::MAX] {
            let cursor = Cursor { created_at_us, id: Uuid::from_u128(77) };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for bad in ["", "x", &"!".repeat(32), &"A".repeat(31), &"A".repeat(33)] {
            assert_eq!(bad.parse::<Cursor>(), Err(CursorError), "{bad}");
        }
    }

    #[test]
    fn only_a_page_with_more_behind_it_has_a_cursor() {
        let cursor = |n: &u128| Cursor { created_at_us: 5, id: Uuid::from_u128(*n) };
        let page = Page::from_rows(vec![3, 2, 1], 2, cursor);
        assert_eq!(page.items, [3, 2]);
        assert_eq!(page.next_cursor.unwrap().parse(), Ok(cursor(&2)));
        assert_eq!(Page::from_rows(vec![3, 2], 2, cursor).next_cursor, None);
        assert_eq!(Page::from_rows(vec![], 2, cursor).next_cursor, None);
    }

    #[test]
    fn limits_are_1_to_100() {
        let parse = |limit| PageQuery { limit, cursor: None }.parse().map(|(limit, _)| limit).ok();
        assert_eq!([None, Some(1), Some(100)].map(parse), [Some(20), Some(1), Some(100)]);
        assert_eq!([Some(0), Some(101)].map(parse), [None, None]);
    }
}
