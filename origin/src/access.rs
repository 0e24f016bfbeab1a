//! Who may fetch what.

use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, header};
use kinora_media::{
    Access, VideoId,
    playback::{self, TokenError, TokenKey},
};
use kinora_store::Key;

use crate::{http::Problem, index::Index, transport::Peer};

/// Checks the token where the video asks for one; elsewhere it is not even looked at.
pub(crate) fn check(
    keys: &[TokenKey],
    video: VideoId,
    access: Access,
    token: Option<&str>,
    client: Peer,
) -> Result<(), Problem> {
    match access {
        Access::Public => Ok(()),
        Access::Signed => match token {
            None => Err(Problem::token("token_missing", "this video needs a playback token")),
            Some(token) => verify(keys, video, token, client),
        },
    }
}

/// For how long a token is still good where its time is over: our clock may be ahead of the one
/// that measured it, as much as clocks that are kept at all differ.
const SKEW_S: i64 = 60;

/// Until when who was let in may come in again, seconds since 1970.
pub(crate) fn expires_s(index: &Index, token: Option<&str>) -> i64 {
    match index.head.access {
        Access::Public => i64::MAX,
        // It was verified, so it is `~{key id}~{expiry}~{signature}`.
        Access::Signed => {
            let expiry = token.and_then(|token| token.split('~').nth(2)?.parse().ok());
            expiry.map_or(i64::MIN, |expiry: i64| expiry.saturating_add(SKEW_S))
        }
    }
}

/// Seconds since 1970.
pub(crate) fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Checks that another origin may read `key` of the store. The credential is a field, for addresses
/// are logged.
pub(crate) fn check_read(keys: &[TokenKey], key: &Key, headers: &HeaderMap) -> Result<(), Problem> {
    let field = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let credential = field.and_then(|field| field.strip_prefix("Bearer "));
    let credential = credential
        .ok_or_else(|| Problem::token("token_missing", "origins that ask must say who they are"))?;
    playback::verify_read(keys, credential, key.as_str(), now_s() - SKEW_S).map_err(refusal)
}

fn verify(keys: &[TokenKey], video: VideoId, token: &str, client: Peer) -> Result<(), Problem> {
    let now_s = now_s() - SKEW_S;
    playback::verify_token_of(keys, token, video, client.ip(), now_s).map_err(refusal)
}

fn refusal(error: TokenError) -> Problem {
    match error {
        TokenError::Expired => Problem::token("token_expired", "the playback token has expired"),
        // Which part is wrong would only help who forges one.
        TokenError::Malformed | TokenError::UnknownKey | TokenError::BadSignature => {
            Problem::token("token_invalid", "the playback token is not valid here")
        }
    }
}
