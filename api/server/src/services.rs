//! The services of the API, on the adapters that are configured.

use std::sync::Arc;

use anyhow::Context;
use kinora_catalogue::{Catalogue, CatalogueConfig, CatalogueDeps};
use kinora_db::{Clock, Database, DbError};
use kinora_http::Authenticator;
use kinora_transcoding::{Transcoding, TranscodingDeps};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    config::Config, front::Ground, profiles, queue::Queue, serve::Group, store::Store, wait,
};

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
        let (url, connections) = (config.database_url(), config.database.connections);
        let open = async || Database::open_with(&url, connections).await;
        let db = wait::until_there("the database", open, DbError::is_unavailable)
            .await
            .with_context(|| format!("cannot open the database {}", config.database_name()))?;
        let clock = Clock::of(&db).await.context("the database does not say what time it is")?;
        Ok(Self { db, queue, store, clock })
    }
}

/// Where people are sent.
pub(crate) struct Addresses<'a> {
    pub(crate) gateway: &'a str,
    pub(crate) origin: &'a str,
}

/// The services of this process.
#[derive(Default)]
pub(crate) struct Services {
    pub(crate) catalogue: Option<Catalogue>,
    pub(crate) transcoding: Option<Arc<Transcoding>>,
}

impl Services {
    pub(crate) fn new(
        ground: &Ground<'_>,
        adapters: &Adapters<'_>,
        authenticator: &Authenticator,
        addresses: &Addresses<'_>,
    ) -> anyhow::Result<Self> {
        let mut services = Self::default();
        let profiles = Arc::new(profiles::load(&ground.config.transcoding)?);
        if ground.roles.catalogue {
            services.catalogue = Some(Catalogue::new(CatalogueDeps {
                db: adapters.db.clone(),
                bus: adapters.queue.bus(),
                store: adapters.store.objects(),
                clock: adapters.clock.clone(),
                authenticator: authenticator.clone(),
                config: catalogue_config(ground, adapters, addresses),
                profiles: Arc::clone(&profiles),
            })?);
        }
        if ground.roles.transcoding {
            let notices = ground.notices.clone();
            services.transcoding = Some(Transcoding::new(TranscodingDeps {
                db: adapters.db.clone(),
                queue: adapters.queue.jobs(),
                bus: adapters.queue.bus(),
                store: adapters.store.objects(),
                clock: adapters.clock.clone(),
                config: ground.config.to_transcoding(),
                profiles,
                on_head_change: Arc::new(move |video, version| notices.notify_head(video, version)),
                authenticator: authenticator.clone(),
                playback_keys: ground.tokens.clone(),
            }));
        }
        Ok(services)
    }

    /// Repairs what the last process left, before anything is served.
    pub(crate) async fn recover(&self, queue: &Queue) -> anyhow::Result<()> {
        if queue.is_shared() {
            // Also for a service that was never started yet: what is published before a group is
            // known reaches none of it.
            for group in [kinora_catalogue::GROUP, kinora_transcoding::GROUP] {
                queue.bus().declare_group(group).await.context("cannot listen to events")?;
            }
        }
        if let Some(catalogue) = &self.catalogue {
            catalogue.recover().await.context("cannot repair uploads")?;
        }
        let Some(transcoding) = &self.transcoding else { return Ok(()) };
        if queue.is_shared() {
            // Workers elsewhere may be at their jobs; what nobody is at, leases give away.
            return transcoding.join().await.context("cannot listen to events");
        }
        let jobs = transcoding.recover().await.context("cannot recover jobs")?;
        if jobs > 0 {
            tracing::info!(jobs, "jobs that were running when the last process ended go out again");
        }
        Ok(())
    }

    pub(crate) fn routers(&self) -> Vec<OpenApiRouter> {
        let catalogue = self.catalogue.iter().map(Catalogue::router);
        catalogue.chain(self.transcoding.iter().map(Transcoding::router)).collect()
    }

    pub(crate) fn spawn(&self, group: &mut Group, adapters: &Adapters<'_>) {
        let stop = group.stop.clone();
        if let Some(catalogue) = self.catalogue.clone() {
            let stop = stop.clone();
            group.spawn("catalogue", async move { Ok(catalogue.run(stop).await?) });
        }
        if let Some(transcoding) = self.transcoding.clone() {
            let stop = stop.clone();
            group.spawn("transcoding", async move { Ok(transcoding.run(stop).await?) });
        }
        let (db, bus, clock) = (adapters.db.clone(), adapters.queue.bus(), adapters.clock.clone());
        group.spawn("outbox relay", async move {
            kinora_db::outbox::relay(db, bus, clock, stop).await;
            Ok(())
        });
    }
}

fn catalogue_config(
    ground: &Ground<'_>,
    adapters: &Adapters<'_>,
    addresses: &Addresses<'_>,
) -> CatalogueConfig {
    let (config, tokens) = (ground.config, ground.tokens.clone());
    let (origin, gateway) = (addresses.origin, addresses.gateway);
    let mut catalogue = CatalogueConfig::new(config.upload_dir(), origin, gateway, tokens);
    catalogue.max_upload_bytes = config.upload.max_bytes;
    catalogue.upload_reserve_bytes = config.upload.reserve_bytes;
    catalogue.quota_bytes = Some(config.upload.quota_bytes).filter(|bytes| *bytes > 0);
    catalogue.max_queued_videos = Some(config.upload.max_queued).filter(|videos| *videos > 0);
    catalogue.quota_media_ms = config.to_transcoding().quota_ms;
    catalogue.store_dir = adapters.store.folder();
    catalogue
}
