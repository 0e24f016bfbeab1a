//! Another origin's store, read through that origin and what it keeps in memory.
//!
//! `GET` and `HEAD` of `/store/{key}`, with a range where not all is asked for; the object's ETag,
//! length and date are those of the store behind it, so heads are looked at as they are there. Each
//! request carries a credential for its object that is signed with the secret the origins share.
//! What is written is refused: an origin only reads.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use kinora_media::playback::{STORE_ROOT, TokenKeys, mint_read};
use reqwest::{Method, Response, Url, header};

use crate::{
    ByteRange, Condition, Key, ObjectMeta, ObjectStore, Put, Retries, StoreError,
    remote::{
        self, Fault, collect, lost, meta, moving, part, range_field, refused, within, within_memory,
    },
};

/// How long a credential holds: longer than clocks differ.
const SIGNED_FOR_S: i64 = 300;

/// Which origin, and how patiently it is asked.
#[derive(Debug, Clone)]
pub struct UpstreamConfig {
    /// Scheme and authority: `https://media.example.org`.
    pub url: String,
    /// The secrets the origins share, as playback tokens are signed with.
    pub keys: TokenKeys,
    /// Until there is a connection.
    pub connect: Duration,
    /// Until an answer begins, and again until it ends; bytes that are received add a second for
    /// each 256 KiB.
    pub answer: Duration,
    /// How often a request is tried.
    pub retries: Retries,
}

impl UpstreamConfig {
    /// As patient as players are, who wait behind it.
    pub fn new(url: impl Into<String>, keys: TokenKeys) -> Self {
        let first = Duration::from_millis(50);
        Self {
            url: url.into(),
            keys,
            connect: Duration::from_secs(2),
            answer: Duration::from_secs(10),
            retries: Retries { times: 2, first, ..Retries::default() },
        }
    }
}

/// An address that is no origin's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the upstream is no address of an origin: use http://HOST:PORT or https://HOST")]
pub struct UpstreamConfigError;

/// The store of another origin.
#[derive(Debug, Clone)]
pub struct UpstreamStore {
    root: Url,
    config: UpstreamConfig,
    http: reqwest::Client,
}

impl UpstreamStore {
    /// Asks nothing yet. Installs rustls' ring provider for the process unless it has one.
    ///
    /// # Errors
    /// When the address is none, or says more than scheme and authority.
    pub fn new(config: UpstreamConfig) -> Result<Self, UpstreamConfigError> {
        let root: Url = config.url.parse().map_err(|_| UpstreamConfigError)?;
        let plain = root.path() == "/" && root.query().is_none() && root.fragment().is_none();
        let anonymous = root.username().is_empty() && root.password().is_none();
        if !matches!(root.scheme(), "http" | "https") || !plain || !anonymous {
            return Err(UpstreamConfigError);
        }
        // Failing means that another provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(concat!("kinora/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.connect)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .build()
            .map_err(|_| UpstreamConfigError)?;
        Ok(Self { root, config, http })
    }

    /// The head of a good answer; `None` if there is no such object.
    async fn send(
        &self,
        method: Method,
        key: &Key,
        range: Option<ByteRange>,
    ) -> Result<Option<Response>, Fault> {
        let mut url = self.root.clone();
        url.set_path(&format!("{STORE_ROOT}/{key}"));
        let mut request = self.http.request(method, url);
        if let Some(range) = range {
            request = request.header(header::RANGE, range_field(range));
        }
        let keys = self.config.keys.get();
        if let Some(signer) = keys.first() {
            let credential = mint_read(signer, key.as_str(), now_s() + SIGNED_FOR_S);
            request = request.bearer_auth(credential);
        }
        let sent = async { request.send().await.map_err(lost) };
        let answer = within(self.config.answer, sent).await?;
        match answer.status().as_u16() {
            404 => Ok(None),
            200 | 206 => Ok(Some(answer)),
            // What it says of itself is for people, and may be long.
            status => Err(refused(status, "")),
        }
    }

    async fn look(&self, key: &Key) -> Result<Option<ObjectMeta>, Fault> {
        let answer = self.send(Method::HEAD, key, None).await?;
        answer.map(|answer| meta(key, answer.headers())).transpose()
    }

    async fn read(&self, key: &Key) -> Result<Option<(ObjectMeta, Bytes)>, Fault> {
        let Some(answer) = self.send(Method::GET, key, None).await? else { return Ok(None) };
        let meta = meta(key, answer.headers())?;
        within_memory(meta.size)?;
        let body = self.bytes(answer, meta.size).await?;
        Ok(Some((meta, body)))
    }

    async fn read_range(&self, key: &Key, range: ByteRange) -> Result<Option<Bytes>, Fault> {
        if range.length == 0 || range.offset > i64::MAX as u64 {
            return Ok(self.look(key).await?.map(|_| Bytes::new()));
        }
        let answer = match self.send(Method::GET, key, Some(range)).await {
            Err(Fault::Refused { status: 416, .. }) => return Ok(Some(Bytes::new())),
            answer => answer?,
        };
        let Some(answer) = answer else { return Ok(None) };
        let length = part(answer.headers(), range)?;
        self.bytes(answer, length).await.map(Some)
    }

    async fn bytes(&self, answer: Response, length: u64) -> Result<Bytes, Fault> {
        within(moving(self.config.answer, length), collect(answer, length)).await
    }

    /// Sends a request as often as it takes.
    async fn run<T, F: Future<Output = Result<T, Fault>>>(
        &self,
        key: &Key,
        action: &'static str,
        request: impl Fn() -> F,
    ) -> Result<T, StoreError> {
        let tried = remote::run(&self.config.retries, key.as_str(), action, request).await;
        tried.done(key.as_str(), action)
    }
}

#[async_trait]
impl ObjectStore for UpstreamStore {
    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        self.run(key, "look upstream", || self.look(key)).await
    }

    async fn get(&self, key: &Key) -> Result<Option<(ObjectMeta, Bytes)>, StoreError> {
        self.run(key, "read upstream", || self.read(key)).await
    }

    async fn get_range(&self, key: &Key, range: ByteRange) -> Result<Option<Bytes>, StoreError> {
        self.run(key, "read upstream", || self.read_range(key, range)).await
    }

    async fn put(&self, key: &Key, _: Bytes, _: Condition) -> Result<Put, StoreError> {
        Err(read_only(key.as_str()))
    }

    async fn put_file(&self, key: &Key, _: &Path, _: Condition) -> Result<Put, StoreError> {
        Err(read_only(key.as_str()))
    }

    async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        Err(read_only(key.as_str()))
    }

    async fn list(
        &self,
        prefix: &str,
        _: Option<&Key>,
        _: usize,
    ) -> Result<Vec<ObjectMeta>, StoreError> {
        Err(read_only(prefix))
    }
}

fn read_only(key: &str) -> StoreError {
    let source = std::io::Error::from(std::io::ErrorKind::Unsupported);
    StoreError::Io { key: key.to_owned(), action: "write upstream", source }
}

/// Seconds since 1970.
fn now_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_scheme_and_authority() {
        let store = |url: &str| UpstreamStore::new(UpstreamConfig::new(url, TokenKeys::default()));
        for good in ["http://10.0.0.1:8081", "https://media.example.org/", "http://[::1]:80"] {
            assert!(store(good).is_ok(), "{good}");
        }
        for bad in ["", "media", "ftp://h", "http://h/x", "http://me:hush@h", "http://h?x=1"] {
            assert!(store(bad).is_err(), "{bad}");
        }
    }
}
