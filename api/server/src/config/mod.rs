//! kinorad's configuration: a file, the environment and flags, each over the one before.
//!
//! Every setting has one name, its path: `worker.slots`. In the file it stands in the table
//! `[worker]`, in the environment it is `KINORA_WORKER_SLOTS`, as a flag `--set worker.slots=4`.
//! What is unknown anywhere is an error, and so is what cannot work: better at start than later.

mod check;
mod keys;
mod layers;
mod overrides;
mod secret;
mod sections;
mod store;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, anyhow};
use kinora_http::{TrustedProxies, cluster::ClusterKeys};
use kinora_media::playback::TokenKeys;
use kinora_origin::{ListenAddress, Proxies, Tls};
use kinora_store::{UpstreamConfig, UpstreamStore};
use kinora_transcoding::TranscodingConfig;
use kinora_workers::WorkerConfig;
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    overrides::Overrides,
    sections::{
        DatabaseSection, LogConfig, LogFormat, MetricsSection, OriginSection, PlaybackSection,
        QueueSection, ServerSection, ServicesSection, StoreSection, TranscodingSection,
        UploadSection, WorkerSection,
    },
    store::StoreConfig,
};

/// The configuration in force, one struct a concern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Everything that is not told to lie elsewhere lies here. Default: `data`.
    pub(crate) data_dir: PathBuf,
    /// The gateway: the API and the watch page.
    pub(crate) server: ServerSection,
    /// Catalogue and transcoding where the gateway is another process.
    pub(crate) services: ServicesSection,
    /// The media server.
    pub(crate) origin: OriginSection,
    /// What operators measure.
    pub(crate) metrics: MetricsSection,
    /// The services' tables.
    pub(crate) database: DatabaseSection,
    /// Jobs and events on their way.
    pub(crate) queue: QueueSection,
    /// Who may watch.
    pub(crate) playback: PlaybackSection,
    /// Sources and media.
    pub(crate) store: StoreSection,
    /// Uploads.
    pub(crate) upload: UploadSection,
    /// The orchestrator.
    pub(crate) transcoding: TranscodingSection,
    /// The worker.
    pub(crate) worker: WorkerSection,
    /// The log.
    pub(crate) log: LogConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "data".into(),
            server: ServerSection::default(),
            services: ServicesSection::default(),
            origin: OriginSection::default(),
            metrics: MetricsSection::default(),
            database: DatabaseSection::default(),
            queue: QueueSection::default(),
            playback: PlaybackSection::default(),
            store: StoreSection::default(),
            upload: UploadSection::default(),
            transcoding: TranscodingSection::default(),
            worker: WorkerSection::default(),
            log: LogConfig::default(),
        }
    }
}

impl Config {
    /// Reads `--config FILE` (or `kinora.toml` where there is one), the environment and the
    /// flags, and checks the outcome.
    ///
    /// # Errors
    /// A setting that is unknown, unreadable or cannot work; says which, where, and what to do.
    pub(crate) fn load(overrides: &Overrides) -> anyhow::Result<Self> {
        let config = layers::read(overrides, std::env::vars_os(), Path::new("."))?;
        check::check(&config)?;
        Ok(config)
    }

    /// This one with another store; what files have no use for is left out.
    ///
    /// # Errors
    /// The address is none, or settings are missing for it.
    pub(crate) fn with_store(&self, url: &str) -> anyhow::Result<Self> {
        let mut changed = self.clone();
        if !store::is_s3(url) {
            changed.store = StoreSection::default();
        }
        changed.store.url = Some(url.to_owned());
        check::check(&changed)?;
        Ok(changed)
    }

    /// The configuration as a file that says the same. URLs lose their passwords.
    pub(crate) fn to_toml(&self) -> anyhow::Result<String> {
        let mut shown = self.clone();
        for url in [&mut shown.database.url, &mut shown.queue.url, &mut shown.store.url] {
            *url = url.as_deref().map(check::without_password);
        }
        toml::to_string(&shown).context("the configuration cannot be printed")
    }

    /// This one, with those settings of `newer` that can change while kinorad runs.
    pub(crate) fn with_changes_of(&self, newer: &Self) -> Self {
        let mut changed = self.clone();
        let (origin, other) = (&mut changed.origin, &newer.origin);
        origin.address_rate = other.address_rate;
        origin.token_rate = other.token_rate;
        origin.token_streams = other.token_streams;
        origin.cache_mib = other.cache_mib;
        changed.playback.clone_from(&newer.playback);
        changed.services.key_file.clone_from(&newer.services.key_file);
        changed.log.filter.clone_from(&newer.log.filter);
        changed
    }

