//! One request to the server: signed, sent, and its answer received within limits.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};

use super::{
    clock::ServerClock,
    config::{S3Config, S3ConfigError, S3Timeouts},
    payload::Payload,
};
use crate::{
    Key,
    remote::{Fault, collect, lost, moving, refused, within},
};

/// How long a signature holds: longer than clocks differ and bytes take to be sent.
const SIGNED_FOR: Duration = Duration::from_secs(3600);
/// The longest XML that is read, bytes: a listing of 1000 long keys has a third of it.
const MAX_XML: u64 = 4 << 20;

/// Requests to one bucket.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) bucket: Bucket,
    pub(super) credentials: Credentials,
    prefix: String,
    pub(super) timeouts: S3Timeouts,
    http: reqwest::Client,
    clock: ServerClock,
}

/// A header of a request.
pub(super) type Header = (&'static str, String);

impl Requests {
    pub(super) fn new(config: S3Config) -> Result<Self, S3ConfigError> {
        let endpoint = config.endpoint;
        let unusable = |endpoint: &str| S3ConfigError::Endpoint { endpoint: endpoint.to_owned() };
        let address = endpoint.parse().map_err(|_| unusable(&endpoint))?;
        let style = if config.path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let bucket = Bucket::new(address, style, config.location.bucket, config.region)
            .map_err(|_| unusable(&endpoint))?;
        // Failing means that another provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(concat!("kinora/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.timeouts.connect)
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .build()
            .map_err(|_| unusable(&endpoint))?;
        let secret = config.credentials.secret_access_key;
        let credentials = Credentials::new(config.credentials.access_key_id, secret);
        let (prefix, timeouts) = (config.location.prefix, config.timeouts);
        let clock = ServerClock::default();
        Ok(Self { bucket, credentials, prefix, timeouts, http, clock })
    }

    /// Where an object lies in the bucket.
    pub(super) fn name(&self, key: &Key) -> String {
        self.name_of(key.as_str())
    }

    /// As [`Self::name`], for folders and names of ours.
    pub(super) fn name_of(&self, text: &str) -> String {
        format!("{}{text}", self.prefix)
    }

    /// The key of what lies at `name`; `None` where that is none of the store's objects.
    pub(super) fn key(&self, name: &str) -> Option<Key> {
        Key::new(name.strip_prefix(&self.prefix)?).ok()
    }

    /// Sends a request; the head of its answer, which is a success.
    pub(super) async fn send<'a, A: S3Action<'a>>(
        &'a self,
        mut action: A,
        headers: &'a [Header],
        body: Option<Payload>,
    ) -> Result<Response, Fault> {
        for (name, value) in headers {
            action.headers_mut().insert(*name, value.as_str());
        }
        let known_s = self.clock.ahead_s();
        let mut answer = self.answer(&action, headers, body.clone()).await?;
        if answer.status() == StatusCode::FORBIDDEN && self.clock.ahead_s() != known_s {
            // Signed at a time that was not the server's.
            answer = self.answer(&action, headers, body).await?;
        }
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let said = self.text(answer, self.timeouts.answer).await.unwrap_or_default();
        Err(refused(status.as_u16(), &said))
    }

    /// The bytes of an answer, of which there must be `length`.
    pub(super) async fn bytes(&self, answer: Response, length: u64) -> Result<Bytes, Fault> {
        within(self.moving(length), collect(answer, length)).await
    }

    /// The XML of an answer, which may be long in coming.
    pub(super) async fn text(&self, answer: Response, limit: Duration) -> Result<String, Fault> {
        within(limit, collect_text(answer)).await
    }

    /// How long a step may take that moves so many bytes.
    fn moving(&self, bytes: u64) -> Duration {
        moving(self.timeouts.answer, bytes)
    }

    /// Signs and sends a request once.
    async fn answer<'a, A: S3Action<'a>>(
        &self,
        action: &A,
        headers: &[Header],
        body: Option<Payload>,
    ) -> Result<Response, Fault> {
        let sent = body.as_ref().map_or(0, Payload::length);
        let answer = self.request(action, headers, body).send();
        let answer = within(self.moving(sent), async { answer.await.map_err(lost) }).await?;
        self.clock.hear(&answer);
        Ok(answer)
    }

    fn request<'a, A: S3Action<'a>>(
        &self,
        action: &A,
        headers: &[Header],
        body: Option<Payload>,
    ) -> RequestBuilder {
        let method = Method::from_bytes(A::METHOD.to_str().as_bytes())
            .expect("the methods of S3 are methods of HTTP");
        let mut request =
            self.http.request(method, action.sign_with_time(SIGNED_FOR, &self.clock.now()));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        match body {
            // Said even of nothing: servers ask for it.
            Some(body) => request.header("content-length", body.length()).body(body.into_body()),
            None => request,
        }
    }
}

async fn collect_text(mut answer: Response) -> Result<String, Fault> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(lost)? {
        if body.len() as u64 + piece.len() as u64 > MAX_XML {
            return Err(Fault::Senseless("it is too long".to_owned()));
        }
        body.extend_from_slice(&piece);
    }
    String::from_utf8(body).map_err(|_| Fault::Senseless("it is not UTF-8".to_owned()))
}
