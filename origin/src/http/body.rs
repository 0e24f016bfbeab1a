//! Bodies: bytes at hand, and objects read in slices as fast as the client takes them.

use std::{collections::VecDeque, ops::Range, sync::Arc};

use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use kinora_store::StoreError;

use crate::cache::{Failure, Got, MediaCache, MediaFile};

/// What is sent.
pub(crate) type Body = UnsyncBoxBody<Bytes, Failure>;

/// A stretch of a body.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Bytes(Bytes),
    /// Part of a file; not empty, unless the file is.
    File {
        file: MediaFile,
        part: Range<u64>,
    },
}

pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub(crate) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// Bytes at hand, one stretch after the other.
pub(crate) fn pieces(mut stretches: impl ExactSizeIterator<Item = Bytes> + Send + 'static) -> Body {
    if stretches.len() < 2 {
        return stretches.next().map_or_else(empty, whole);
    }
    let frames = stretches.map(|bytes| Ok(Frame::data(bytes)));
    StreamBody::new(stream::iter(frames)).boxed_unsync()
}

/// `pieces`, one after the other, and how the first slice of a file was come by. It is read now,
/// so that a store that fails at once fails the request; one that fails later ends the body with
/// an error, which cuts the connection. `None` if there is no object.
pub(crate) async fn of(
    media: Arc<MediaCache>,
    pieces: Vec<Piece>,
) -> Result<Option<(Body, Got)>, Failure> {
    let mut rest = Rest { media, pieces: pieces.into() };
    let (mut ready, mut got) = (VecDeque::new(), Got::Hit);
    while let Some(piece) = rest.pieces.front() {
        let is_file = matches!(piece, Piece::File { .. });
        match rest.next().await? {
            Some((slice, how)) => {
                ready.push_back(slice);
                got = how;
            }
            None => return Ok(None),
        }
        if is_file {
            break;
        }
    }
    if rest.pieces.is_empty() && ready.len() < 2 {
        return Ok(Some((ready.pop_front().map_or_else(empty, whole), got)));
    }
    let slices = stream::try_unfold((ready, rest), |(mut ready, mut rest)| async move {
        let slice = match ready.pop_front() {
            Some(slice) => slice,
            None if rest.pieces.is_empty() => return Ok(None),
            None => rest.next().await?.ok_or_else(|| rest.gone())?.0,
        };
        Ok(Some((Frame::data(slice), (ready, rest))))
    });
    Ok(Some((StreamBody::new(slices).boxed_unsync(), got)))
}

/// What is still to be read.
struct Rest {
    media: Arc<MediaCache>,
    pieces: VecDeque<Piece>,
}

impl Rest {
    /// The next slice, whole; `None` if there is no more, or no object.
    async fn next(&mut self) -> Result<Option<(Bytes, Got)>, Failure> {
        let found = match self.pieces.front_mut() {
            None => return Ok(None),
            Some(Piece::Bytes(bytes)) => (std::mem::take(bytes), Got::Hit),
            Some(Piece::File { file, part }) => {
                let (id, place) = file.slice_at(part.start);
                let Some((slice, got)) = self.media.slice(&id).await? else { return Ok(None) };
                let end = part.end.min(place.end);
                let bytes = (part.start - place.start) as usize..(end - place.start) as usize;
                part.start = end;
                (slice.bytes().slice(bytes), got)
            }
        };
        let left = |piece: &Piece| matches!(piece, Piece::File { part, .. } if !part.is_empty());
        if !self.pieces.front().is_some_and(left) {
            self.pieces.pop_front();
        }
        Ok(Some(found))
    }

    fn gone(&self) -> Failure {
        let key = match self.pieces.front() {
            Some(Piece::File { file, .. }) => file.key.to_string(),
            _ => String::new(),
        };
        Arc::new(StoreError::Corrupt { key, what: "gone while it was read".to_owned() })
    }
}
