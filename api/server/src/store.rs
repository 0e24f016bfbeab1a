//! The object store that is configured.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use kinora_db::Clock;
use kinora_media::playback::TokenKeys;
use kinora_store::{FsStore, ObjectStore, S3Store, StoreError, UpstreamStore};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, StoreConfig},
    wait,
};

/// How often uploads to S3 are looked for that nobody will end.
const LOOK_EVERY: Duration = Duration::from_secs(6 * 3600);
/// No upload takes that long: the longest source at 400 KB/s.
const ABANDONED_AFTER: Duration = Duration::from_secs(48 * 3600);

/// Objects in files or in S3.
pub(crate) enum Store {
    /// A folder, and the store in it.
    Files(PathBuf, Arc<FsStore>),
    /// A bucket.
    S3(Arc<S3Store>),
    /// What another origin reads.
    Upstream(Arc<UpstreamStore>),
}

impl Store {
    /// The one that this process reads: as [`Self::open`], once it is there, or that of another origin,
    /// which may come later, by what `keys` sign.
    pub(crate) async fn open_or_upstream(
        config: &Config,
        keys: &TokenKeys,
    ) -> anyhow::Result<Self> {
        match config.upstream(keys)? {
            Some(store) => Ok(Self::Upstream(Arc::new(store))),
            None => {
                let passes = |error: &anyhow::Error| {
                    error.downcast_ref().is_some_and(StoreError::is_temporary)
                };
                wait::until_there("the bucket", async || Self::open(config).await, passes).await
            }
        }
    }

    /// Opens the one that `config` names, and makes sure that it can be used.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        match config.store()? {
            StoreConfig::Files(folder) => {
                let store =
                    FsStore::open(folder.clone()).context("cannot open the object store")?;
                Ok(Self::Files(folder, Arc::new(store)))
            }
            StoreConfig::S3(config) => {
                let place = format!("{} at {}", config.location, config.endpoint);
                let store = S3Store::new(*config).context("store.endpoint")?;
                store.check().await.with_context(|| format!("cannot use the bucket {place}"))?;
                match store.abort_noted().await {
                    Ok(0) => {}
                    Ok(uploads) => {
                        tracing::info!(uploads, "uploads to S3 that were cut off were aborted")
                    }
                    Err(error) => {
                        tracing::warn!(%error, "an upload to S3 that was cut off stays behind")
                    }
                }
                Ok(Self::S3(Arc::new(store)))
            }
        }
    }

    /// The store as its users know it.
    pub(crate) fn objects(&self) -> Arc<dyn ObjectStore> {
        match self {
            Self::Files(_, store) => Arc::clone(store) as Arc<dyn ObjectStore>,
            Self::S3(store) => Arc::clone(store) as Arc<dyn ObjectStore>,
            Self::Upstream(store) => Arc::clone(store) as Arc<dyn ObjectStore>,
        }
    }

    /// The folder whose disk it fills.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::Files(folder, _) => Some(folder.clone()),
            Self::S3(_) | Self::Upstream(_) => None,
        }
    }
}

/// Aborts, now and then until `stop`, what uploads left whose process died.
pub(crate) async fn abort_abandoned(store: Arc<S3Store>, clock: Clock, stop: CancellationToken) {
    let age_us = i64::try_from(ABANDONED_AFTER.as_micros()).unwrap_or(i64::MAX);
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    let all = async {
        loop {
            ticks.tick().await;
            match store.abort_abandoned(clock.now_us().saturating_sub(age_us)).await {
                Ok(0) => {}
                Ok(uploads) => tracing::info!(uploads, "abandoned uploads to S3 were aborted"),
                // Not every server lists them.
                Err(error) => tracing::warn!(%error, "cannot look for abandoned uploads to S3"),
            }
        }
    };
    stop.run_until_cancelled(all).await;
}
