//! What every operation of the catalogue reaches for.

use std::{fmt, sync::Arc};

use kinora_db::{Clock, Database};
use kinora_queue::EventBus;
use kinora_store::ObjectStore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::CatalogueConfig,
    upload::{Locks, SpoolDir},
};

pub(crate) struct Core {
    pub(crate) db: Database,
    pub(crate) bus: Arc<dyn EventBus>,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) clock: Clock,
    pub(crate) config: CatalogueConfig,
    pub(crate) spool: SpoolDir,
    pub(crate) locks: Locks,
    /// PATCH requests: they outlive their connections until what they wrote is accounted for.
    pub(crate) writers: TaskTracker,
    /// Cancelled when PATCH requests shall come to an end.
    pub(crate) stopping: CancellationToken,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("config", &self.config).finish_non_exhaustive()
    }
}