    /// The names of settings that are not as in `other`. Secrets are not compared.
    pub(crate) fn differences(&self, other: &Self) -> anyhow::Result<Vec<&'static str>> {
        let (ours, theirs) = (toml::Table::try_from(self)?, toml::Table::try_from(other)?);
        let at = |table: &toml::Table, key: &str| match key.split_once('.') {
            Some((section, name)) => table.get(section)?.get(name).cloned(),
            None => table.get(key).cloned(),
        };
        let names = keys::KEYS.iter().map(|(key, _)| *key);
        Ok(names.filter(|key| at(&ours, key) != at(&theirs, key)).collect())
    }

    /// Where the services' tables are.
    pub(crate) fn database_url(&self) -> String {
        match (self.database_path(), &self.database.url) {
            (None, Some(url)) => url.clone(),
            (path, _) => format!("{}{}", check::SQLITE, path.unwrap_or_default().display()),
        }
    }

    /// The same for people.
    pub(crate) fn database_name(&self) -> String {
        check::without_password(&self.database_url())
    }

    /// The SQLite file of the services' tables; `None` where they are on a server.
    fn database_path(&self) -> Option<PathBuf> {
        let url = self.database.url.as_deref();
        let embedded = url.is_none_or(|url| !check::is_postgres(url));
        embedded.then(|| self.path(url, check::SQLITE, "kinora.sqlite"))
    }

    /// The broker of the queue, where it is on one; may hold a password.
    pub(crate) fn broker_url(&self) -> Option<&str> {
        self.queue.url.as_deref().filter(|url| check::is_broker(url))
    }

    /// Whether several processes can use the database.
    pub(crate) fn database_is_shared(&self) -> bool {
        self.database_path().is_none()
    }

    /// By what gateway and services know each other.
    ///
    /// # Errors
    /// The file is missing, or holds no secrets.
    pub(crate) fn cluster_keys(&self) -> anyhow::Result<ClusterKeys> {
        let path = self.services.key_file.as_deref().context("services.key_file is not set")?;
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("services.key_file: {}", path.display()))?;
        ClusterKeys::parse(&text).with_context(|| format!("services.key_file: {}", path.display()))
    }

    /// Whether several processes can use the store.
    pub(crate) fn store_is_shared(&self) -> bool {
        self.store.url.as_deref().is_some_and(|url| !url.starts_with(check::FILE))
    }

    /// The SQLite file of the queue.
    pub(crate) fn queue_path(&self) -> PathBuf {
        self.path(self.queue.url.as_deref(), check::SQLITE, "queue.sqlite")
    }

    /// The folder of the object store, where it is in files.
    fn store_path(&self) -> PathBuf {
        self.path(self.store.url.as_deref(), check::FILE, "store")
    }

    /// The folder of unfinished uploads.
    pub(crate) fn upload_dir(&self) -> PathBuf {
        self.upload.dir.clone().unwrap_or_else(|| self.data_dir.join("uploads"))
    }

    /// Where people reach the gateway that listens on `bound`, without a slash at the end.
    pub(crate) fn gateway_url(&self, bound: SocketAddr) -> String {
        public_url(self.server.public_url.as_deref(), "http", bound)
    }

    /// Where players reach the origin that listens on `bound`, without a slash at the end.
    pub(crate) fn origin_url(&self, bound: &ListenAddress) -> String {
        let scheme = if self.origin.tls_certificate.is_some() { "https" } else { "http" };
        public_url(self.origin.public_url.as_deref(), scheme, bound)
    }

    /// The origin's certificate, where it has one.
    ///
    /// # Errors
    /// It cannot be used.
    pub(crate) fn origin_tls(&self) -> anyhow::Result<Option<Tls>> {
        let (Some(certificate), Some(key)) = (&self.origin.tls_certificate, &self.origin.tls_key)
        else {
            return Ok(None);
        };
        let tls = Tls::open(certificate, key).context("origin.tls_certificate, origin.tls_key")?;
        Ok(Some(tls))
    }

    /// Whose word about clients the gateway believes.
    ///
    /// # Errors
    /// The list has something else in it than addresses and networks.
    pub(crate) fn server_proxies(&self) -> anyhow::Result<TrustedProxies> {
        let listed = self.server.proxies.as_deref().unwrap_or_default();
        listed.parse().map_err(|error| anyhow!("server.proxies: {error}"))
    }

    /// Who speaks the PROXY protocol to the origin.
    ///
    /// # Errors
    /// The list has something else in it than addresses and networks.
    pub(crate) fn origin_proxies(&self) -> anyhow::Result<Proxies> {
        let listed = self.origin.proxy_protocol.as_deref().unwrap_or_default();
        listed.parse().map_err(|error| anyhow!("origin.proxy_protocol: {error}"))
    }

    /// The origin that this one reads through, where there is one.
    ///
    /// # Errors
    /// It is no address of an origin.
    pub(crate) fn upstream(&self, keys: &TokenKeys) -> anyhow::Result<Option<UpstreamStore>> {
        let Some(url) = &self.origin.upstream else { return Ok(None) };
        let config = UpstreamConfig::new(url, keys.clone());
        UpstreamStore::new(config).context("origin.upstream").map(Some)
    }

    /// What the origin keeps in memory.
    pub(crate) fn to_origin_caches(&self) -> kinora_origin::Caches {
        let media_bytes = self.origin.cache_mib << 20;
        let sendfile_bytes = match self.origin.sendfile_kib {
            0 => usize::MAX,
            kib => kib << 10,
        };
        let defaults = kinora_origin::Caches::default();
        let sending_bytes = media_bytes / 3;
        kinora_origin::Caches { media_bytes, sending_bytes, sendfile_bytes, ..defaults }
    }

    /// What the origin's clients may take.
    pub(crate) fn to_origin_limits(&self) -> kinora_origin::Limits {
        let OriginSection { address_rate, token_rate, token_streams, .. } = self.origin;
        let defaults = kinora_origin::Limits::default();
        kinora_origin::Limits { address_rate, token_rate, token_streams, ..defaults }
    }

    /// The worker's part, in the worker's words.
    ///
    /// # Errors
    /// No encoder is configured and there is none beside this executable.
    pub(crate) fn to_worker(&self) -> anyhow::Result<WorkerConfig> {
        let worker = &self.worker;
        let encoder = match &worker.encoder {
            Some(path) => path.clone(),
            None => kinora_workers::encoder_path().context("set worker.encoder to its path")?,
        };
        let scratch = worker.scratch_dir.clone().unwrap_or_else(|| self.data_dir.join("scratch"));
        let mut config = WorkerConfig::new(encoder, scratch);
        config.slots = worker.slots;
        config.memory_limit_mib = worker.memory_limit_mib;
        config.source_cache_mib = worker.source_cache_mib;
        config.worker_name.clone_from(&worker.name);
        config.nice = worker.nice;
        config.scratch_reserve_mib = worker.scratch_reserve_mib;
        config.stall_timeout = Duration::from_millis(worker.stall_ms);
        config.sandbox = worker.sandbox;
        config.gpu = worker.gpu.parse()?;
        config.gpu_sessions = worker.gpu_sessions;
        Ok(config)
    }

    /// The orchestrator's part, in the orchestrator's words.
    pub(crate) fn to_transcoding(&self) -> TranscodingConfig {
        let section = &self.transcoding;
        TranscodingConfig {
            max_in_flight: section
                .max_in_flight
                .unwrap_or_else(|| u32::try_from(self.worker.slots * 2).unwrap_or(u32::MAX)),
            lease_ms: section.lease_ms,
            max_attempts: section.max_attempts,
            max_setbacks: section.max_setbacks,
            max_side: section.max_side,
            max_duration_ms: section.max_duration_ms,
            max_frame_rate: section.max_frame_rate,
            max_tracks: section.max_tracks,
            bulk_patience_ms: section.bulk_patience_ms,
            quota_ms: Some(section.quota_minutes * 60_000).filter(|ms| *ms > 0),
            quota_jobs: Some(section.quota_jobs).filter(|jobs| *jobs > 0),
            ..TranscodingConfig::default()
        }
    }

    fn path(&self, url: Option<&str>, scheme: &str, default: &str) -> PathBuf {
        let path = url.and_then(|url| url.strip_prefix(scheme));
        path.map_or_else(|| self.data_dir.join(default), PathBuf::from)
    }
}

fn public_url(configured: Option<&str>, scheme: &str, bound: impl std::fmt::Display) -> String {
    let configured = configured.map(|url| url.trim_end_matches('/').to_owned());
    configured.unwrap_or_else(|| format!("{scheme}://{bound}"))
}

#[cfg(test)]
mod tests;
