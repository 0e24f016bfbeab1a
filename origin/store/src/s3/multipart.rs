//! Files of more than a part. S3 keeps parts until an upload is completed or aborted, and bills
//! them; so whatever ends an upload before its time aborts it.

use std::path::Path;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use rusty_s3::actions::{CompleteMultipartUploadResponse, CreateMultipartUpload};

use super::{
    S3Store,
    file::{Part, Source},
    journal::{Note, Noted},
    payload::Payload,
    requests::Requests,
    stamp::Stamp,
    write::only_if,
};
use crate::{
    Condition, Key, Put, StoreError,
    remote::{Fault, Tried, etag, refused, unquoted},
};

/// Parts of one file on their way at once, where all files together leave it so many.
const AT_ONCE: usize = 3;

impl Requests {
    /// Begins an upload; its id.
    async fn create(&self, key: &Key, stamp: &Stamp) -> Result<String, Fault> {
        let (name, headers) = (self.name(key), stamp.headers());
        let action = self.bucket.create_multipart_upload(Some(&self.credentials), &name);
        let answer = self.send(action, &headers, Some(Bytes::new().into())).await?;
        let text = self.text(answer, self.timeouts.answer).await?;
        let created = CreateMultipartUpload::parse_response(&text)
            .map_err(|error| Fault::Senseless(error.to_string()))?;
        Ok(created.upload_id().to_owned())
    }

    /// Sends part `number`, from 1; its ETag.
    async fn part(&self, key: &Key, id: &str, number: u16, part: &Part) -> Result<String, Fault> {
        let (name, headers) = (self.name(key), [("content-md5", part.md5.clone())]);
        let action = self.bucket.upload_part(Some(&self.credentials), &name, number, id);
        let answer = self.send(action, &headers, Some(Payload::Part(part.clone()))).await?;
        etag(answer.headers()).ok_or_else(|| Fault::Senseless("ETag is missing".to_owned()))
    }

    /// Makes the parts an object; its ETag.
    async fn complete(
        &self,
        key: &Key,
        id: &str,
        etags: &[String],
        condition: &Condition,
    ) -> Result<String, Fault> {
        let (name, headers) = (self.name(key), [only_if(condition)]);
        let etags = etags.iter().map(String::as_str);
        let action =
            self.bucket.complete_multipart_upload(Some(&self.credentials), &name, id, etags);
        let body = action.clone().body();
        let answer = self.send(action, &headers, Some(Bytes::from(body).into())).await?;
        let text = self.text(answer, self.timeouts.complete).await?;
        // A server that needs long says 200 before it knows.
        match CompleteMultipartUploadResponse::parse(&text) {
            Ok(completed) => Ok(unquoted(completed.etag())),
            Err(_) if text.contains("<Error>") => Err(refused(200, &text)),
            Err(error) => Err(Fault::Senseless(error.to_string())),
        }
    }

    /// Gives an upload up; whether it was still there.
    pub(super) async fn abort(&self, name: &str, id: &str) -> Result<bool, Fault> {
        let action = self.bucket.abort_multipart_upload(Some(&self.credentials), name, id);
        match self.send(action, &[], None).await {
            Ok(_) => Ok(true),
            Err(fault) if fault.is_absent() => Ok(false),
            Err(fault) => Err(fault),
        }
    }
}

