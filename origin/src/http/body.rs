//! Bodies: bytes at hand, or an object read in slices as fast as the client takes them.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use kinora_store::{ByteRange, Key, ObjectStore, StoreError};

/// What is sent.
pub(crate) type Body = UnsyncBoxBody<Bytes, StoreError>;

/// One slice is in memory for each connection.
const SLICE: u64 = 256 << 10;

pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub(crate) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// `range` of an object. The first slice is read now, so that a store that fails at once fails
/// the request; one that fails later ends the body with an error, which cuts the connection.
/// `None` if there is no object.
pub(crate) async fn object(
    store: Arc<dyn ObjectStore>,
    key: Key,
    range: ByteRange,
) -> Result<Option<Body>, StoreError> {
    let mut rest = Rest { store, key, range };
    let Some(first) = rest.next().await? else { return Ok(None) };
    if rest.range.length == 0 {
        return Ok(Some(whole(first)));
    }
    let slices = stream::try_unfold((Some(first), rest), |(ready, mut rest)| async move {
        let slice = match ready {
            Some(slice) => slice,
            None if rest.range.length == 0 => return Ok(None),
            None => rest.next().await?.ok_or_else(|| rest.corrupt("gone while it was read"))?,
        };
        Ok(Some((Frame::data(slice), (None, rest))))
    });
    Ok(Some(StreamBody::new(slices).boxed_unsync()))
}

/// What of an object is still to be read.
struct Rest {
    store: Arc<dyn ObjectStore>,
    key: Key,
    range: ByteRange,
}

impl Rest {
    /// The next slice, whole; `None` if there is no object.
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        let wanted = ByteRange { length: self.range.length.min(SLICE), ..self.range };
        let Some(slice) = self.store.get_range(&self.key, wanted).await? else { return Ok(None) };
        if slice.len() as u64 != wanted.length {
            return Err(self.corrupt("shorter than the index says"));
        }
        self.range.offset = self.range.offset.saturating_add(wanted.length);
        self.range.length -= wanted.length;
        Ok(Some(slice))
    }

    fn corrupt(&self, what: &str) -> StoreError {
        StoreError::Corrupt { key: self.key.to_string(), what: what.to_owned() }
    }
}
