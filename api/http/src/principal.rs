//! Who asks.

use axum::extract::{FromRef, FromRequestParts};
use http::{HeaderMap, header, request::Parts};
use kinora_media::AccountId;

use crate::{Authenticator, Problem};

/// The holder of an API key. Extracting it answers 401 where none came along; the service's
/// state gives the [`Authenticator`] (`#[derive(FromRef)]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// On whose behalf.
    pub account: AccountId,
    /// The key's name.
    pub name: String,
}

/// The holder of an API key, if one came along. A wrong key is still a 401: its holder believes
/// to be somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionalPrincipal(pub Option<Principal>);

impl<S> FromRequestParts<S> for OptionalPrincipal
where
    S: Send + Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // The gateway knew the key, and the cluster's guard knew the gateway.
        if let Some(principal) = parts.extensions.get::<Principal>() {
            tracing::Span::current().record("account.id", principal.account.as_str());
            return Ok(Self(Some(principal.clone())));
        }
        let Some(secret) = bearer(&parts.headers)? else { return Ok(Self(None)) };
        let principal = Authenticator::from_ref(state)
            .authenticate(secret)
            .ok_or_else(Problem::unauthenticated)?;
        tracing::Span::current().record("account.id", principal.account.as_str());
        Ok(Self(Some(principal)))
    }
}

impl<S> FromRequestParts<S> for Principal
where
    S: Send + Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let OptionalPrincipal(principal) =
            OptionalPrincipal::from_request_parts(parts, state).await?;
        principal.ok_or_else(Problem::unauthenticated)
    }
}

/// The bearer token (RFC 6750 2.1); the scheme's name has no case (RFC 9110 11.1).
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let value = value.to_str().map_err(|_| Problem::unauthenticated())?;
    match value.split_once(' ') {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(secret.trim())),
        _ => Err(Problem::unauthenticated()),
    }
}
