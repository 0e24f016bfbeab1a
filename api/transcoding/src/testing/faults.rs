//! What can go wrong between the service and what it talks to.

use std::{collections::VecDeque, future::pending, sync::Mutex};

use tokio::sync::Notify;

/// What happens to one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails without an effect.
    Refuse,
    /// It has its effect, and then fails.
    Ambiguous,
    /// The service dies before it.
    CrashBefore,
    /// The service dies after it.
    CrashAfter,
}

/// Faults of the operations to come, in order.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    next: Mutex<VecDeque<Option<Fault>>>,
    crashed: Notify,
}

impl Faults {
    /// Lets `after` operations pass and strikes the one after them.
    pub(crate) fn plan(&self, after: usize, fault: Fault) {
        let mut next = self.next.lock().unwrap();
        next.extend(std::iter::repeat_n(None, after));
        next.push_back(Some(fault));
    }

    pub(crate) fn clear(&self) {
        self.next.lock().unwrap().clear();
    }

    /// Performs an operation, or what its fault makes of it.
    pub(crate) async fn around<T, E>(
        &self,
        operation: impl FnOnce() -> T,
        error: impl FnOnce() -> E,
    ) -> Result<T, E> {
        let fault = self.next.lock().unwrap().pop_front().flatten();
        match fault {
            None => Ok(operation()),
            Some(Fault::Refuse) => Err(error()),
            Some(Fault::Ambiguous) => {
                operation();
                Err(error())
            }
            Some(Fault::CrashBefore) => self.crash().await,
            Some(Fault::CrashAfter) => {
                operation();
                self.crash().await
            }
        }
    }

    async fn crash<T>(&self) -> T {
        self.crashed.notify_one();
        pending().await
    }

    /// What comes of `step`; `None` if the service died in it.
    pub(crate) async fn survive<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = step => Some(done),
            () = self.crashed.notified() => None,
        }
    }
}
