//! Addresses under which players fetch media, and the tokens that open them.
//!
//! A playback address is `/media/{token}/{video}/{version}/…`, or without the token segment for
//! public videos. The token sits in the path so that every address a manifest names inherits it;
//! origin (and a CDN in front) verifies and strips it before the cache look-up.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, PoisonError, RwLock},
};

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

/// Where licences of an encrypted version are asked for (ClearKey).
pub const LICENSE: &str = "license";
/// The folder of an encrypted version's key, by its name.
pub const KEYS: &str = "keys";

/// Where an origin hands its store to other origins, by key.
pub const STORE_ROOT: &str = "/store";

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
    let signature = sign(key, &opens(key, video, expires_at_s, None));
    format!("~{}~{expires_at_s}~{signature}", key.id)
}

/// The same for clients of one network (see [`network`]) alone: `~{key id}~{expiry}~a~{HMAC}`. The
/// address is in the signature only, so a token does not tell where it may be used.
pub fn mint_bound_token(
    key: &TokenKey,
    video: VideoId,
    expires_at_s: i64,
    client: IpAddr,
) -> String {
    let signature = sign(key, &opens(key, video, expires_at_s, Some(client)));
    format!("~{}~{expires_at_s}~{BOUND}~{signature}", key.id)
}

/// Whether a path segment claims to be a token.
pub fn is_token(segment: &str) -> bool {
    segment.starts_with('~')
}

/// Whether a token that opens something does so for clients of one network alone.
pub fn is_bound(token: &str) -> bool {
    token.split('~').nth(3) == Some(BOUND)
}

/// What a client's address is taken for: an address of IPv4, or a network of 64 bits of IPv6,
/// within which clients change theirs.
pub fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

/// Checks that `token` opens `video` to anybody at `now_s` (seconds since 1970 UTC). Constant time
/// in the signature.
pub fn verify_token(
    keys: &[TokenKey],
    token: &str,
    video: VideoId,
    now_s: i64,
) -> Result<(), TokenError> {
    verify_token_of(keys, token, video, None, now_s)
}

/// Checks that `token` opens `video` to `client`: one whose address is not known opens nothing with
/// a token that is bound to one.
pub fn verify_token_of(
    keys: &[TokenKey],
    token: &str,
    video: VideoId,
    client: Option<IpAddr>,
    now_s: i64,
) -> Result<(), TokenError> {
    let read = Signed::read(token)?;
    let client = match (read.is_bound, client) {
        (true, None) => return Err(TokenError::BadSignature),
        (true, client) => client,
        (false, _) => None,
    };
    read.verify(keys, now_s, |key, expires_at_s| opens(key, video, expires_at_s, client))
}

/// A credential by which an origin reads `object` of another's store until `expires_at_s`, in the
/// form of a token. It opens that object alone, and no video.
pub fn mint_read(key: &TokenKey, object: &str, expires_at_s: i64) -> String {
    let signature = sign(key, &reads(key, object, expires_at_s));
    format!("~{}~{expires_at_s}~{signature}", key.id)
}

/// Checks that `credential` reads `object` at `now_s`.
pub fn verify_read(
    keys: &[TokenKey],
    credential: &str,
    object: &str,
    now_s: i64,
) -> Result<(), TokenError> {
    let read = Signed::read(credential)?;
    if read.is_bound {
        return Err(TokenError::Malformed);
    }
    read.verify(keys, now_s, |key, expires_at_s| reads(key, object, expires_at_s))
}

/// Tells that a token is bound to an address.
const BOUND: &str = "a";

/// A token, read and not yet believed.
struct Signed<'a> {
    key_id: &'a str,
    expires_at_s: i64,
    is_bound: bool,
    signature: Vec<u8>,
}

impl<'a> Signed<'a> {
    fn read(token: &'a str) -> Result<Self, TokenError> {
        let mut parts = token.strip_prefix('~').ok_or(TokenError::Malformed)?.split('~');
        let (Some(key_id), Some(expiry), Some(third), fourth, None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Malformed);
        };
        let (is_bound, signature) = match fourth {
            None => (false, third),
            Some(signature) if third == BOUND => (true, signature),
            Some(_) => return Err(TokenError::Malformed),
        };
        let expires_at_s: i64 = expiry.parse().map_err(|_| TokenError::Malformed)?;
        // One spelling each, so that whoever counts what a token takes counts all of it.
        if expires_at_s.to_string() != expiry {
            return Err(TokenError::Malformed);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
        Ok(Self { key_id, expires_at_s, is_bound, signature })
    }

