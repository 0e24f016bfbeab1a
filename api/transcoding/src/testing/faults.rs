//! What can go wrong between the service and what it talks to.

use std::{
    collections::VecDeque,
    future::{Future, pending},
    pin::Pin,
    sync::Mutex,
};

use tokio::sync::{Notify, oneshot};

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
    /// It hangs, and other things happen before it goes on.
    Stall,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) enum Outcome<T> {
    /// It was taken.
    Done(T),
    /// The service died in it.
    Died,
    /// It hangs: drive it again after [`Faults::resume`].
    Stalled,
}

/// Faults of the operations to come, in order.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    next: Mutex<VecDeque<Option<Fault>>>,
    crashed: Notify,
    stalled: Notify,
    hanging: Mutex<VecDeque<oneshot::Sender<()>>>,
}

impl Faults {
    /// Lets `after` operations pass and strikes the one after them.
    pub(crate) fn plan(&self, after: usize, fault: Fault) {
        let mut next = self.next.lock().unwrap();
        next.extend(std::iter::repeat_n(None, after));
        next.push_back(Some(fault));
    }

    /// Lets everything pass until [`Self::go_on`] gets back what this returns.
    pub(crate) fn hold(&self) -> VecDeque<Option<Fault>> {
        std::mem::take(&mut self.next.lock().unwrap())
    }

    pub(crate) fn go_on(&self, planned: VecDeque<Option<Fault>>) {
        *self.next.lock().unwrap() = planned;
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
            Some(Fault::Stall) => {
                self.stall().await;
                Ok(operation())
            }
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

    async fn stall(&self) {
        let (resume, resumed) = oneshot::channel();
        self.hanging.lock().unwrap().push_back(resume);
        self.stalled.notify_one();
        resumed.await.unwrap();
    }

    /// Lets the operation go on that hangs for longest.
    pub(crate) fn resume(&self) {
        self.hanging.lock().unwrap().pop_front().unwrap().send(()).unwrap();
    }

    /// Drives a step as far as it goes.
    pub(crate) async fn drive<T>(
        &self,
        step: Pin<&mut (impl Future<Output = T> + ?Sized)>,
    ) -> Outcome<T> {
        tokio::select! {
            done = step => Outcome::Done(done),
            () = self.crashed.notified() => Outcome::Died,
            () = self.stalled.notified() => Outcome::Stalled,
        }
    }
}
