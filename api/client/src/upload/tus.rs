//! The requests of tus 1.0.0: creation, HEAD, PATCH, termination.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use reqwest::{Body, Method, RequestBuilder, Response, Url};
use uuid::Uuid;

use crate::client::{header, send, was_not_acted_on};
use crate::{Client, Error, Result, Retry};

const RESUMABLE: &str = "tus-resumable";
const VERSION: &str = "1.0.0";
const OFFSET: &str = "upload-offset";
const LENGTH: &str = "upload-length";

/// What to reserve.
#[derive(Debug, Clone, Default)]
pub struct NewUpload {
    /// Bytes in all.
    pub length: u64,
    /// The video it is for; one is created otherwise.
    pub video: Option<Uuid>,
    /// Name of the file.
    pub file_name: Option<String>,
    /// Media type of the file.
    pub content_type: Option<String>,
}

/// A reserved upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Address of the tus resource, absolute: what a process needs to go on later.
    pub url: String,
    /// The video that will come of it.
    pub video: Uuid,
}

impl Client {
    /// Reserves an upload (tus "creation").
    ///
    /// # Errors
    /// [`Error::Refused`] with code `upload_too_large` beyond the server's limit.
    pub async fn create_upload(&self, new: &NewUpload) -> Result<Upload> {
        let url = self.api(&["uploads"]);
        let build = || {
            let request = tus(self.request(Method::POST, url.clone()))
                .header(LENGTH, new.length)
                .header(CONTENT_LENGTH, 0);
            match metadata(new) {
                empty if empty.is_empty() => request,
                pairs => request.header("upload-metadata", pairs),
            }
        };
        // Whoever is to wait for its turn may have to for long, and should be told.
        let worth = |error: &Error| was_not_acted_on(error) && error.status() != Some(429);
        let response = Retry::REQUEST.run(worth, || send(build())).await?;
        let location = header(response.headers(), LOCATION.as_str())
            .ok_or_else(|| Error::Protocol("a created upload without Location".into()))?;
        let video = header(response.headers(), "kinora-video")
            .and_then(|id| id.parse().ok())
            .or(new.video)
            .ok_or_else(|| Error::Protocol("a created upload without Kinora-Video".into()))?;
        Ok(Upload { url: self.resolve(location)?.into(), video })
    }

    /// Gives up an upload and frees its bytes (tus "termination"). One that is gone is no error.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn terminate_upload(&self, url: &str) -> Result<()> {
        let url = self.resolve(url)?;
        let terminate = || send(tus(self.request(Method::DELETE, url.clone())));
        match Retry::REQUEST.run(Error::is_temporary, terminate).await {
            Err(error) if !error.is_gone() => Err(error),
            _ => Ok(()),
        }
    }

    /// How many bytes are safe (HEAD); the server must expect as many as there are.
    pub(super) async fn upload_offset(&self, url: &Url, length: u64) -> Result<u64> {
        let response = send(tus(self.request(Method::HEAD, url.clone()))).await?;
        let expected = number(&response, LENGTH)?;
        let offset = number(&response, OFFSET)?;
        if expected != length || offset > length {
            return Err(Error::Protocol(format!(
                "the server stands at {offset} of {expected} bytes of a file of {length}"
            )));
        }
        Ok(offset)
    }

    /// Sends `length` bytes from `offset` on (PATCH) and gives the new offset.
    pub(super) async fn upload_chunk(
        &self,
        url: &Url,
        offset: u64,
        length: u64,
        body: Body,
    ) -> Result<u64> {
        let request = tus(self.open_ended(Method::PATCH, url.clone()))
            .header(OFFSET, offset)
            .header(CONTENT_TYPE, "application/offset+octet-stream")
            .header(CONTENT_LENGTH, length)
            .body(body);
        let reached = number(&send(request).await?, OFFSET)?;
        if reached <= offset || reached > offset + length {
            return Err(Error::Protocol(format!(
                "{length} bytes sent at {offset} led to offset {reached}"
            )));
        }
        Ok(reached)
    }
}

fn tus(request: RequestBuilder) -> RequestBuilder {
    request.header(RESUMABLE, VERSION)
}

fn number(response: &Response, name: &str) -> Result<u64> {
    header(response.headers(), name)
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| Error::Protocol(format!("no valid {name} header")))
}

/// `Upload-Metadata`: comma-separated keys, each with its value in base64.
fn metadata(new: &NewUpload) -> String {
    let video = new.video.map(|video| video.to_string());
    [("video", &video), ("filename", &new.file_name), ("filetype", &new.content_type)]
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key} {}", STANDARD.encode(value.as_ref()?))))
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_encoded_as_tus_wants_it() {
        assert_eq!(metadata(&NewUpload::default()), "");
        let new = NewUpload {
            file_name: Some("Füße,\n.mp4".into()),
            content_type: Some("video/mp4".into()),
            ..NewUpload::default()
        };
        assert_eq!(metadata(&new), "filename RsO8w59lLAoubXA0,filetype dmlkZW8vbXA0");
    }
}