    fn verify(
        &self,
        keys: &[TokenKey],
        now_s: i64,
        message: impl FnOnce(&TokenKey, i64) -> String,
    ) -> Result<(), TokenError> {
        let key = keys.iter().find(|key| key.id == self.key_id).ok_or(TokenError::UnknownKey)?;
        mac(key, &message(key, self.expires_at_s))
            .verify_slice(&self.signature)
            .map_err(|_| TokenError::BadSignature)?;
        // The expiry is believed only now that the signature covers it.
        if now_s >= self.expires_at_s { Err(TokenError::Expired) } else { Ok(()) }
    }
}

/// What the signature of a token covers. Each kind begins with a name of its own, so that none is
/// taken for another.
fn opens(key: &TokenKey, video: VideoId, expires_at_s: i64, client: Option<IpAddr>) -> String {
    let all = format!("kinora-playback-v1\n{}\n{expires_at_s}\n{video}", key.id);
    match client {
        Some(client) => format!("{all}\n{}", network(client)),
        None => all,
    }
}

fn reads(key: &TokenKey, object: &str, expires_at_s: i64) -> String {
    format!("kinora-store-v1\n{}\n{expires_at_s}\n{object}", key.id)
}

fn sign(key: &TokenKey, message: &str) -> String {
    URL_SAFE_NO_PAD.encode(mac(key, message).finalize().into_bytes())
}

fn mac(key: &TokenKey, message: &str) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(&key.secret).expect("HMAC takes a key of any length");
    mac.update(message.as_bytes());
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

    #[test]
    fn a_bound_token_opens_to_its_network_alone() {
        let video: VideoId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let keys = [key("k")];
        let at = |client: &str| Some(client.parse().unwrap());
        let opens = |token: &str, client| verify_token_of(&keys, token, video, client, 999);
        let four = mint_bound_token(&keys[0], video, 1000, "192.0.2.1".parse().unwrap());
        assert!(is_token(&four) && is_bound(&four) && !four.contains("192"));
        assert_eq!(opens(&four, at("192.0.2.1")), Ok(()));
        assert_eq!(opens(&four, at("::ffff:192.0.2.1")), Ok(()));
        assert_eq!(opens(&four, at("192.0.2.2")), Err(TokenError::BadSignature));
        assert_eq!(opens(&four, None), Err(TokenError::BadSignature));
        assert_eq!(verify_token(&keys, &four, video, 999), Err(TokenError::BadSignature));
        let six = mint_bound_token(&keys[0], video, 1000, "2001:db8::1".parse().unwrap());
        assert_eq!(opens(&six, at("2001:db8::ffff:1")), Ok(()));
        assert_eq!(opens(&six, at("2001:db8:0:1::1")), Err(TokenError::BadSignature));
        // Neither is made of the other by what is not signed.
        let free = mint_token(&keys[0], video, 1000);
        assert!(!is_bound(&free));
        assert_eq!(opens(&four.replace("~a~", "~"), None), Err(TokenError::BadSignature));
        let bound = free.replace("~1000~", "~1000~a~");
        assert_eq!(opens(&bound, at("192.0.2.1")), Err(TokenError::BadSignature));
        let odd = four.replace("~a~", "~b~");
        assert_eq!(opens(&odd, at("192.0.2.1")), Err(TokenError::Malformed));
        assert_eq!(
            verify_token_of(&keys, &four, video, at("192.0.2.1"), 1000),
            Err(TokenError::Expired)
        );
    }

    #[test]
    fn a_credential_reads_one_object_and_opens_no_video() {
        let keys = [key("k")];
        let video: VideoId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let credential = mint_read(&keys[0], "media/a", 1000);
        assert_eq!(verify_read(&keys, &credential, "media/a", 999), Ok(()));
        assert_eq!(verify_read(&keys, &credential, "media/a", 1000), Err(TokenError::Expired));
        let other = verify_read(&keys, &credential, "media/b", 999);
        assert_eq!(other, Err(TokenError::BadSignature));
        assert!(verify_token(&keys, &credential, video, 999).is_err());
        assert!(verify_read(&keys, &mint_token(&keys[0], video, 1000), "media/a", 999).is_err());
    }
}
