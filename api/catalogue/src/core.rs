//! What every operation of the catalogue reaches for.

use std::{fmt, sync::Arc};

use kinora_db::{Clock, Database};
use kinora_plan::ProfileSet;
use kinora_queue::EventBus;
use kinora_store::ObjectStore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::CatalogueConfig,
    error::Error,
    upload::{Locks, SpoolDir},
};

pub(crate) struct Core {
    pub(crate) db: Database,
    pub(crate) bus: Arc<dyn EventBus>,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) clock: Clock,
    pub(crate) config: CatalogueConfig,
    pub(crate) profiles: Arc<ProfileSet>,
    pub(crate) spool: SpoolDir,
    pub(crate) locks: Locks,
    /// PATCH requests: they outlive their connections until what they wrote is accounted for.
    pub(crate) writers: TaskTracker,
    /// Cancelled when PATCH requests shall come to an end.
    pub(crate) stopping: CancellationToken,
}

impl Core {
    /// The name of the profile a new video gets: the one asked for, or the one in force where
    /// nobody asks. Settled when the video is made, so that it can be shown.
    ///
    /// # Errors
    /// [`Error::NoProfile`].
    pub(crate) fn profile(&self, asked: Option<&str>) -> Result<String, Error> {
        Ok(match asked {
            Some(name) => self.profiles.find(name)?.name.clone(),
            None => self.profiles.default_profile().name.clone(),
        })
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("config", &self.config).finish_non_exhaustive()
    }
}
