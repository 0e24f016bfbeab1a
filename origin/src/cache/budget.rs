//! A bound on the bytes of media in memory, kept and on their way to clients together.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A page of memory: what is counted in.
const PAGE: u64 = 4096;

/// What memory may still be taken.
#[derive(Debug)]
pub(crate) struct Budget {
    pages: Arc<Semaphore>,
    patience: Duration,
}

/// Memory that was taken; given back when it goes.
#[derive(Debug)]
pub(crate) struct Taken {
    pages: OwnedSemaphorePermit,
}

impl Taken {
    /// Of it what `bytes` take, or all there is.
    pub(crate) fn split(&mut self, bytes: u64) -> Self {
        let pages = usize::try_from(bytes.div_ceil(PAGE)).unwrap_or(usize::MAX);
        let pages = self.pages.split(pages.min(self.pages.num_permits()));
        Self { pages: pages.expect("no more is split off than there is") }
    }
}

/// All of it is held by clients that take their time.
#[derive(Debug, thiserror::Error)]
#[error("the memory for media is held by slow clients")]
pub(crate) struct Exhausted;

impl Budget {
    /// `patience` is how long to wait for slow clients to let go before giving up.
    pub(crate) fn new(bytes: u64, patience: Duration) -> Self {
        let pages = usize::try_from(bytes / PAGE).unwrap_or(usize::MAX);
        let pages = Arc::new(Semaphore::new(pages.clamp(1, Semaphore::MAX_PERMITS)));
        Self { pages, patience }
    }

    /// As if `to` bytes had been counted in place of `from`. What is to go, goes when it is free.
    pub(crate) fn adjust(&self, from: u64, to: u64) {
        let (from, to) = (from / PAGE, to / PAGE);
        if to > from {
            let room = Semaphore::MAX_PERMITS - self.pages.available_permits();
            self.pages.add_permits(usize::try_from(to - from).unwrap_or(room).min(room / 2));
            return;
        }
        let pages = Arc::clone(&self.pages);
        tokio::spawn(async move {
            let mut left = from - to;
            while left > 0 {
                let some = left.min(1 << 16);
                let Ok(taken) = pages.acquire_many(u32::try_from(some).unwrap_or(1 << 16)).await
                else {
                    return;
                };
                taken.forget();
                left -= some;
            }
        });
    }

    /// Takes `bytes`, in whole pages, once there are that many: first come, first served.
    pub(crate) async fn take(&self, bytes: u64) -> Result<Taken, Exhausted> {
        let pages = u32::try_from(bytes.div_ceil(PAGE)).map_err(|_| Exhausted)?;
        let taken = Arc::clone(&self.pages).acquire_many_owned(pages);
        match tokio::time::timeout(self.patience, taken).await {
            Ok(Ok(pages)) => Ok(Taken { pages }),
            _ => Err(Exhausted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_than_there_is() {
        let budget = Budget::new(4 * PAGE, Duration::from_millis(20));
        let held = budget.take(PAGE + 1).await.unwrap();
        let rest = budget.take(2 * PAGE).await.unwrap();
        assert!(budget.take(1).await.is_err(), "after some patience");
        let waiting = budget.take(1);
        drop(held);
        waiting.await.unwrap();
        budget.adjust(4 * PAGE, 6 * PAGE);
        drop((rest, budget.take(4 * PAGE).await.unwrap()));
        budget.adjust(6 * PAGE, PAGE);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(budget.take(2 * PAGE).await.is_err());
        budget.take(PAGE).await.unwrap();
    }
}
