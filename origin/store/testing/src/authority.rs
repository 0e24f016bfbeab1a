//! An authority of a test's own, for loopback: certificates of a server and of a client.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Keys and certificates in a folder of their own, PEM.
#[derive(Debug)]
pub struct Authority(tempfile::TempDir);

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// Makes the authority, and certificates: `server` and `client` for `localhost` (127.0.0.1), and
    /// `elsewhere` for a server of another name.
    ///
    /// # Panics
    /// Without openssl.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        openssl(
            path,
            "req -x509 -nodes -days 2 -subj /CN=tests -newkey ec -pkeyopt \
            ec_paramgen_curve:prime256v1 -keyout authority.key -out authority.pem",
        );
        let (here, there) = ("DNS:localhost,IP:127.0.0.1", "DNS:elsewhere.example");
        for (name, names) in [("server", here), ("client", here), ("elsewhere", there)] {
            fs::write(path.join("names"), format!("subjectAltName={names}\n"))
                .expect("a temporary folder can be written");
            openssl(
                path,
                &format!(
                    "req -nodes -subj /CN={name} -newkey ec -pkeyopt \
                ec_paramgen_curve:prime256v1 -keyout {name}.key -out {name}.csr"
                ),
            );
            openssl(
                path,
                &format!(
                    "x509 -req -days 2 -in {name}.csr -CA authority.pem -CAkey \
                authority.key -CAcreateserial -extfile names -out {name}.pem"
                ),
            );
        }
        Self(folder)
    }

    /// The authority's certificate.
    pub fn certificate(&self) -> PathBuf {
        self.0.path().join("authority.pem")
    }

    /// Certificate and key of one of them.
    pub fn pair(&self, name: &str) -> (PathBuf, PathBuf) {
        let at = |kind: &str| self.0.path().join(format!("{name}.{kind}"));
        (at("pem"), at("key"))
    }
}

fn openssl(folder: &Path, words: &str) {
    let mut command = Command::new("openssl");
    let output = command.current_dir(folder).args(words.split_whitespace()).output();
    let output = output.expect("openssl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
