//! Listing, a page of at most a thousand at a time.

use rusty_s3::actions::{ListObjectsV2, list_objects_v2::ListObjectsContent};

use super::{S3Store, requests::Requests};
use crate::remote::{Fault, unquoted};
use crate::{Key, ObjectMeta, StoreError};

/// What S3 gives at most in one answer.
const PAGE: usize = 1000;

/// An answer, and where the next one goes on.
struct Page {
    objects: Vec<ListObjectsContent>,
    next: Option<String>,
}

impl Requests {
    async fn list(&self, folder: &str, after: Option<&str>, limit: usize) -> Result<Page, Fault> {
        let folder = self.name_of(folder);
        let mut action = self.bucket.list_objects_v2(Some(&self.credentials));
        action.with_prefix(folder.as_str());
        action.with_max_keys(limit.min(PAGE));
        if let Some(after) = after {
            action.with_start_after(after);
        }
        let answer = self.send(action, &[], None).await?;
        let text = self.text(answer, self.timeouts.answer).await?;
        let page = ListObjectsV2::parse_response(&text)
            .map_err(|error| Fault::Senseless(error.to_string()))?;
        // Names rather than tokens: they mean the same to every server, and later too.
        let last = page.contents.last().map(|object| object.key.clone());
        let next = page.next_continuation_token.and(last);
        Ok(Page { objects: page.contents, next })
    }
}

impl S3Store {
    pub(super) async fn list_objects(
        &self,
        prefix: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<ObjectMeta>, StoreError> {
        // A prefix that no key can have is the prefix of no object.
        if Key::new(prefix.strip_suffix('/').unwrap_or(prefix)).is_err() {
            return Ok(Vec::new());
        }
        let mut after = after.map(|key| self.requests().name(key));
        let mut found = Vec::new();
        while found.len() < limit {
            let rest = limit - found.len();
            let page = || self.requests().list(prefix, after.as_deref(), rest);
            let page = self.run(prefix, "list", page).await.done(prefix, "list")?;
            for object in page.objects {
                // What is deleted meanwhile is left out, as is what no store of ours wrote.
                found.extend(self.listed(object).await?);
            }
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        Ok(found)
    }

    /// An object of a listing, looked at where the listing does not say all.
    async fn listed(&self, object: ListObjectsContent) -> Result<Option<ObjectMeta>, StoreError> {
        let Some(key) = self.requests().key(&object.key) else { return Ok(None) };
        let modified = object.last_modified.and_then(|text| text.parse::<jiff::Timestamp>().ok());
        let (Some(etag), Some(size), Some(modified)) = (object.etag, object.size, modified) else {
            return Ok(self.found(&key).await?.map(|found| found.meta));
        };
        // A look tells whole seconds, so both do.
        let modified_at_us = modified.as_second().saturating_mul(1_000_000);
        Ok(Some(ObjectMeta { key, size, etag: unquoted(&etag), modified_at_us }))
    }
}
