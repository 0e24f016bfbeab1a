//! The services of the API, on the adapters that are configured.

use std::sync::Arc;

use anyhow::Context;
use kinora_catalogue::{Catalogue, CatalogueConfig, CatalogueDeps};
use kinora_db::{Clock, Database};
use kinora_http::Authenticator;
use kinora_media::{AccountId, playback::TokenKeys};
use kinora_origin::Notices;
use kinora_transcoding::{Transcoding, TranscodingDeps};

use crate::{
    config::Config, data_dir::DataDir, profiles, queue::Queue, serve::Group, store::Store,
};

/// The tenant of a server without a users service.
const ACCOUNT: &str = "default";

/// What the services stand on.
pub(crate) struct Adapters<'a> {
    pub(crate) db: Database,
    pub(crate) queue: &'a Queue,
    pub(crate) store: &'a Store,
    pub(crate) clock: Clock,
}

impl<'a> Adapters<'a> {
    pub(crate) async fn open(
        config: &Config,
        queue: &'a Queue,
        store: &'a Store,
    ) -> anyhow::Result<Self> {
        let db = Database::open_with(&config.database_url(), config.database.connections)
            .await
            .with_context(|| format!("cannot open the database {}", config.database_name()))?;
        Ok(Self { db, queue, store, clock: Clock::system() })
    }
}

/// What opens the API and private videos.
pub(crate) struct Secrets {
    authenticator: Authenticator,
    /// The first signs, all open.
    tokens: TokenKeys,
}

impl Secrets {
    pub(crate) fn open(data: &DataDir, tokens: TokenKeys) -> anyhow::Result<Self> {
        let account = AccountId::new(ACCOUNT).context("the account's name")?;
        let authenticator = Authenticator::new(vec![data.admin_key(account)?]);
        Ok(Self { authenticator, tokens })
    }
}

/// The services of the API.
pub(crate) struct Services {
    catalogue: Catalogue,
    pub(crate) transcoding: Arc<Transcoding>,
}

impl Services {
    pub(crate) fn new(
        config: &Config,
        adapters: &Adapters<'_>,
        secrets: &Secrets,
        notices: &Notices,
        gateway_url: &str,
        origin_url: &str,
    ) -> anyhow::Result<Self> {
        let profiles = Arc::new(profiles::load(&config.transcoding)?);
        let token_keys = secrets.tokens.clone();
        let mut catalogue =
            CatalogueConfig::new(config.upload_dir(), origin_url, gateway_url, token_keys.clone());
        catalogue.max_upload_bytes = config.upload.max_bytes;
        catalogue.upload_reserve_bytes = config.upload.reserve_bytes;
        catalogue.quota_bytes = Some(config.upload.quota_bytes).filter(|bytes| *bytes > 0);
        catalogue.max_queued_videos = Some(config.upload.max_queued).filter(|videos| *videos > 0);
        catalogue.quota_media_ms = config.to_transcoding().quota_ms;
        catalogue.store_dir = adapters.store.folder();
        let catalogue = Catalogue::new(CatalogueDeps {
            db: adapters.db.clone(),
            bus: adapters.queue.bus(),
            store: adapters.store.objects(),
            clock: adapters.clock.clone(),
            authenticator: secrets.authenticator.clone(),
            config: catalogue,
            profiles: Arc::clone(&profiles),
        })?;
        let notices = notices.clone();
        let transcoding = Transcoding::new(TranscodingDeps {
            db: adapters.db.clone(),
            queue: adapters.queue.jobs(),
            bus: adapters.queue.bus(),
            store: adapters.store.objects(),
            clock: adapters.clock.clone(),
            config: config.to_transcoding(),
            profiles,
            on_head_change: Arc::new(move |video, version| notices.notify_head(video, version)),
            authenticator: secrets.authenticator.clone(),
            playback_keys: token_keys,
        });
        Ok(Self { catalogue, transcoding })
    }

    /// Repairs what the last process left, before anything is served.
    pub(crate) async fn recover(&self, queue: &Queue) -> anyhow::Result<()> {
        self.catalogue.recover().await.context("cannot repair uploads")?;
        if queue.is_shared() {
            // Workers elsewhere may be at their jobs; what nobody is at, leases give away.
            return self.transcoding.join().await.context("cannot listen to events");
        }
        let jobs = self.transcoding.recover().await.context("cannot recover jobs")?;
        if jobs > 0 {
            tracing::info!(jobs, "jobs that were running when the last process ended go out again");
        }
        Ok(())
    }

    pub(crate) fn routers(&self) -> Vec<utoipa_axum::router::OpenApiRouter> {
        vec![self.catalogue.router(), self.transcoding.router()]
    }

    pub(crate) fn spawn(&self, group: &mut Group, adapters: &Adapters<'_>) {
        let stop = group.stop.clone();
        let catalogue = self.catalogue.clone();
        group.spawn("catalogue", {
            let stop = stop.clone();
            async move { Ok(catalogue.run(stop).await?) }
        });
        let transcoding = Arc::clone(&self.transcoding);
        group.spawn("transcoding", {
            let stop = stop.clone();
            async move { Ok(transcoding.run(stop).await?) }
        });
        let (db, bus, clock) = (adapters.db.clone(), adapters.queue.bus(), adapters.clock.clone());
        group.spawn("outbox relay", async move {
            kinora_db::outbox::relay(db, bus, clock, stop).await;
            Ok(())
        });
    }
}
