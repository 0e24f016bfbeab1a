//! Bodies: bytes at hand, and objects read in slices as fast as the client takes them.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use kinora_store::{ByteRange, Key, ObjectStore, StoreError};

/// What is sent.
pub(crate) type Body = UnsyncBoxBody<Bytes, StoreError>;

/// A stretch of a body.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Bytes(Bytes),
    Object { key: Key, range: ByteRange },
}

/// One slice is in memory for each connection.
const SLICE: u64 = 256 << 10;

pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub(crate) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// `pieces`, one after the other. The first slice of the first object is read now, so that a
/// store that fails at once fails the request; one that fails later ends the body with an error,
/// which cuts the connection. `None` if there is no object.
pub(crate) async fn of(
    store: Arc<dyn ObjectStore>,
    pieces: Vec<Piece>,
) -> Result<Option<Body>, StoreError> {
    let mut rest = Rest { store, pieces: pieces.into() };
    let mut ready = VecDeque::new();
    while let Some(piece) = rest.pieces.front() {
        let is_object = matches!(piece, Piece::Object { .. });
        match rest.next().await? {
            Some(slice) => ready.push_back(slice),
            None => return Ok(None),
        }
        if is_object {
            break;
        }
    }
    if rest.pieces.is_empty() && ready.len() < 2 {
        return Ok(Some(ready.pop_front().map_or_else(empty, whole)));
    }
    let slices = stream::try_unfold((ready, rest), |(mut ready, mut rest)| async move {
        let slice = match ready.pop_front() {
            Some(slice) => slice,
            None => match rest.next().await? {
                Some(slice) => slice,
                None if rest.pieces.is_empty() => return Ok(None),
                None => return Err(rest.corrupt("gone while it was read")),
            },
        };
        Ok(Some((Frame::data(slice), (ready, rest))))
    });
    Ok(Some(StreamBody::new(slices).boxed_unsync()))
}

/// What is still to be read.
struct Rest {
    store: Arc<dyn ObjectStore>,
    pieces: VecDeque<Piece>,
}

impl Rest {
    /// The next slice, whole; `None` if there is no more, or no object.
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        let (key, wanted) = match self.pieces.front() {
            None => return Ok(None),
            Some(Piece::Bytes(bytes)) => {
                let bytes = bytes.clone();
                self.pieces.pop_front();
                return Ok(Some(bytes));
            }
            Some(Piece::Object { key, range }) => {
                (key.clone(), ByteRange { length: range.length.min(SLICE), ..*range })
            }
        };
        let Some(slice) = self.store.get_range(&key, wanted).await? else { return Ok(None) };
        if slice.len() as u64 != wanted.length {
            return Err(self.corrupt("shorter than the index says"));
        }
        if let Some(Piece::Object { range, .. }) = self.pieces.front_mut() {
            range.offset = range.offset.saturating_add(wanted.length);
            range.length -= wanted.length;
            if range.length == 0 {
                self.pieces.pop_front();
            }
        }
        Ok(Some(slice))
    }

    fn corrupt(&self, what: &str) -> StoreError {
        let key = match self.pieces.front() {
            Some(Piece::Object { key, .. }) => key.to_string(),
            _ => String::new(),
        };
        StoreError::Corrupt { key, what: what.to_owned() }
    }
}
