//! Looking and reading: one request each.

use bytes::Bytes;
use reqwest::header::HeaderMap;

use super::{
    fault::Fault,
    requests::{Requests, header},
    stamp,
};
use crate::{ByteRange, Key, ObjectMeta};

/// The longest answer that is kept in memory, bytes.
const MAX_READ: u64 = 1 << 30;

/// An object, as a look shows it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) meta: ObjectMeta,
    /// The write that made it, where that was one of ours.
    pub(super) write: Option<String>,
}

impl Requests {
    pub(super) async fn head(&self, key: &Key) -> Result<Option<Found>, Fault> {
        let name = self.name(key);
        let action = self.bucket.head_object(Some(&self.credentials), &name);
        let answer = match self.send(action, &[], None).await {
            Err(fault) if fault.is_absent() => return Ok(None),
            answer => answer?,
        };
        let meta = meta(key, answer.headers())?;
        let write = header(answer.headers(), stamp::WRITE).map(str::to_owned);
        Ok(Some(Found { meta, write }))
    }

    pub(super) async fn get(&self, key: &Key) -> Result<Option<(ObjectMeta, Bytes)>, Fault> {
        let name = self.name(key);
        let action = self.bucket.get_object(Some(&self.credentials), &name);
        let answer = match self.send(action, &[], None).await {
            Err(fault) if fault.is_absent() => return Ok(None),
            answer => answer?,
        };
        let meta = meta(key, answer.headers())?;
        let wrote = header(answer.headers(), stamp::SHA256).map(str::to_owned);
        within_memory(meta.size)?;
        let body = self.bytes(answer, meta.size).await?;
        // Small objects steer everything else, so they are worth the microseconds.
        let read = stamp::sha256(&body);
        match wrote {
            Some(wrote) if wrote != read => {
                Err(Fault::Corrupt(format!("SHA-256 is {read}, was {wrote}")))
            }
            _ => Ok(Some((meta, body))),
        }
    }

    pub(super) async fn get_range(
        &self,
        key: &Key,
        range: ByteRange,
    ) -> Result<Option<Bytes>, Fault> {
        // No object is that long, and servers do not count that far.
        if range.length == 0 || range.offset > i64::MAX as u64 {
            return Ok(self.head(key).await?.map(|_| Bytes::new()));
        }
        let last = range.offset.saturating_add(range.length - 1).min(i64::MAX as u64);
        let asked = [("range", format!("bytes={}-{last}", range.offset))];
        let name = self.name(key);
        let action = self.bucket.get_object(Some(&self.credentials), &name);
        let answer = match self.send(action, &asked, None).await {
            Err(fault) if fault.is_absent() => return Ok(None),
            Err(Fault::Refused { status: 416, .. }) => return Ok(Some(Bytes::new())),
            answer => answer?,
        };
        let given = header(answer.headers(), "content-range").and_then(content_range);
        let (first, end, size) =
            given.ok_or_else(|| Fault::Senseless("it is no part of the object".to_owned()))?;
        if first != range.offset || end != last.min(size.saturating_sub(1)) || end < first {
            return Err(Fault::Senseless(format!("asked for {first}-{last}, got {first}-{end}")));
        }
        let length = end - first + 1;
        within_memory(length)?;
        self.bytes(answer, length).await.map(Some)
    }
}

fn within_memory(length: u64) -> Result<(), Fault> {
    if length <= MAX_READ {
        return Ok(());
    }
    Err(Fault::Senseless(format!("{length} bytes do not fit in memory")))
}

fn meta(key: &Key, headers: &HeaderMap) -> Result<ObjectMeta, Fault> {
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
pub(super) fn etag(headers: &HeaderMap) -> Option<String> {
    header(headers, "etag").map(unquoted).filter(|etag| !etag.is_empty())
}

/// An ETag without its quotes.
pub(super) fn unquoted(etag: &str) -> String {
    etag.trim().trim_matches('"').to_owned()
}

/// First byte, last byte and size of `bytes 0-9/10` (RFC 9110, 14.4).
fn content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?, size.parse().ok()?))
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
