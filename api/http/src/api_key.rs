//! API keys, and the set of them that a server knows.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kinora_media::AccountId;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::Principal;

/// A key as its owner holds it: `kin_` and 32 random bytes in base64url. Printed only on purpose.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySecret(String);

/// A key as the server holds it: a hash suffices, as keys are random and not passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Tells an owner's keys apart.
    pub name: String,
    /// On whose behalf it acts.
    pub account: AccountId,
    /// SHA-256 of the whole secret, prefix included.
    pub sha256: [u8; 32],
}

/// Why a key could not be made or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// Not `kin_` and 43 characters of base64url.
    #[error("an API key is 'kin_' and 43 characters of A-Z a-z 0-9 - _")]
    Form,
    /// The system's random source failed.
    #[error("no randomness: {0}")]
    Random(String),
}

const PREFIX: &str = "kin_";

impl ApiKey {
    /// A new random key, and what the server keeps of it.
    pub fn generate(
        name: impl Into<String>,
        account: AccountId,
    ) -> Result<(ApiKeySecret, Self), ApiKeyError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|e| ApiKeyError::Random(e.to_string()))?;
        let secret = ApiKeySecret(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)));
        let key = Self { name: name.into(), account, sha256: secret.sha256() };
        Ok((secret, key))
    }
}

impl ApiKeySecret {
    /// What the server keeps of it.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// The key itself, to hand to its owner.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for ApiKeySecret {
    type Err = ApiKeyError;

    fn from_str(text: &str) -> Result<Self, ApiKeyError> {
        let body = text.strip_prefix(PREFIX).ok_or(ApiKeyError::Form)?;
        let character = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if body.len() != 43 || !body.bytes().all(character) {
            return Err(ApiKeyError::Form);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeySecret(kin_…)")
    }
}

/// The keys a server knows. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Authenticator(Arc<[ApiKey]>);

impl Authenticator {
    /// Knows these keys.
    pub fn new(keys: Vec<ApiKey>) -> Self {
        Self(keys.into())
    }

    /// Who presents `secret`. Takes the same time whichever key matches, or none.
    pub fn authenticate(&self, secret: &str) -> Option<Principal> {
        let sha256 = secret.parse::<ApiKeySecret>().ok()?.sha256();
        let mut found = None;
        for key in &*self.0 {
            if bool::from(key.sha256.ct_eq(&sha256)) {
                found = Some(key);
            }
        }
        found.map(|key| Principal { account: key.account.clone(), name: key.name.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_opens_its_account_and_no_other() {
        let account = |name: &str| AccountId::new(name).unwrap();
        let (secret, key) = ApiKey::generate("laptop", account("ada")).unwrap();
        let (other, other_key) = ApiKey::generate("ci", account("bob")).unwrap();
        assert_ne!(secret, other);
        assert_eq!(secret.expose().parse(), Ok(secret.clone()));
        let authenticator = Authenticator::new(vec![key, other_key]);
        let principal = authenticator.authenticate(secret.expose()).unwrap();
        assert_eq!((principal.account.as_str(), principal.name.as_str()), ("ada", "laptop"));
        assert_eq!(authenticator.authenticate(other.expose()).unwrap().account.as_str(), "bob");
        let (unknown, _) = ApiKey::generate("x", account("ada")).unwrap();
        for bad in ["", "kin_", unknown.expose(), &secret.expose()[..46]] {
            assert!(authenticator.authenticate(bad).is_none(), "{bad}");
        }
        assert!(!format!("{secret:?}").contains(&secret.expose()[4..]));
    }
}
