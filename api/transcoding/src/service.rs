//! What the service is made of.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use kinora_db::{Clock, Database};
use kinora_http::Authenticator;
use kinora_media::{VideoId, playback::TokenKeys};
use kinora_plan::ProfileSet;
use kinora_queue::{EventBus, JobQueue};
use kinora_store::ObjectStore;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    config::TranscodingConfig,
    error::TranscodingError,
    orchestrator::{self, plans::Plans},
    progress::Live,
    workload::Flow,
};

/// Called after a head was stored, with the video and the version.
pub type OnHeadChange = Arc<dyn Fn(VideoId, u32) + Send + Sync>;

/// What the service stands on.
#[derive(Clone)]
pub struct TranscodingDeps {
    /// Job state and segment tables.
    pub db: Database,
    /// Where jobs go out and reports come in.
    pub queue: Arc<dyn JobQueue>,
    /// Where the catalogue's events come from.
    pub bus: Arc<dyn EventBus>,
    /// Where the segment index goes.
    pub store: Arc<dyn ObjectStore>,
    /// What time it is.
    pub clock: Clock,
    /// Times and limits.
    pub config: TranscodingConfig,
    /// How titles are encoded.
    pub profiles: Arc<ProfileSet>,
    /// Tells origins that there is a new head.
    pub on_head_change: OnHeadChange,
    /// Who holds API keys.
    pub authenticator: Authenticator,
    /// What playback tokens are signed with.
    pub playback_keys: TokenKeys,
}

/// The transcoding service. Replicas are equal.
pub struct Transcoding {
    pub(crate) deps: TranscodingDeps,
    /// Names this process in heads, to tell its writes from others'.
    pub(crate) writer: String,
    pub(crate) live: Live,
    pub(crate) plans: Plans,
    pub(crate) wake: Wake,
    /// Asked for by everybody who waits, so kept for a moment.
    pub(crate) flow: Mutex<Option<Flow>>,
    /// Videos of which something changed, for those who watch progress.
    pub(crate) changes: broadcast::Sender<VideoId>,
    /// Ends streams of progress, which would hold up a stop: nothing else ends them.
    pub(crate) stopping: CancellationToken,
}

/// Wakes the loops before their timers do.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    pub dispatch: Notify,
    pub publish: Notify,
    pub chores: Notify,
}

impl Transcoding {
    /// Puts the service together; [`Self::run`] starts it.
    pub fn new(deps: TranscodingDeps) -> Arc<Self> {
        Arc::new(Self {
            deps,
            writer: kinora_db::new_event_id().to_string(),
            live: Live::default(),
            plans: Plans::default(),
            wake: Wake::default(),
            flow: Mutex::default(),
            changes: broadcast::channel(1024).0,
            stopping: CancellationToken::new(),
        })
    }

    /// Declares lost whatever this database had in flight. Only for a single process on
    /// embedded adapters, before [`Self::run`]: the workers went down with their orchestrator.
    /// How many jobs were.
    pub async fn recover(&self) -> Result<usize, TranscodingError> {
        self.join().await?;
        orchestrator::leases::recover(self).await
    }

    /// Takes its place among the replicas, before [`Self::run`]. What nobody works on any more is
    /// found by its lease.
    pub async fn join(&self) -> Result<(), TranscodingError> {
        // An event that is published before its group is known reaches nobody: the group must
        // stand before the relay and the gateway do.
        Ok(self.deps.bus.declare_group(orchestrator::PRODUCER).await?)
    }

    /// Works until `shutdown`.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) -> Result<(), TranscodingError> {
        orchestrator::run(self, shutdown).await
    }

    /// What the HTTP API is, for a gateway in another process.
    pub fn document() -> OpenApi {
        crate::http::document()
    }

    /// The routes of the HTTP API, and their part of the OpenAPI document.
    pub fn router(self: &Arc<Self>) -> OpenApiRouter {
        crate::http::router(Arc::clone(self))
    }

    pub(crate) fn now_us(&self) -> i64 {
        self.deps.clock.now_us()
    }

    /// Tells those who watch that something changed.
    pub(crate) fn changed(&self, video: VideoId) {
        // Nobody watching is no error.
        let _ = self.changes.send(video);
    }
}

impl fmt::Debug for Transcoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcoding").field("writer", &self.writer).finish_non_exhaustive()
    }
}
