//! Answers at once.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// How many answers each token has in flight. It remembers none that has none.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    /// None at 0.
    most: Arc<AtomicU32>,
    counts: Arc<Mutex<HashMap<u64, u32>>>,
}

/// An answer in flight; over when its last clone goes.
#[derive(Debug, Clone)]
pub(crate) struct Ticket(#[allow(dead_code)] Arc<Counted>);

#[derive(Debug)]
struct Counted {
    token: u64,
    of: InFlight,
}

impl InFlight {
    /// `most` of zero sets no limit.
    pub(super) fn new(most: u32) -> Self {
        Self { most: Arc::new(most.into()), counts: Arc::default() }
    }

    pub(super) fn is_limited(&self) -> bool {
        self.most() > 0
    }

    pub(super) fn limit(&self, most: u32) {
        self.most.store(most, Ordering::Relaxed);
    }

    fn most(&self) -> u32 {
        self.most.load(Ordering::Relaxed)
    }

    /// Begins an answer: a ticket where there is a limit, nothing at all where it is reached.
    pub(super) fn begin(&self, token: u64) -> Option<Option<Ticket>> {
        let most = self.most();
        if most == 0 {
            return Some(None);
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(token).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Some(Ticket(Arc::new(Counted { token, of: self.clone() }))))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.of.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.token) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.token);
            }
        }
    }
}
