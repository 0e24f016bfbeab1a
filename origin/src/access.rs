//! Who may fetch what.

use std::time::{SystemTime, UNIX_EPOCH};

use kinora_media::{
    Access, Head,
    playback::{self, TokenError, TokenKey},
};

use crate::http::Problem;

/// Checks the token where the video asks for one; elsewhere it is not even looked at.
pub(crate) fn check(keys: &[TokenKey], head: &Head, token: Option<&str>) -> Result<(), Problem> {
    match head.access {
        Access::Public => Ok(()),
        Access::Signed => match token {
            None => Err(Problem::token("token_missing", "this video needs a playback token")),
            Some(token) => verify(keys, head, token),
        },
    }
}

fn verify(keys: &[TokenKey], head: &Head, token: &str) -> Result<(), Problem> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_s = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    playback::verify_token(keys, token, head.video, now_s).map_err(|error| match error {
        TokenError::Expired => Problem::token("token_expired", "the playback token has expired"),
        // Which part is wrong would only help who forges one.
        TokenError::Malformed | TokenError::UnknownKey | TokenError::BadSignature => {
            Problem::token("token_invalid", "the playback token is not valid for this video")
        }
    })
}
