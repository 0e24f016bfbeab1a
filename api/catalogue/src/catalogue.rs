//! The service as its composition root sees it.

use std::sync::Arc;

use axum::extract::FromRef;
use kinora_db::{Clock, Database};
use kinora_http::Authenticator;
use kinora_plan::ProfileSet;
use kinora_queue::EventBus;
use kinora_store::ObjectStore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    config::CatalogueConfig,
    consumer,
    core::Core,
    error::Error,
    http,
    upload::{Locks, SpoolDir, sweep},
};

/// What the catalogue is made of.
#[derive(Debug)]
pub struct CatalogueDeps {
    /// Its tables, and the outbox.
    pub db: Database,
    /// Where transcoding's events come from.
    pub bus: Arc<dyn EventBus>,
    /// Where sources and captions go.
    pub store: Arc<dyn ObjectStore>,
    /// What time it is.
    pub clock: Clock,
    /// Who may call.
    pub authenticator: Authenticator,
    /// How it behaves.
    pub config: CatalogueConfig,
    /// How videos may be encoded.
    pub profiles: Arc<ProfileSet>,
}

/// The catalogue service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalogue {
    core: Arc<Core>,
    authenticator: Authenticator,
}

/// What handlers extract from.
#[derive(Debug, Clone, FromRef)]
pub(crate) struct HttpState {
    pub(crate) core: Arc<Core>,
    pub(crate) authenticator: Authenticator,
}

impl Catalogue {
    /// Puts the service together and makes its upload folder.
    ///
    /// # Errors
    /// [`Error::Spool`] when the upload folder cannot be made.
    pub fn new(deps: CatalogueDeps) -> Result<Self, Error> {
        let CatalogueDeps { db, bus, store, clock, authenticator, config, profiles } = deps;
        let spool = SpoolDir::open(config.upload_dir.clone())?;
        let stopping = CancellationToken::new();
        let core = Core {
            db,
            bus,
            store,
            clock,
            config,
            profiles,
            spool,
            locks: Locks::default(),
            writers: TaskTracker::new(),
            stopping,
        };
        Ok(Self { core: Arc::new(core), authenticator })
    }

    /// What its part of the public API is, for a gateway in another process.
    pub fn document() -> OpenApi {
        http::router().into_openapi()
    }

    /// Its part of the public API, to be served by the gateway.
    pub fn router(&self) -> OpenApiRouter {
        let (core, authenticator) = (self.core.clone(), self.authenticator.clone());
        http::router().with_state(HttpState { core, authenticator })
    }

    /// Repairs what a crash left: finishes uploads whose bytes are all there, expires old ones,
    /// and removes files and objects that nothing names. Makes its event group known, so that no
    /// event is published past it. Call it before serving and before the outbox relay runs.
    ///
    /// # Errors
    /// When the database, the bus or the upload folder does not answer. An upload that cannot be finished
    /// now is logged and left for later.
    pub async fn recover(&self) -> Result<(), Error> {
        self.core.bus.declare_group(consumer::GROUP).await?;
        sweep::once(&self.core).await
    }

    /// Applies transcoding's events and sweeps uploads until `shutdown`; then ends running PATCH
    /// requests, keeping what they received, and returns.
    ///
    /// # Errors
    /// When the event group cannot be declared.
    pub async fn run(&self, shutdown: CancellationToken) -> Result<(), Error> {
        self.core.bus.declare_group(consumer::GROUP).await?;
        tokio::join!(
            consumer::run(&self.core, &shutdown),
            consumer::keep_asking(&self.core, &shutdown),
            sweep::run(&self.core, &shutdown),
            self.stop_writers(&shutdown),
        );
        Ok(())
    }

    async fn stop_writers(&self, shutdown: &CancellationToken) {
        shutdown.cancelled().await;
        self.core.stopping.cancel();
        self.core.writers.close();
        self.core.writers.wait().await;
    }
}
