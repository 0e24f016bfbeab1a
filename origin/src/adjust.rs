//! Bounds that are changed while the origin runs.

use tokio::sync::watch;

use crate::{Caches, Limits};

/// What may be changed, as in [`Limits`] and [`Caches`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// As [`Limits::address_rate`].
    pub address_rate: u32,
    /// As [`Limits::token_rate`].
    pub token_rate: u32,
    /// As [`Limits::token_streams`]; answers that were begun without a limit are not counted.
    pub token_streams: u32,
    /// As [`Caches::media_bytes`].
    pub media_bytes: u64,
}

/// Changes the bounds of a running origin. Clones reach the same one.
#[derive(Debug, Clone)]
pub struct Adjust(watch::Sender<Option<Bounds>>);

impl Bounds {
    /// Those of an origin that starts.
    pub fn of(limits: &Limits, caches: &Caches) -> Self {
        let Limits { address_rate, token_rate, token_streams, .. } = *limits;
        Self { address_rate, token_rate, token_streams, media_bytes: caches.media_bytes }
    }
}

impl Adjust {
    /// Changes them.
    pub fn to(&self, bounds: Bounds) {
        self.0.send_replace(Some(bounds));
    }

    /// Calls `apply` with each change, for ever.
    pub(crate) async fn watch(&self, apply: impl Fn(&Bounds)) {
        let mut changes = self.0.subscribe();
        changes.mark_changed();
        while changes.changed().await.is_ok() {
            let bounds = *changes.borrow_and_update();
            bounds.iter().for_each(&apply);
        }
    }
}

impl Default for Adjust {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}
