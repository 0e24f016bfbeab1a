//! How processes of one cluster know each other: every request from one to another carries a token,
//! signed with a secret that only they have, which opens this one request for half a minute.
//!
//! A token is `{key id}.{claims}.{signature}`: the claims are JSON, the signature is HMAC-SHA256 over
//! what stands before its dot; both in base64url.
//!
//! Hosts' clocks may be wrong. A service that is asked by a clock far from its own refuses, and says what
//! time it is, signed for the very token it refuses: so nobody else can tell a gateway a time to sign
//! tokens of.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use kinora_media::AccountId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{ClientAddress, Principal, Problem};

/// The header field that carries a token.
pub const CLUSTER_TOKEN: HeaderName = HeaderName::from_static("kinora-cluster-token");
/// The header field of a refusal that says what time it is where a token is out of its time:
/// `{seconds since 1970 UTC}.{signature}`.
pub const CLUSTER_TIME: HeaderName = HeaderName::from_static("kinora-cluster-time");
/// Who signs for people outside.
const GATEWAY: &str = "gateway";
/// How long a token is good for, seconds.
const LIFETIME_S: i64 = 30;
/// How far apart the clocks of two hosts may be, seconds.
const SKEW_S: i64 = 30;
/// What a secret has at least, characters.
const SECRET_CHARACTERS: usize = 32;

/// Says how many seconds have passed since 1970 UTC.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The secrets of a cluster: the first signs, all open. Clones share them.
#[derive(Clone)]
pub struct ClusterKeys(Arc<RwLock<Arc<[Key]>>>);

struct Key {
    /// Says which secret it is without telling it.
    id: String,
    secret: Vec<u8>,
}

/// Why a text holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterKeysError {
    /// There is nothing in it.
    #[error("there is no secret in it")]
    Empty,
    /// Not every line of it could be one.
    #[error("line {0} is too short for a secret: use 32 characters")]
    Short(usize),
}

/// Why a request is not one of the cluster's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClusterTokenError {
    /// None came along.
    #[error("a request came without a token of the cluster")]
    Missing,
    /// It does not have the form of a token.
    #[error("malformed cluster token")]
    Malformed,
    /// Its key is not (or no longer) known.
    #[error("cluster token signed with an unknown key")]
    UnknownKey,
    /// The signature is not ours.
    #[error("cluster token with a wrong signature")]
    BadSignature,
    /// It is another's, for another service or for another request.
    #[error("cluster token for something else")]
    Elsewhere,
    /// It was valid once, or will be.
    #[error("cluster token out of its time; are the clocks right?")]
    Expired,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// Seconds since 1970 UTC.
    exp: i64,
    method: String,
    /// With the query.
    path: String,
    #[serde(default)]
    account: Option<AccountId>,
    /// The name of the account's key.
    #[serde(default)]
    key: Option<String>,
}

impl ClusterKeys {
    /// Reads secrets, one a line. To put another in place of one: add the new one as the second
    /// line everywhere, then make it the first everywhere, then take the old one away.
    ///
    /// # Errors
    /// There is none, or one that is too short.
    pub fn parse(text: &str) -> Result<Self, ClusterKeysError> {
        let mut keys = Vec::new();
        for (nth, line) in text.lines().map(str::trim).enumerate() {
            match line.len() {
                0 => continue,
                length if length < SECRET_CHARACTERS => {
                    return Err(ClusterKeysError::Short(nth + 1));
                }
                _ => keys.push(Key::new(line)),
            }
        }
        if keys.is_empty() {
            return Err(ClusterKeysError::Empty);
        }
        Ok(Self(Arc::new(RwLock::new(keys.into()))))
    }

    /// Puts those of `others` in their place, at once and for all clones.
    pub fn replace(&self, others: &Self) {
        let others = others.get();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = others;
    }

