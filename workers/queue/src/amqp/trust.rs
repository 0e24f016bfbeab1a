//! Whom a TLS connection to the broker trusts, and as whom it speaks.

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};

/// Of connections to `amqps://`; by default the system's authorities, and no certificate.
#[derive(Clone, Default)]
pub struct Trust {
    /// Further authorities, PEM.
    pub authorities: Option<String>,
    /// The client's certificate and its key, PEM: brokers may ask for one.
    pub identity: Option<(String, String)>,
}

impl Trust {
    pub(super) fn into_config(self) -> OwnedTLSConfig {
        let identity = self.identity.map(|(certificate, key)| OwnedIdentity::PKCS8 {
            pem: certificate.into_bytes(),
            key: key.into_bytes(),
        });
        OwnedTLSConfig { identity, cert_chain: self.authorities }
    }
}
