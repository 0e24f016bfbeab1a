//! Keys of encrypted videos, for who may watch them: as ClearKey has it (W3C Encrypted Media Extensions
//! 9.1), and as 16 bytes (RFC 8216 5).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use kinora_media::{Access, playback::LICENSE};
use kinora_packager::crypt::{IndexKey, KeyId};
use serde::Deserialize;
use serde_json::json;

use super::Origin;
use crate::{
    access,
    http::{Body, CacheControl, Problem, empty, whole},
    index::Index,
    route::Address,
    transport::Peer,
};

/// Bytes of a request for licences, at most, and names of keys in it.
const MOST_BYTES: usize = 16 << 10;
const MOST_KIDS: usize = 256;

/// What was sent with a request for licences, if it came whole.
#[derive(Debug, Clone)]
struct Asked(Bytes);

/// A request for licences (9.1.3). What else it may say of the session changes nothing here.
#[derive(Deserialize)]
struct LicenseRequest {
    kids: Vec<String>,
}

/// Reads what comes with a request for licences, which is all of bodies that is read, within
/// `patience`.
pub(crate) async fn with_body(
    request: Request<Incoming>,
    patience: std::time::Duration,
) -> Request<Option<Incoming>> {
    let is_license = request.uri().path().rsplit('/').next() == Some(LICENSE);
    if *request.method() != Method::POST || !is_license {
        return request.map(Some);
    }
    let (mut parts, body) = request.into_parts();
    let read = Limited::new(body, MOST_BYTES).collect();
    if let Ok(Ok(body)) = tokio::time::timeout(patience, read).await {
        parts.extensions.insert(Asked(body.to_bytes()));
    }
    Request::from_parts(parts, None)
}

impl Origin {
    /// The keys that a request for licences names; what is not this video's is left out.
    pub(super) async fn license<B>(
        &self,
        request: &Request<B>,
        index: &Index,
    ) -> Result<Response<Body>, Problem> {
        if *request.method() != Method::POST {
            return Err(Problem::post_only());
        }
        let bad = || Problem::license_request(MOST_BYTES);
        let Asked(body) = request.extensions().get().ok_or_else(bad)?;
        let LicenseRequest { kids } = serde_json::from_slice(body).map_err(|_| bad())?;
        if kids.is_empty() || kids.len() > MOST_KIDS {
            return Err(bad());
        }
        let key = self.known_key(index).await?;
        let name = BASE64URL.encode(key.key.id.0);
        if !kids.contains(&name) {
            return Err(Problem::not_found());
        }
        let secret = BASE64URL.encode(key.key.key.bytes());
        let set = json!({
            "keys": [{ "kty": "oct", "kid": name, "k": secret }],
            "type": "temporary",
        });
        Ok(secret_answer("application/json", set.to_string().into()))
    }

    /// The key of that name, as players of whole encrypted segments take it.
    pub(super) async fn key<B>(
        &self,
        request: &Request<B>,
        index: &Index,
        kid: KeyId,
    ) -> Result<Response<Body>, Problem> {
        let key = self.known_key(index).await?;
        if key.key.id != kid {
            return Err(Problem::not_found());
        }
        let secret = Bytes::copy_from_slice(key.key.key.bytes());
        let mut answer = secret_answer("application/octet-stream", secret);
        if *request.method() == Method::HEAD {
            *answer.body_mut() = empty();
        }
        Ok(answer)
    }

    /// Keys are for who has a token, whoever may see the media.
    pub(super) fn may_have_keys(&self, address: &Address<'_>, client: Peer) -> Result<(), Problem> {
        let keys = self.config.token_keys.get();
        access::check(&keys, address.video, Access::Signed, address.token, client)
    }

    async fn known_key(&self, index: &Index) -> Result<std::sync::Arc<IndexKey>, Problem> {
        self.secrets.key(index).await?.ok_or_else(Problem::not_found)
    }
}

/// Nobody between keeps it, nor does the browser.
fn secret_answer(content_type: &'static str, body: Bytes) -> Response<Body> {
    let length = body.len();
    let mut response = Response::new(whole(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::CACHE_CONTROL, CacheControl::NoStore.value());
    response
}
