//! Where objects lie: in files, or in a bucket of an S3 server.

use std::{fs, path::PathBuf};

use anyhow::{Context, anyhow, bail, ensure};
use kinora_store::{Retries, S3Config, S3Credentials, S3Location, S3Timeouts};

use super::{Config, check, sections::StoreSection};

/// Before the name of a bucket.
const S3: &str = "s3://";

/// Whether a store is a bucket.
pub(super) fn is_s3(url: &str) -> bool {
    url.starts_with(S3)
}

/// The store that is configured.
#[derive(Debug)]
pub(crate) enum StoreConfig {
    /// A folder.
    Files(PathBuf),
    /// A bucket.
    S3(Box<S3Config>),
}

impl Config {
    /// The store, with its secret read.
    ///
    /// # Errors
    /// A setting of S3 is missing or makes no address, or its secret cannot be read.
    pub(crate) fn store(&self) -> anyhow::Result<StoreConfig> {
        let section = &self.store;
        match section.url.as_deref().filter(|url| url.starts_with(S3)) {
            None => Ok(StoreConfig::Files(self.store_path())),
            Some(url) => {
                let journal = self.data_dir.join("s3-uploads");
                Ok(StoreConfig::S3(Box::new(s3(url, section, journal)?)))
            }
        }
    }
}

/// What can be said of the settings without reading a secret.
pub(super) fn check(section: &StoreSection) -> anyhow::Result<()> {
    let in_s3 = section.url.as_deref().is_some_and(|url| url.starts_with(S3));
    if in_s3 {
        location(section.url.as_deref().unwrap_or_default())?;
        ensure!(section.access_key_id.is_some(), "store.access_key_id is missing: {S3} needs it");
        let given = [section.secret_access_key.is_some(), section.secret_access_key_file.is_some()];
        ensure!(
            given != [true; 2],
            "store.secret_access_key and store.secret_access_key_file are both set: keep one"
        );
        ensure!(
            given != [false; 2],
            "store.secret_access_key is missing: set KINORA_STORE_SECRET_ACCESS_KEY, or \
             store.secret_access_key_file to a file that holds it"
        );
        return Ok(());
    }
    let unused = [
        ("endpoint", section.endpoint.is_some()),
        ("region", section.region.is_some()),
        ("path_style", section.path_style.is_some()),
        ("access_key_id", section.access_key_id.is_some()),
        ("secret_access_key", section.secret_access_key.is_some()),
        ("secret_access_key_file", section.secret_access_key_file.is_some()),
    ];
    match unused.into_iter().find(|(_, set)| *set) {
        Some((name, _)) => bail!("store.{name} is set, but store.url is no {S3}BUCKET"),
        None => Ok(()),
    }
}

fn s3(url: &str, section: &StoreSection, journal: PathBuf) -> anyhow::Result<S3Config> {
    let region = section.region.clone().unwrap_or_else(|| "us-east-1".to_owned());
    let amazon = || format!("https://s3.{region}.amazonaws.com");
    let access_key_id = section.access_key_id.clone().unwrap_or_default();
    Ok(S3Config {
        location: location(url)?,
        endpoint: section.endpoint.clone().unwrap_or_else(amazon),
        // Servers of one's own rarely have a name for every bucket.
        path_style: section.path_style.unwrap_or(section.endpoint.is_some()),
        credentials: S3Credentials { access_key_id, secret_access_key: secret(section)? },
        timeouts: S3Timeouts::default(),
        retries: Retries::default(),
        journal: Some(journal),
        region,
    })
}

fn location(url: &str) -> anyhow::Result<S3Location> {
    url.parse().map_err(|error| anyhow!("store.url: '{}': {error}", check::without_password(url)))
}

fn secret(section: &StoreSection) -> anyhow::Result<String> {
    let Some(path) = &section.secret_access_key_file else {
        return Ok(section
            .secret_access_key
            .as_ref()
            .map_or("", |secret| secret.expose())
            .to_owned());
    };
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read store.secret_access_key_file {}", path.display()))?;
    let text = text.trim();
    ensure!(!text.is_empty(), "store.secret_access_key_file {} is empty", path.display());
    Ok(text.to_owned())
}
