//! The connection every call goes through: addresses, the key, errors, limits.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, redirect};
use serde::de::DeserializeOwned;

use crate::{Error, Problem, Result, Retry};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// A page of 100 videos is well under a megabyte.
const MOST_ANSWER_BYTES: usize = 8 << 20;

/// A client of one server, cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    base: Url,
    authorization: Option<HeaderValue>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.inner.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server at `base_url` (`http` or `https`, a path prefix is kept). Without a
    /// key only public videos can be asked for. Installs rustls' ring provider for the process
    /// unless it has one.
    ///
    /// # Errors
    /// [`Error::Setup`] if the address or the key cannot be used in a request.
    pub fn new<'k>(base_url: &str, api_key: impl Into<Option<&'k str>>) -> Result<Self> {
        let base = base(base_url)?;
        let authorization = api_key.into().map(bearer).transpose()?;
        // Failing means that another provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(concat!("kinora-client/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self { inner: Arc::new(Inner { http, base, authorization }) })
    }

    /// The server's address, ending in a slash.
    pub fn base_url(&self) -> &str {
        self.inner.base.as_str()
    }

    /// Whether requests carry a key.
    pub fn has_key(&self) -> bool {
        self.inner.authorization.is_some()
    }

    /// The address of `/api/v1/{segments…}`, each segment percent-encoded.
    pub(crate) fn api(&self, segments: &[&str]) -> Url {
        let mut url = self.inner.base.clone();
        url.path_segments_mut()
            .expect("http addresses have a path")
            .pop_if_empty()
            .extend(["api", "v1"])
            .extend(segments);
        url
    }

    /// Resolves an address the server gave. The key must not follow it to another server.
    pub(crate) fn resolve(&self, location: &str) -> Result<Url> {
        let url = self
            .inner
            .base
            .join(location)
            .map_err(|error| Error::Protocol(format!("address {location:?}: {error}")))?;
        if url.origin() != self.inner.base.origin() {
            return Err(Error::Protocol(format!("{url} is on another server")));
        }
        Ok(url)
    }

    /// A request without a time limit, for transfers and streams.
    pub(crate) fn open_ended(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.inner.http.request(method, url);
        match &self.inner.authorization {
            Some(key) => request.header(AUTHORIZATION, key.clone()),
            None => request,
        }
    }

    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.open_ended(method, url).timeout(REQUEST_TIMEOUT)
    }

    /// GET, tried again on any fault that may pass.
    pub(crate) async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T> {
        Retry::REQUEST
            .run(Error::is_temporary, || async {
                json(send(self.request(Method::GET, url.clone())).await?).await
            })
            .await
    }

    /// A write, tried again only where the server cannot have acted on it.
    pub(crate) async fn write(
        &self,
        build: impl Fn() -> RequestBuilder + Send + Sync,
    ) -> Result<Response> {
        Retry::REQUEST.run(was_not_acted_on, || send(build())).await
    }
}

/// Sends, and turns every status but 2xx into an error.
pub(crate) async fn send(request: RequestBuilder) -> Result<Response> {
    let response = request.send().await?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if status.is_redirection() {
        let to = header(response.headers(), "location").unwrap_or("another address");
        return Err(Error::Setup(format!("the server redirects to {to}: use that address")));
    }
    let retry_after = header(response.headers(), RETRY_AFTER.as_str())
        .and_then(|value| value.trim().parse().ok())
        .map(Duration::from_secs);
    let problem = problem(status, response).await;
    tracing::debug!(http.status = status.as_u16(), problem.code = %problem.code, "refused");
    Err(Error::from_problem(problem, retry_after))
}

/// Decodes a JSON answer of bounded size.
pub(crate) async fn json<T: DeserializeOwned>(response: Response) -> Result<T> {
    let body = limited(response).await?;
    serde_json::from_slice(&body).map_err(|error| Error::Protocol(error.to_string()))
}

/// A header that is valid text.
pub(crate) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

async fn limited(mut response: Response) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MOST_ANSWER_BYTES {
            return Err(Error::Protocol(format!("more than {MOST_ANSWER_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The problem in an answer; a proxy's page of HTML says no more than its status.
async fn problem(status: StatusCode, response: Response) -> Problem {
    let body = limited(response).await.unwrap_or_default();
    let mut problem = serde_json::from_slice(&body).unwrap_or_else(|_| Problem {
        status: 0,
        code: String::new(),
        title: status.to_string(),
        detail: String::new(),
        request_id: None,
    });
    problem.status = status.as_u16();
    problem
}

pub(crate) fn was_not_acted_on(error: &Error) -> bool {
    match error {
        Error::Unreachable { source: Some(source), .. } => source.is_connect(),
        Error::Busy { problem, .. } => matches!(problem.status, 429 | 503),
        _ => false,
    }
}

fn base(address: &str) -> Result<Url> {
    let unusable = |why: &str| Error::Setup(format!("{address:?} is no server address: {why}"));
    let mut url = Url::parse(address).map_err(|error| unusable(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(unusable("it must begin with http:// or https://"));
    }
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

fn bearer(key: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.trim()))
        .map_err(|_| Error::Setup("the API key has characters no key has".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_a_prefix_and_escape_segments() {
        let client = Client::new("https://host/kinora?x#y", None).unwrap();
        assert_eq!(client.base_url(), "https://host/kinora/");
        let url = client.api(&["videos", "a/b", "captions", "de"]);
        assert_eq!(url.as_str(), "https://host/kinora/api/v1/videos/a%2Fb/captions/de");
        let url = Client::new("http://127.0.0.1:8080", "key").unwrap().api(&["jobs"]);
        assert_eq!(url.as_str(), "http://127.0.0.1:8080/api/v1/jobs");
    }

    #[test]
    fn the_key_stays_with_its_server() {
        let client = Client::new("http://host:1", "key").unwrap();
        assert!(client.resolve("/api/v1/uploads/1").is_ok());
        assert!(matches!(client.resolve("http://other/uploads/1"), Err(Error::Protocol(_))));
        assert!(matches!(client.resolve("//other/uploads/1"), Err(Error::Protocol(_))));
    }

    #[test]
    fn writes_are_tried_again_only_if_nothing_happened() {
        for (status, again) in [(429, true), (503, true), (500, false), (502, false), (504, false)]
        {
            let problem = Problem {
                status,
                code: String::new(),
                title: String::new(),
                detail: String::new(),
                request_id: None,
            };
            let error = Error::from_problem(problem, None);
            assert_eq!(was_not_acted_on(&error), again, "{status}");
        }
        assert!(!was_not_acted_on(&Error::silent(30)));
    }

    #[test]
    fn unusable_addresses_and_keys_are_named() {
        for bad in ["127.0.0.1:8080", "ftp://host", "", "nonsense"] {
            assert!(matches!(Client::new(bad, None), Err(Error::Setup(_))), "{bad}");
        }
        assert!(matches!(Client::new("http://host", "a\nb"), Err(Error::Setup(_))));
        assert!(!format!("{:?}", Client::new("http://host", "secret").unwrap()).contains("secret"));
    }
}
