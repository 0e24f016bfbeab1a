//! Who may fetch what.

use std::time::{SystemTime, UNIX_EPOCH};

use kinora_media::{
    Access, VideoId,
    playback::{self, TokenError, TokenKey},
};

use crate::{http::Problem, index::Index};

/// Checks the token where the video asks for one; elsewhere it is not even looked at.
pub(crate) fn check(
    keys: &[TokenKey],
    video: VideoId,
    access: Access,
    token: Option<&str>,
) -> Result<(), Problem> {
    match access {
        Access::Public => Ok(()),
        Access::Signed => match token {
            None => Err(Problem::token("token_missing", "this video needs a playback token")),
            Some(token) => verify(keys, video, token),
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

fn verify(keys: &[TokenKey], video: VideoId, token: &str) -> Result<(), Problem> {
    playback::verify_token(keys, token, video, now_s() - SKEW_S).map_err(|error| match error {
        TokenError::Expired => Problem::token("token_expired", "the playback token has expired"),
        // Which part is wrong would only help who forges one.
        TokenError::Malformed | TokenError::UnknownKey | TokenError::BadSignature => {
            Problem::token("token_invalid", "the playback token is not valid for this video")
        }
    })
}