    /// Those of now.
    fn get(&self) -> Arc<[Key]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A token for one request to the service `audience`, on behalf of `principal` if anybody.
    pub fn sign(
        &self,
        audience: &str,
        (method, uri): (&Method, &Uri),
        principal: Option<&Principal>,
        now_s: i64,
    ) -> HeaderValue {
        let keys = self.get();
        let key = keys.first().expect("there is one, or it was not parsed");
        let claims = Claims {
            iss: GATEWAY.to_owned(),
            aud: audience.to_owned(),
            exp: now_s.saturating_add(LIFETIME_S),
            method: method.to_string(),
            path: target(uri).to_owned(),
            account: principal.map(|principal| principal.account.clone()),
            key: principal.map(|principal| principal.name.clone()),
        };
        let claims = serde_json::to_vec(&claims).expect("texts and a number are JSON");
        let signed = format!("{}.{}", key.id, URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(key.mac(&signed).finalize().into_bytes());
        HeaderValue::try_from(format!("{signed}.{signature}")).expect("base64url is a header value")
    }

    /// Whom a request to the service `audience` speaks for: `None` where it is nobody in
    /// particular. Constant time in the signature.
    ///
    /// # Errors
    /// The request is not one of the cluster's.
    pub fn verify(
        &self,
        audience: &str,
        (method, uri): (&Method, &Uri),
        token: &str,
        now_s: i64,
    ) -> Result<Option<Principal>, ClusterTokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(ClusterTokenError::Malformed)?;
        let (id, claims) = signed.split_once('.').ok_or(ClusterTokenError::Malformed)?;
        let keys = self.get();
        let key = keys.iter().find(|key| key.id == id).ok_or(ClusterTokenError::UnknownKey)?;
        let decode = |text| URL_SAFE_NO_PAD.decode(text).map_err(|_| ClusterTokenError::Malformed);
        let verified = key.mac(signed).verify_slice(&decode(signature)?);
        verified.map_err(|_| ClusterTokenError::BadSignature)?;
        let claims: Claims =
            serde_json::from_slice(&decode(claims)?).map_err(|_| ClusterTokenError::Malformed)?;
        let meant = claims.iss == GATEWAY && claims.aud == audience;
        if !meant || claims.method != method.as_str() || claims.path != target(uri) {
            return Err(ClusterTokenError::Elsewhere);
        }
        let left_s = claims.exp.saturating_sub(now_s);
        if !(-SKEW_S..=LIFETIME_S + SKEW_S).contains(&left_s) {
            return Err(ClusterTokenError::Expired);
        }
        let name = claims.key.unwrap_or_default();
        Ok(claims.account.map(|account| Principal { account, name }))
    }
}

impl ClusterKeys {
    /// The time, for whoever asked with a token that is out of it; `None` if its key is not known.
    pub fn tell_time(&self, token: &str, now_s: i64) -> Option<HeaderValue> {
        let signature = self.mac_of_time(token, now_s)?.finalize().into_bytes();
        let told = format!("{now_s}.{}", URL_SAFE_NO_PAD.encode(signature));
        Some(HeaderValue::try_from(told).expect("a number and base64url are a header value"))
    }

    /// The time that was `told` to whoever asked with `token`, seconds since 1970 UTC; `None` if it
    /// was not a process of the cluster that said so, or not to this token.
    pub fn hear_time(&self, token: &str, told: &HeaderValue) -> Option<i64> {
        let (now_s, signature) = told.to_str().ok()?.split_once('.')?;
        let now_s = now_s.parse().ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.mac_of_time(token, now_s)?.verify_slice(&signature).ok()?;
        Some(now_s)
    }

    /// What is signed begins as no token does.
    fn mac_of_time(&self, token: &str, now_s: i64) -> Option<Hmac<Sha256>> {
        let (id, _) = token.split_once('.')?;
        let keys = self.get();
        let key = keys.iter().find(|key| key.id == id)?;
        Some(key.mac(&format!("time {now_s} {token}")))
    }
}

impl fmt::Debug for ClusterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.get().iter().map(|key| &key.id)).finish()
    }
}

impl Key {
    fn new(secret: &str) -> Self {
        let digest = Sha256::new().chain_update(b"kinora cluster key id").chain_update(secret);
        let id = digest.finalize()[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { id, secret: secret.as_bytes().to_vec() }
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.secret);
        mac.expect("HMAC takes keys of any length").chain_update(signed)
    }
}

/// Lets nobody past but the cluster's own, and tells handlers for whom they ask.
#[derive(Clone)]
struct Guard {
    keys: ClusterKeys,
    audience: &'static str,
    now: Now,
}

/// Puts a guard around the routes of the service `audience`: requests without a valid token are
/// answered 403 `not_of_the_cluster`; those of the cluster by a wrong clock hear the right time with it.
pub fn guard<S>(router: Router<S>, keys: ClusterKeys, audience: &'static str, now: Now) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router.route_layer(middleware::from_fn_with_state(Guard { keys, audience, now }, check))
}

async fn check(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let token = request.headers().get(CLUSTER_TOKEN).ok_or(ClusterTokenError::Missing);
    let verified = token.and_then(|token| {
        let token = token.to_str().map_err(|_| ClusterTokenError::Malformed)?;
        let asked = (request.method(), request.uri());
        guard.keys.verify(guard.audience, asked, token, (guard.now)())
    });
    match verified {
        Ok(Some(principal)) => drop(request.extensions_mut().insert(principal)),
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(%error, "refused a request that is not the cluster's");
            let detail = "This service answers the gateway of its cluster only";
            let refusal = Problem::new(StatusCode::FORBIDDEN, "not_of_the_cluster", detail);
            let mut refusal = refusal.into_response();
            if error == ClusterTokenError::Expired {
                let token = request.headers().get(CLUSTER_TOKEN).and_then(|t| t.to_str().ok());
                let told = token.and_then(|token| guard.keys.tell_time(token, (guard.now)()));
                refusal.headers_mut().extend(told.map(|told| (CLUSTER_TIME, told)));
            }
            return refusal;
        }
    }
    if let Some(client) = ClientAddress::in_headers(request.headers()) {
        request.extensions_mut().insert(client);
    }
    next.run(request).await
}

fn target(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |target| target.as_str())
}

#[cfg(test)]
mod tests;
