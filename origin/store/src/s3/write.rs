//! Creating, replacing and removing.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{
    S3Store,
    payload::Payload,
    read::Found,
    requests::{Header, Requests},
    stamp::Stamp,
};
use crate::{
    Condition, Key, Put, StoreError,
    remote::{Fault, Tried, etag},
};

impl Requests {
    /// Writes a whole object; its ETag.
    pub(super) async fn put(
        &self,
        key: &Key,
        body: &Payload,
        stamp: &Stamp,
        condition: &Condition,
    ) -> Result<String, Fault> {
        let mut headers = vec![only_if(condition), ("content-md5", body.md5())];
        headers.extend(stamp.headers());
        let name = self.name(key);
        let action = self.bucket.put_object(Some(&self.credentials), &name);
        let answer = self.send(action, &headers, Some(body.clone())).await?;
        etag(answer.headers()).ok_or_else(|| Fault::Senseless("ETag is missing".to_owned()))
    }

    pub(super) async fn delete(&self, key: &Key) -> Result<(), Fault> {
        let name = self.name(key);
        let action = self.bucket.delete_object(Some(&self.credentials), &name);
        match self.send(action, &[], None).await {
            Err(fault) if !fault.is_absent() => Err(fault),
            _ => Ok(()),
        }
    }
}

impl S3Store {
    pub(super) async fn put_bytes(
        &self,
        key: &Key,
        body: Bytes,
        condition: &Condition,
    ) -> Result<Put, StoreError> {
        let stamp = Stamp::new(&Sha256::digest(&body));
        self.put_whole(key, &body.into(), &stamp, condition).await
    }

    /// Writes an object by one request.
    pub(super) async fn put_whole(
        &self,
        key: &Key,
        body: &Payload,
        stamp: &Stamp,
        condition: &Condition,
    ) -> Result<Put, StoreError> {
        let put = || self.requests().put(key, body, stamp, condition);
        let tried = self.run(key.as_str(), "write", put).await;
        self.settle(key, stamp, condition, tried).await
    }

    /// What a conditional write came to, looking where its answers do not tell.
    pub(super) async fn settle(
        &self,
        key: &Key,
        stamp: &Stamp,
        condition: &Condition,
        tried: Tried<String>,
    ) -> Result<Put, StoreError> {
        let fault = match tried.result {
            Ok(etag) => return Ok(Put::Stored { etag }),
            Err(fault) if is_refusal(&fault, condition) => fault,
            Err(fault) if tried.open || fault.leaves_open() => {
                let found = self.found(key).await.unwrap_or(None);
                return match found.filter(|found| found.is_of(stamp)) {
                    Some(found) => Ok(Put::Stored { etag: found.meta.etag }),
                    None => Err(fault.into_error(key.as_str(), "write")),
                };
            }
            Err(fault) => return Err(fault.into_error(key.as_str(), "write")),
        };
        if !tried.open {
            return Ok(Put::ConditionFailed);
        }
        // An earlier try may be what the condition failed on.
        match (self.found(key).await?, condition) {
            (Some(found), _) if found.is_of(stamp) => Ok(Put::Stored { etag: found.meta.etag }),
            // Nothing replaces what was created, so it was not us.
            (_, Condition::Absent) => Ok(Put::ConditionFailed),
            // Ours may have been there in between, and whoever came next has read it.
            (_, Condition::Matches(_)) => Err(fault.into_error(key.as_str(), "learn of a write")),
        }
    }

    pub(super) async fn found(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        let found = self.run(key.as_str(), "look", || self.requests().head(key)).await;
        found.done(key.as_str(), "look")
    }
}

impl Found {
    fn is_of(&self, stamp: &Stamp) -> bool {
        self.write.as_ref() == Some(&stamp.write)
    }
}

/// Whether the server said that the condition does not hold. Some say 404 where the object that
/// was to be replaced is gone.
fn is_refusal(fault: &Fault, condition: &Condition) -> bool {
    let gone = fault.is_absent() && matches!(condition, Condition::Matches(_));
    fault.is_condition() || gone
}

/// The condition as a header (RFC 9110, 13.1).
pub(super) fn only_if(condition: &Condition) -> Header {
    match condition {
        Condition::Absent => ("if-none-match", "*".to_owned()),
        Condition::Matches(etag) => ("if-match", format!("\"{etag}\"")),
    }
}
