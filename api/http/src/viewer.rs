//! Who may watch.

use std::net::IpAddr;

use axum::extract::{FromRef, FromRequestParts, Query};
use http::request::Parts;
use kinora_media::{
    AccountId, VideoId,
    playback::{TokenError, TokenKey, verify_token_of},
};
use serde::Deserialize;

use crate::{Authenticator, ClientAddress, OptionalPrincipal, Principal, Problem};

/// All that a request brings along to watch a video: an API key, `?token=` (a playback token),
/// or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The holder of an API key.
    pub principal: Option<Principal>,
    /// An unchecked playback token.
    pub token: Option<String>,
    /// From where it was asked, if that is known: a token may be bound to it.
    pub client: Option<IpAddr>,
}

/// What is to be watched.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Which video.
    pub video: VideoId,
    /// Whose.
    pub account: &'a AccountId,
    /// Whether anyone may.
    pub public: bool,
}

#[derive(Deserialize)]
struct TokenQuery {
    token: Option<String>,
}

impl Viewer {
    /// Lets the owner, the holder of a token for this video, and everybody on a public video
    /// pass. Answers 403 `token_expired` to a token that was ours, else 404: who may not watch
    /// does not learn that there is something. `now_us` is microseconds since 1970 UTC.
    pub fn require(
        &self,
        keys: &[TokenKey],
        subject: Subject<'_>,
        now_us: i64,
    ) -> Result<(), Problem> {
        let owner = self.principal.as_ref().is_some_and(|p| p.account == *subject.account);
        if subject.public || owner {
            return Ok(());
        }
        let token = self.token.as_deref().ok_or_else(|| Problem::not_found("video"))?;
        let now_s = now_us.div_euclid(1_000_000);
        match verify_token_of(keys, token, subject.video, self.client, now_s) {
            Ok(()) => Ok(()),
            Err(TokenError::Expired) => {
                Err(Problem::forbidden("token_expired", "This link has expired"))
            }
            Err(_) => Err(Problem::not_found("video")),
        }
    }
}

impl<S> FromRequestParts<S> for Viewer
where
    S: Send + Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let OptionalPrincipal(principal) =
            OptionalPrincipal::from_request_parts(parts, state).await?;
        let Query(TokenQuery { token }) = Query::try_from_uri(&parts.uri)?;
        let client = ClientAddress::in_parts(parts);
        Ok(Self { principal, token, client })
    }
}

#[cfg(test)]
mod tests {
    use kinora_media::playback::{mint_bound_token, mint_token};

    use super::*;

    #[test]
    fn owners_token_holders_and_everybody_on_public_videos_may_watch() {
        let video: VideoId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let other: VideoId = "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap();
        let (ada, bob) = (AccountId::new("ada").unwrap(), AccountId::new("bob").unwrap());
        let keys = [TokenKey { id: "k".into(), secret: vec![1; 32] }];
        let code = |account: Option<&AccountId>, token: Option<String>, public| {
            let principal = account.map(|a| Principal { account: a.clone(), name: String::new() });
            let subject = Subject { video, account: &ada, public };
            let client = Some("192.0.2.1".parse().unwrap());
            let viewer = Viewer { principal, token, client };
            let answer = viewer.require(&keys, subject, 500_000_000);
            answer.map_err(|problem| problem.code())
        };
        let token = |video, expiry| Some(mint_token(&keys[0], video, expiry));
        assert_eq!(code(None, None, true), Ok(()));
        assert_eq!(code(None, None, false), Err("not_found"));
        assert_eq!(code(Some(&ada), None, false), Ok(()));
        assert_eq!(code(Some(&bob), None, false), Err("not_found"));
        assert_eq!(code(Some(&bob), token(video, 501), false), Ok(()));
        assert_eq!(code(None, token(video, 501), false), Ok(()));
        let bound = |to: &str| Some(mint_bound_token(&keys[0], video, 501, to.parse().unwrap()));
        assert_eq!(code(None, bound("192.0.2.1"), false), Ok(()));
        assert_eq!(code(None, bound("192.0.2.2"), false), Err("not_found"));
        assert_eq!(code(None, token(video, 500), false), Err("token_expired"));
        assert_eq!(code(None, token(other, 501), false), Err("not_found"));
        assert_eq!(code(None, Some("~k~501~AAAA".into()), false), Err("not_found"));
    }
}
