//! Who writes to which upload.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
};

use tokio_util::sync::CancellationToken;

use crate::model::UploadId;

/// One holder an upload, in this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Locks(Arc<Mutex<HashMap<UploadId, Signals>>>);

#[derive(Debug, Clone, Default)]
struct Signals {
    interrupt: CancellationToken,
    released: CancellationToken,
}

/// The right to write to an upload, until dropped.
#[derive(Debug)]
pub(crate) struct Held {
    locks: Locks,
    id: UploadId,
    signals: Signals,
}

impl Locks {
    /// The lock, unless somebody holds it.
    pub(crate) fn try_hold(&self, id: UploadId) -> Option<Held> {
        self.hold(id).ok()
    }

    /// The lock, after asking its holder to stop.
    pub(crate) async fn take_over(&self, id: UploadId) -> Held {
        loop {
            match self.hold(id) {
                Ok(held) => return held,
                Err(holder) => {
                    holder.interrupt.cancel();
                    holder.released.cancelled().await;
                }
            }
        }
    }

    fn hold(&self, id: UploadId) -> Result<Held, Signals> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match map.entry(id) {
            Entry::Occupied(holder) => Err(holder.get().clone()),
            Entry::Vacant(free) => {
                let signals = free.insert(Signals::default()).clone();
                Ok(Held { locks: self.clone(), id, signals })
            }
        }
    }
}

impl Held {
    /// Ends when somebody wants the holder to stop.
    pub(crate) async fn interrupted(&self) {
        self.signals.interrupt.cancelled().await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut map = self.locks.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.remove(&self.id);
        drop(map);
        self.signals.released.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_holds_and_another_takes_over() {
        let (locks, id) = (Locks::default(), UploadId::new());
        let held = locks.try_hold(id).unwrap();
        assert!(locks.try_hold(id).is_none());
        assert!(locks.try_hold(UploadId::new()).is_some());
        let holder = async {
            held.interrupted().await;
            drop(held);
        };
        let (taken, ()) = tokio::join!(locks.take_over(id), holder);
        assert!(locks.try_hold(id).is_none());
        drop(taken);
        assert!(locks.try_hold(id).is_some());
        assert!(locks.0.lock().unwrap().is_empty());
    }
}
