//! What an answer over HTTP says of an object, and its bytes, received within time and size.

use std::{error::Error as _, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{Response, header::HeaderMap};

use super::Fault;
use crate::{ByteRange, Key, ObjectMeta};

/// The longest answer that is kept in memory, bytes.
const MAX_READ: u64 = 1 << 30;
/// The slowest transfer that is waited for, bytes a second.
const SLOWEST: u64 = 256 << 10;

/// A header of an answer.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// How long a step may take that moves so many bytes and else takes `answer`.
pub(crate) fn moving(answer: Duration, bytes: u64) -> Duration {
    answer + Duration::from_secs(bytes / SLOWEST)
}

pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let late = |_| Fault::Lost(format!("it took longer than {limit:?}"));
    tokio::time::timeout(limit, work).await.map_err(late)?
}

pub(crate) async fn collect(mut answer: Response, length: u64) -> Result<Bytes, Fault> {
    let mut body = BytesMut::with_capacity(usize::try_from(length).unwrap_or_default());
    while let Some(piece) = answer.chunk().await.map_err(lost)? {
        if body.len() as u64 + piece.len() as u64 > length {
            return Err(Fault::Senseless(format!("more than {length} bytes came")));
        }
        body.extend_from_slice(&piece);
    }
    if body.len() as u64 != length {
        return Err(Fault::Lost(format!("{} of {length} bytes came", body.len())));
    }
    Ok(body.freeze())
}

/// The field that asks for a range, which is not empty.
pub(crate) fn range_field(range: ByteRange) -> String {
    format!("bytes={}-{}", range.offset, last(range))
}

/// How many bytes of the range that was asked for an answer brings.
pub(crate) fn part(headers: &HeaderMap, range: ByteRange) -> Result<u64, Fault> {
    let given = header(headers, "content-range").and_then(content_range);
    let (first, end, size) =
        given.ok_or_else(|| Fault::Senseless("it is no part of the object".to_owned()))?;
    let last = last(range);
    if first != range.offset || end != last.min(size.saturating_sub(1)) || end < first {
        let asked = range.offset;
        return Err(Fault::Senseless(format!("asked for {asked}-{last}, got {first}-{end}")));
    }
    let length = end - first + 1;
    within_memory(length)?;
    Ok(length)
}

pub(crate) fn within_memory(length: u64) -> Result<(), Fault> {
    if length <= MAX_READ {
        return Ok(());
    }
    Err(Fault::Senseless(format!("{length} bytes do not fit in memory")))
}

/// What the head of an answer says of an object.
pub(crate) fn meta(key: &Key, headers: &HeaderMap) -> Result<ObjectMeta, Fault> {
    let missing = |name: &str| Fault::Senseless(format!("{name} is missing or unreadable"));
    let size = header(headers, "content-length").and_then(|text| text.parse().ok());
    let modified =
        header(headers, "last-modified").and_then(|text| httpdate::parse_http_date(text).ok());
    let since = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(ObjectMeta {
        key: key.clone(),
        size: size.ok_or_else(|| missing("Content-Length"))?,
        etag: etag(headers).ok_or_else(|| missing("ETag"))?,
        modified_at_us: since
            .and_then(|since| i64::try_from(since.as_micros()).ok())
            .ok_or_else(|| missing("Last-Modified"))?,
    })
}

/// The ETag of an answer, without quotes.
pub(crate) fn etag(headers: &HeaderMap) -> Option<String> {
    header(headers, "etag").map(unquoted).filter(|etag| !etag.is_empty())
}

/// An ETag without its quotes.
pub(crate) fn unquoted(etag: &str) -> String {
    etag.trim().trim_matches('"').to_owned()
}

/// First byte, last byte and size of `bytes 0-9/10` (RFC 9110, 14.4).
fn content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?, size.parse().ok()?))
}

/// No server counts further.
fn last(range: ByteRange) -> u64 {
    range.offset.saturating_add(range.length - 1).min(i64::MAX as u64)
}

/// What the HTTP client said. Never the address: it holds a signature.
pub(crate) fn lost(error: reqwest::Error) -> Fault {
    let unreachable = error.is_connect();
    let error = error.without_url();
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        said = format!("{said}: {next}");
        cause = next.source();
    }
    if unreachable { Fault::Unreachable(said) } else { Fault::Lost(said) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read_or_refused() {
        assert_eq!(content_range("bytes 4-9/10"), Some((4, 9, 10)));
        for bad in ["", "bytes */10", "bytes 4-9/*", "4-9/10", "bytes 4/10", "bytes a-9/10"] {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }
}
