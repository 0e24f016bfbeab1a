//! Addresses under which players fetch media, and the tokens that open them.
//!
//! A playback address is `/media/{token}/{video}/{version}/…`, or without the token segment for
//! public videos. The token sits in the path so that every address a manifest names inherits it;
//! origin (and a CDN in front) verifies and strips it before the cache look-up.

use std::sync::{Arc, PoisonError, RwLock};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::VideoId;

/// Where the origin mounts media.
pub const MEDIA_ROOT: &str = "/media";
/// The HLS multivariant playlist's file name.
pub const HLS_MANIFEST: &str = "hls.m3u8";
/// The DASH manifest's file name.
pub const DASH_MANIFEST: &str = "dash.mpd";
/// The poster's file name.
pub const POSTER: &str = "poster.jpg";
/// The small poster's file name.
pub const SMALL_POSTER: &str = "poster-small.jpg";
/// The storyboard's file name: WebVTT whose cues name parts of sheets.
pub const STORYBOARD: &str = "storyboard.vtt";
/// The chapters' file name: WebVTT.
pub const CHAPTERS: &str = "chapters.vtt";

/// The path of a file of one version: `file` is `hls.m3u8`, `dash.mpd`, `v720/init.mp4`, ….
pub fn path(token: Option<&str>, video: VideoId, version: u32, file: &str) -> String {
    match token {
        Some(token) => format!("{MEDIA_ROOT}/{token}/{video}/{version}/{file}"),
        None => format!("{MEDIA_ROOT}/{video}/{version}/{file}"),
    }
}

/// A secret that signs tokens, under the name a token carries, so that secrets can be rotated.
#[derive(Clone)]
pub struct TokenKey {
    /// 1 to 16 characters of `a-z`, `0-9`: no separator of the token.
    pub id: String,
    /// At least 32 random bytes.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The secrets in force: the first signs, all open. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct TokenKeys(Arc<RwLock<Arc<[TokenKey]>>>);

impl TokenKeys {
    /// Those of now.
    pub fn get(&self) -> Arc<[TokenKey]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts others in their place, at once and for all clones.
    pub fn replace(&self, keys: Vec<TokenKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
    }
}

impl From<Vec<TokenKey>> for TokenKeys {
    fn from(keys: Vec<TokenKey>) -> Self {
        Self(Arc::new(RwLock::new(keys.into())))
    }
}

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It does not have the form of a token.
    #[error("malformed playback token")]
    Malformed,
    /// Its key is not (or no longer) known.
    #[error("playback token signed with an unknown key")]
    UnknownKey,
    /// The signature is not ours, or it is for another video.
    #[error("playback token does not fit this video")]
    BadSignature,
    /// It was valid once.
    #[error("playback token expired")]
    Expired,
}

/// A token that opens every version of `video` until `expires_at_s` (seconds since 1970 UTC):
/// `~{key id}~{expiry}~{HMAC-SHA256, base64url}`. The leading `~` tells it from a video id.
pub fn mint_token(key: &TokenKey, video: VideoId, expires_at_s: i64) -> String {
    let signature = URL_SAFE_NO_PAD.encode(mac(key, video, expires_at_s).finalize().into_bytes());
    format!("~{}~{expires_at_s}~{signature}", key.id)
}

/// Whether a path segment claims to be a token.
pub fn is_token(segment: &str) -> bool {
    segment.starts_with('~')
}

/// Checks that `token` opens `video` at `now_s` (seconds since 1970 UTC). Constant time in the
/// signature.
pub fn verify_token(
    keys: &[TokenKey],
    token: &str,
    video: VideoId,
    now_s: i64,
) -> Result<(), TokenError> {
    let mut parts = token.strip_prefix('~').ok_or(TokenError::Malformed)?.split('~');
    let (Some(key_id), Some(expiry), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenError::Malformed);
    };
    let expires_at_s: i64 = expiry.parse().map_err(|_| TokenError::Malformed)?;
    // One spelling each, so that whoever counts what a token takes counts all of it.
    if expires_at_s.to_string() != expiry {
        return Err(TokenError::Malformed);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
    let key = keys.iter().find(|key| key.id == key_id).ok_or(TokenError::UnknownKey)?;
    mac(key, video, expires_at_s).verify_slice(&signature).map_err(|_| TokenError::BadSignature)?;
    // The expiry is believed only now that the signature covers it.
    if now_s >= expires_at_s { Err(TokenError::Expired) } else { Ok(()) }
}

fn mac(key: &TokenKey, video: VideoId, expires_at_s: i64) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(&key.secret).expect("HMAC takes a key of any length");
    mac.update(format!("kinora-playback-v1\n{}\n{expires_at_s}\n{video}", key.id).as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> TokenKey {
        TokenKey { id: id.into(), secret: vec![7; 32] }
    }

    #[test]
    fn a_token_opens_its_video_until_it_expires() {
        let video: VideoId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let other: VideoId = "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap();
        let keys = [key("new"), key("old")];
        let token = mint_token(&keys[1], video, 1000);
        assert!(is_token(&token));
        assert_eq!(verify_token(&keys, &token, video, 999), Ok(()));
        assert_eq!(verify_token(&keys, &token, video, 1000), Err(TokenError::Expired));
        assert_eq!(verify_token(&keys, &token, other, 999), Err(TokenError::BadSignature));
        assert_eq!(verify_token(&keys[..1], &token, video, 999), Err(TokenError::UnknownKey));
        let longer = token.replace("~1000~", "~9999~");
        assert_eq!(verify_token(&keys, &longer, video, 999), Err(TokenError::BadSignature));
        for bad in [
            "",
            "~",
            "~a~b",
            "~old~x~y",
            "~old~1~*",
            "~old~+1~AA",
            "~old~01~AA",
            &format!("{token}~"),
        ] {
            assert_eq!(verify_token(&keys, bad, video, 0), Err(TokenError::Malformed), "{bad}");
        }
    }
}