impl S3Store {
    pub(super) async fn put_from_file(
        &self,
        key: &Key,
        file: &Path,
        condition: &Condition,
    ) -> Result<Put, StoreError> {
        let failed = |error| Fault::from(error).into_error(key.as_str(), "take");
        let source = Source::open(file).await.map_err(failed)?;
        if source.length <= source.part_length() {
            let _place = self.place().await;
            let stamp = Stamp::new(&source.sha256().await.map_err(failed)?);
            let whole = Payload::Part(source.part(0).await.map_err(failed)?);
            return self.put_whole(key, &whole, &stamp, condition).await;
        }
        // The condition counts when the parts become an object; an early look spares sending them.
        let found = self.found(key).await?;
        let holds = match condition {
            Condition::Absent => found.is_none(),
            Condition::Matches(etag) => found.is_some_and(|found| found.meta.etag == *etag),
        };
        if !holds {
            return Ok(Put::ConditionFailed);
        }
        let stamp = Stamp::new(&source.sha256().await.map_err(failed)?);
        let created = self.run(key.as_str(), "begin", || self.requests().create(key, &stamp));
        let id = created.await.done(key.as_str(), "begin")?;
        let mut upload = Upload::new(self.clone(), key.clone(), id);
        let noted = self.journal().write(upload.noted()).await;
        upload.note = noted.map_err(failed)?;
        upload.finish(&source, &stamp, condition).await
    }
}

/// An upload in parts; aborted when dropped before it is over.
struct Upload {
    store: S3Store,
    key: Key,
    id: String,
    note: Note,
    over: bool,
}

impl Upload {
    fn new(store: S3Store, key: Key, id: String) -> Self {
        Self { store, key, id, note: Note::default(), over: false }
    }

    fn noted(&self) -> Noted {
        let requests = self.store.requests();
        let (bucket, name) = (requests.bucket.base_url().to_string(), requests.name(&self.key));
        Noted { bucket, name, id: self.id.clone() }
    }

    async fn finish(
        mut self,
        source: &Source,
        stamp: &Stamp,
        condition: &Condition,
    ) -> Result<Put, StoreError> {
        let etags = self.send(source).await?;
        let complete = || self.store.requests().complete(&self.key, &self.id, &etags, condition);
        let mut tried = self.store.run(self.key.as_str(), "complete", complete).await;
        if let Err(fault) = &tried.result {
            // A lost answer may have been a success: then there is no upload left to complete or
            // abort. Once it is aborted, no try of ours can come true any more.
            tried.open |= fault.leaves_open() || fault.is_absent();
            let there = self.abort().await;
            self.over = there.is_ok();
            let gone = matches!(there, Ok(false));
            tried = Tried { open: tried.open || gone, ..tried };
        } else {
            self.over = true;
        }
        if self.over {
            std::mem::take(&mut self.note).remove().await;
        }
        self.store.settle(&self.key, stamp, condition, tried).await
    }

    /// Sends all parts; their ETags, in order.
    async fn send(&self, source: &Source) -> Result<Vec<String>, StoreError> {
        let count = source.length.div_ceil(source.part_length());
        let parts = (0..count).map(async |index| {
            let _place = self.store.place().await;
            let part = source.part(index).await;
            let part =
                part.map_err(|error| Fault::from(error).into_error(self.key.as_str(), "take"))?;
            let number = u16::try_from(index + 1).expect("files are cut into at most 9000 parts");
            let send = || self.store.requests().part(&self.key, &self.id, number, &part);
            self.store.run(self.key.as_str(), "send", send).await.done(self.key.as_str(), "send")
        });
        stream::iter(parts).buffered(AT_ONCE).try_collect().await
    }

    /// Whether there was an upload to abort.
    async fn abort(&self) -> Result<bool, StoreError> {
        let name = self.store.requests().name(&self.key);
        let abort = || self.store.requests().abort(&name, &self.id);
        self.store.run(self.key.as_str(), "abort", abort).await.done(self.key.as_str(), "abort")
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.over {
            return;
        }
        let id = std::mem::take(&mut self.id);
        let mut again = Self::new(self.store.clone(), self.key.clone(), id);
        // Once is enough: what stays is found as noted or abandoned.
        again.over = true;
        let note = std::mem::take(&mut self.note);
        runtime.spawn(async move {
            match again.abort().await {
                Ok(_) => note.remove().await,
                Err(error) => tracing::warn!(%error, "an upload in parts stays behind"),
            }
        });
    }
}
