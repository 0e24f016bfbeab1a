//! Uploads in parts that nobody will end: their process died, or never learned their id.

use std::time::Duration;

use instant_xml::FromXml;
use jiff::Timestamp;
use rusty_s3::{Bucket, Credentials, Map, Method, S3Action, signing};

use super::{S3Store, requests::Requests};
use crate::remote::Fault;
use crate::{StoreError, Unfinished};

/// Uploads in one answer.
const PAGE: &str = "1000";
/// Answers that are asked for in one pass: what is left waits for the next.
const PAGES: usize = 100;
/// The namespace of S3's XML.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

impl S3Store {
    /// Aborts uploads in parts that began before `begun_before_us` (microseconds since 1970 UTC);
    /// how many. It must lie further back than any upload takes.
    ///
    /// # Errors
    /// When the server does not list or abort them.
    pub async fn abort_abandoned(&self, begun_before_us: i64) -> Result<usize, StoreError> {
        let mut aborted = 0;
        for upload in self.open_uploads().await? {
            if upload.initiated.as_microsecond() < begun_before_us {
                let abort = || self.requests().abort(&upload.key, &upload.id);
                let done = self.run(&upload.key, "abort", abort).await;
                aborted += usize::from(done.done(&upload.key, "abort")?);
            }
        }
        Ok(aborted)
    }

    pub(super) async fn list_unfinished(&self) -> Result<Vec<Unfinished>, StoreError> {
        let unfinished = |upload: Listed| Unfinished {
            begun_at_us: upload.initiated.as_microsecond(),
            key: upload.key,
        };
        Ok(self.open_uploads().await?.into_iter().map(unfinished).collect())
    }

    async fn open_uploads(&self) -> Result<Vec<Listed>, StoreError> {
        let (mut uploads, mut after) = (Vec::new(), None);
        for _ in 0..PAGES {
            let page = || self.requests().uploads(after.as_ref());
            let page = self.run("", "list uploads", page).await.done("", "list uploads")?;
            uploads.extend(page.uploads);
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        Ok(uploads)
    }
}

/// An answer, and where the next one goes on: a name and an id.
struct Page {
    uploads: Vec<Listed>,
    next: Option<(String, String)>,
}

struct Listed {
    key: String,
    id: String,
    initiated: Timestamp,
}

impl Requests {
    async fn uploads(&self, after: Option<&(String, String)>) -> Result<Page, Fault> {
        let folder = self.name_of("");
        let mut action = ListUploads {
            bucket: &self.bucket,
            credentials: &self.credentials,
            query: Map::new(),
            headers: Map::new(),
        };
        for (name, value) in [("uploads", "1"), ("max-uploads", PAGE), ("prefix", &*folder)] {
            action.query.insert(name, value);
        }
        if let Some((key, id)) = after {
            action.query.insert("key-marker", key.as_str());
            action.query.insert("upload-id-marker", id.as_str());
        }
        let answer = self.send(action, &[], None).await?;
        let text = self.text(answer, self.timeouts.answer).await?;
        let listed: Uploads =
            instant_xml::from_str(&text).map_err(|error| Fault::Senseless(error.to_string()))?;
        listed.page(&folder)
    }
}

/// `GET /?uploads`, which rusty-s3 does not have.
struct ListUploads<'a> {
    bucket: &'a Bucket,
    credentials: &'a Credentials,
    query: Map<'a>,
    headers: Map<'a>,
}

impl<'a> S3Action<'a> for ListUploads<'a> {
    const METHOD: Method = Method::Get;

    fn query_mut(&mut self) -> &mut Map<'a> {
        &mut self.query
    }

    fn headers_mut(&mut self) -> &mut Map<'a> {
        &mut self.headers
    }

    fn sign_with_time(&self, expires_in: Duration, time: &Timestamp) -> reqwest::Url {
        signing::sign(
            time,
            Self::METHOD,
            self.bucket.base_url().clone(),
            self.credentials.key(),
            self.credentials.secret(),
            self.credentials.token(),
            self.bucket.region(),
            expires_in.as_secs(),
            self.query.iter(),
            self.headers.iter(),
        )
    }
}

#[derive(Debug, FromXml)]
#[xml(rename = "ListMultipartUploadsResult", ns(NAMESPACE))]
struct Uploads {
    #[xml(rename = "IsTruncated")]
    is_truncated: Option<bool>,
    #[xml(rename = "NextKeyMarker")]
    next_key: Option<String>,
    #[xml(rename = "NextUploadIdMarker")]
    next_id: Option<String>,
    uploads: Vec<UploadXml>,
}

#[derive(Debug, FromXml)]
#[xml(rename = "Upload", ns(NAMESPACE))]
struct UploadXml {
    #[xml(rename = "Key")]
    key: String,
    #[xml(rename = "UploadId")]
    id: String,
    #[xml(rename = "Initiated")]
    initiated: String,
}

impl Uploads {
    /// What lies in `folder`, which some servers list more than.
    fn page(self, folder: &str) -> Result<Page, Fault> {
        let ours = self.uploads.into_iter().filter(|upload| upload.key.starts_with(folder));
        let uploads = ours.map(|UploadXml { key, id, initiated }| {
            let initiated = initiated
                .parse()
                .map_err(|_| Fault::Senseless(format!("'{initiated}' is no time")))?;
            Ok(Listed { key, id, initiated })
        });
        let uploads = uploads.collect::<Result<_, Fault>>()?;
        let truncated = self.is_truncated.unwrap_or(false);
        let next = self.next_key.zip(self.next_id).filter(|_| truncated);
        Ok(Page { uploads, next })
    }
}
