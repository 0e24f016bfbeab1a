//! Encryption as the command line asks for it: the method, and keys from a file or the environment,
//! never from arguments, which other users of the machine can read.

use std::fs;
use std::path::Path;

use kinora_packager::crypt::{Keyring, Scheme};
use kinora_packager::package::{Encryption, Method};
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};

/// Where keys are looked for when no file is named.
pub(crate) const KEYS_VARIABLE: &str = "KINORA_PACKAGE_KEYS";

/// Bytes of a key file, at most.
const MAX_BYTES: u64 = 64 * 1024;

/// What `--encrypt` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Cipher {
    /// One block in ten of pictures, sound whole, in AES-CBC: plays everywhere.
    Cbcs,
    /// All of pictures and sound in AES-CTR, for older players.
    Cenc,
    /// Whole segment files in AES-CBC, for HLS alone.
    #[value(name = "aes-128")]
    Aes128,
}

/// Encryption to be.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) cipher: Cipher,
    pub(crate) keys: Keyring,
    pub(crate) key_uri: Option<String>,
    pub(crate) license_url: Option<String>,
}

impl Wanted {
    /// With a seed that no presentation had before.
    pub(super) fn encryption(&self) -> Result<Encryption, Failure> {
        let mut seed = [0; 16];
        getrandom::fill(&mut seed).map_err(|error| {
            Failure::new(Exit::Failed, "random", format!("no random bytes can be had: {error}"))
        })?;
        let method = match self.cipher {
            Cipher::Cbcs => Method::Samples(Scheme::Cbcs),
            Cipher::Cenc => Method::Samples(Scheme::Cenc),
            Cipher::Aes128 => Method::Aes128,
        };
        Ok(Encryption {
            method,
            keys: self.keys.clone(),
            seed,
            key_uri: self.key_uri.clone(),
            license_url: self.license_url.clone(),
        })
    }
}

/// Keys from the file, or from the environment if none is named.
pub(crate) fn keys(file: Option<&Path>) -> Result<Keyring, Failure> {
    let (name, text) = match file {
        Some(path) => (path.display().to_string(), read(path)?),
        None => {
            let text = std::env::var(KEYS_VARIABLE).map_err(|_| {
                Failure::usage("there is no key to encrypt with").help(format!(
                    "Name a file of KID:KEY lines with --key-file, or set {KEYS_VARIABLE}."
                ))
            })?;
            (KEYS_VARIABLE.to_owned(), Zeroizing::new(text))
        }
    };
    Keyring::parse(&text).map_err(|error| {
        Failure::usage(format!("{name}: {error}"))
            .help("Write KID:KEY for all tracks, or LABEL=KID:KEY for video, audio or a track such as v1080.")
    })
}

fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed = |error| Failure::usage(format!("{}: {error}", path.display()));
    if fs::metadata(path).map_err(failed)?.len() > MAX_BYTES {
        return Err(Failure::usage(format!("{} is too long for a key file", path.display())));
    }
    fs::read_to_string(path).map(Zeroizing::new).map_err(failed)
}
