//! Looking and reading: one request each.

use super::{requests::Requests, stamp};
use crate::{
    ByteRange, Key, ObjectMeta,
    remote::{Fault, header, meta, part, range_field, within_memory},
};
use bytes::Bytes;

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
        let asked = [("range", range_field(range))];
        let name = self.name(key);
        let action = self.bucket.get_object(Some(&self.credentials), &name);
        let answer = match self.send(action, &asked, None).await {
            Err(fault) if fault.is_absent() => return Ok(None),
            Err(Fault::Refused { status: 416, .. }) => return Ok(Some(Bytes::new())),
            answer => answer?,
        };
        let length = part(answer.headers(), range)?;
        self.bytes(answer, length).await.map(Some)
    }
}
