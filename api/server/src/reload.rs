//! SIGHUP: the configuration is read again, and what can change while kinorad runs is changed.

use anyhow::Context;
use kinora_http::cluster::ClusterKeys;
use kinora_media::playback::TokenKeys;
use kinora_origin::{Adjust, Bounds, Tls};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, Overrides},
    data_dir::DataDir,
    log::{self, Refilter},
};

/// Reads the configuration again.
pub(crate) struct Reload {
    overrides: Overrides,
    in_force: Config,
    refilter: Refilter,
    has_keys: bool,
    /// The keys of playback tokens, for whoever signs or checks them in this process.
    pub(crate) keys: TokenKeys,
    /// The secrets by which gateway and services know each other, where they are apart.
    pub(crate) cluster: Option<ClusterKeys>,
    /// The bounds of the origin, where there is one.
    pub(crate) adjust: Adjust,
    /// The origin's certificate.
    pub(crate) tls: Option<Tls>,
}

impl Reload {
    /// `in_force` was read by `overrides`.
    pub(crate) fn new(overrides: Overrides, in_force: Config, refilter: Refilter) -> Self {
        let (keys, adjust, tls) = (TokenKeys::default(), Adjust::default(), None);
        Self { overrides, in_force, refilter, has_keys: false, keys, cluster: None, adjust, tls }
    }

    /// Reads the keys of playback tokens.
    pub(crate) fn read_keys(&mut self, data: &DataDir) -> anyhow::Result<()> {
        self.has_keys = true;
        self.keys.replace(data.token_keys(self.in_force.playback.key_file.as_deref())?);
        Ok(())
    }

    /// Reads the secrets of the cluster.
    pub(crate) fn read_cluster_keys(&mut self) -> anyhow::Result<()> {
        self.cluster = Some(self.in_force.cluster_keys()?);
        Ok(())
    }

    /// Does so at each SIGHUP, which otherwise would end the process, until `stop`.
    pub(crate) async fn run(
        mut self,
        data: &DataDir,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut hangups = signal(SignalKind::hangup())?;
        while stop.run_until_cancelled(hangups.recv()).await.is_some() {
            if let Err(error) = self.again(data) {
                tracing::error!("SIGHUP: the configuration stays as it was: {error:#}");
            }
        }
        Ok(())
    }

    /// Changes all that can change, or nothing.
    fn again(&mut self, data: &DataDir) -> anyhow::Result<()> {
        let read = Config::load(&self.overrides)?;
        let filter = log::filter(&read.log)?;
        let keys = match self.has_keys {
            true => data.token_keys(read.playback.key_file.as_deref())?,
            false => Vec::new(),
        };
        let cluster = match &self.cluster {
            Some(held) => Some((held, read.cluster_keys()?)),
            None => None,
        };
        if let Some(tls) = &self.tls {
            // Its files are as good as they were, or are not taken.
            tls.reload().context("the certificate")?;
        }
        let wanted = self.in_force.with_changes_of(&read);
        let changed = self.in_force.differences(&wanted)?;
        if wanted.log.filter != self.in_force.log.filter {
            (self.refilter)(filter)?;
        }
        self.keys.replace(keys);
        if let Some((held, read)) = cluster {
            held.replace(&read);
        }
        self.adjust.to(Bounds::of(&wanted.to_origin_limits(), &wanted.to_origin_caches()));
        let for_later = wanted.differences(&read)?;
        if !for_later.is_empty() {
            tracing::warn!(settings = for_later.join(", "), "changed, but for the next start only");
        }
        tracing::info!(changed = changed.join(", "), "SIGHUP: read the configuration again");
        self.in_force = wanted;
        Ok(())
    }
}
