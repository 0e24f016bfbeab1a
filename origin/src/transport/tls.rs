//! TLS: a certificate from files, read again when they change.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use super::Socket;

/// How TLS calls HTTP/2 (RFC 9113 3.2).
pub(super) const H2: &[u8] = b"h2";

/// A certificate and its key, for all listeners. Clones share it.
#[derive(Debug, Clone)]
pub struct Tls {
    certificates: Arc<Certificates>,
    server: Arc<ServerConfig>,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {source}", path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: pem::Error,
    },
    /// Both can be read and yet do not serve.
    #[error("{}: {source}", certificate.display())]
    Unfit {
        /// The certificate's file.
        certificate: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
}

#[derive(Debug)]
struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    pair: Arc<CertifiedKey>,
    /// Of the files it was read from, or of those that were refused since.
    stamps: [Option<Stamp>; 2],
}

/// Tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp(u64, u64, Option<SystemTime>);

impl Tls {
    /// Reads a certificate chain and its key, both PEM.
    ///
    /// # Errors
    /// A file cannot be read, or the key is not the certificate's.
    pub fn open(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, TlsError> {
        let (certificate, key) = (certificate.into(), key.into());
        let stamps = [stamp(&certificate), stamp(&key)];
        let pair = read(&certificate, &key)?;
        let current = RwLock::new(Current { pair, stamps });
        let unfit = |source| TlsError::Unfit { certificate: certificate.clone(), source };
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(unfit)?;
        let ticketer = ring::Ticketer::new().map_err(unfit)?;
        let certificates = Arc::new(Certificates { certificate, key, current });
        let resolver = Arc::clone(&certificates) as Arc<dyn ResolvesServerCert>;
        let mut server = builder.with_no_client_auth().with_cert_resolver(resolver);
        server.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
        server.ticketer = ticketer;
        Ok(Self { certificates, server: Arc::new(server) })
    }

    /// Reads the files again; connections that are open keep what they have.
    ///
    /// # Errors
    /// They cannot be used; the certificate stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        let files = &self.certificates;
        let stamps = [stamp(&files.certificate), stamp(&files.key)];
        let read = read(&files.certificate, &files.key);
        let mut current = files.current.write().unwrap_or_else(PoisonError::into_inner);
        current.stamps = stamps;
        current.pair = read?;
        tracing::info!(tls.certificate = %files.certificate.display(), "read the certificate again");
        Ok(())
    }

    /// Reads the files again when they changed, which is seen within `every`, until `shutdown`.
    pub(crate) async fn watch(self, every: Duration, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
            if self.certificates.changed()
                && let Err(error) = self.reload()
            {
                // Half of a pair, perhaps: the other half will change too.
                tracing::warn!(%error, "kept the certificate, for the new one cannot be used");
            }
        }
    }

    pub(crate) async fn accept(&self, socket: Socket) -> io::Result<TlsStream<Socket>> {
        TlsAcceptor::from(Arc::clone(&self.server)).accept(socket).await
    }
}

impl Certificates {
    fn changed(&self) -> bool {
        let stamps = [stamp(&self.certificate), stamp(&self.key)];
        self.current.read().unwrap_or_else(PoisonError::into_inner).stamps != stamps
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current.pair))
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, TlsError> {
    let bytes = |path: &Path| {
        fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
    };
    let pem = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Pem { path, source }
    };
    let chain = CertificateDer::pem_slice_iter(&bytes(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(pem(certificate))?;
    let secret = PrivateKeyDer::from_pem_slice(&bytes(key)?).map_err(pem(key))?;
    let pair = CertifiedKey::from_der(chain, secret, &ring::default_provider())
        .map_err(|source| TlsError::Unfit { certificate: certificate.to_owned(), source })?;
    Ok(Arc::new(pair))
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = fs::metadata(path).ok()?;
    Some(Stamp(meta.ino(), meta.len(), meta.modified().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(folder: &Path) {
        let made = std::process::Command::new("openssl")
            .current_dir(folder)
            .args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-keyout", "key.pem", "-out", "certificate.pem"])
            .output()
            .expect("openssl is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    #[tokio::test]
    async fn changed_files_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path());
        let at = |name| folder.path().join(name);
        let tls = Tls::open(at("certificate.pem"), at("key.pem")).unwrap();
        let shown = |tls: &Tls| tls.certificates.current.read().unwrap().pair.cert.clone();
        let (first, shutdown) = (shown(&tls), CancellationToken::new());
        let every = Duration::from_millis(10);
        let watched = tokio::spawn(tls.clone().watch(every, shutdown.clone()));
        fs::write(at("key.pem"), "no key").unwrap();
        tokio::time::sleep(every * 10).await;
        assert_eq!(shown(&tls), first, "kept while the new one cannot be used");
        make(folder.path());
        while shown(&tls) == first {
            tokio::time::sleep(every).await;
        }
        shutdown.cancel();
        watched.await.unwrap();
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path());
        let at = |name| folder.path().join(name);
        fs::write(at("empty.pem"), "").unwrap();
        let refused = |certificate, key| Tls::open(at(certificate), at(key)).unwrap_err();
        assert!(matches!(refused("none.pem", "key.pem"), TlsError::Read { .. }));
        assert!(matches!(refused("certificate.pem", "empty.pem"), TlsError::Pem { .. }));
        assert!(matches!(refused("empty.pem", "key.pem"), TlsError::Unfit { .. }));
    }
}
