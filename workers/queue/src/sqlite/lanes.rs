//! Who waits for what, in memory: the ids of messages that are free, by lane, and those claimed.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard},
};

use kinora_media::Priority;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{QueueError, Receipt, lane::JobLane};

/// A line of messages, first in, first out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    Jobs(JobLane),
    Reports,
    Events(String),
}

/// What every consumer and the writer share.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Ids grow with time, so that the least is the oldest.
    free: HashMap<Lane, BTreeSet<i64>>,
    claimed: HashMap<Uuid, (Lane, i64)>,
    closed: bool,
}

impl Lanes {
    /// Makes an event lane known.
    pub(super) fn declare(&self, lane: Lane) {
        self.state().free.entry(lane).or_default();
    }

    pub(super) fn knows(&self, lane: &Lane) -> bool {
        self.state().free.contains_key(lane)
    }

    /// Says that a message is in the file and free.
    pub(super) fn add(&self, lane: Lane, id: i64) {
        self.state().free.entry(lane).or_default().insert(id);
        self.changed.notify_waiters();
    }

    /// Waits for a free message of `lanes`: of the most urgent ones, the oldest.
    pub(super) async fn claim(self: &Arc<Self>, lanes: &[Lane]) -> Result<Claim, QueueError> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From here on no change is missed, also one between looking and waiting.
            changed.as_mut().enable();
            if let Some(claim) = self.try_claim(lanes)? {
                return Ok(claim);
            }
            changed.await;
        }
    }

    fn try_claim(self: &Arc<Self>, lanes: &[Lane]) -> Result<Option<Claim>, QueueError> {
        let mut state = self.state();
        if state.closed {
            return Err(QueueError::Closed);
        }
        let oldest = |lane| Some((*state.free.get(lane)?.first()?, lane));
        let found = lanes.iter().filter_map(oldest);
        let Some((id, lane)) = found.min_by_key(|(id, lane)| (lane.priority(), *id)) else {
            return Ok(None);
        };
        if let Some(free) = state.free.get_mut(lane) {
            free.remove(&id);
        }
        let receipt = Uuid::new_v4();
        state.claimed.insert(receipt, (lane.clone(), id));
        Ok(Some(Claim { lanes: Arc::clone(self), receipt, id, open: true }))
    }

    /// The message a receipt stands for, if it still does.
    pub(super) fn held(&self, receipt: &Receipt) -> Option<(Uuid, i64)> {
        let receipt = Uuid::try_parse(&receipt.0).ok()?;
        self.state().claimed.get(&receipt).map(|(_, id)| (receipt, *id))
    }

    pub(super) fn release(&self, receipt: &Receipt) {
        if let Ok(receipt) = Uuid::try_parse(&receipt.0) {
            self.give_back(receipt);
        }
    }

    /// Says that a claimed message is no longer in the file.
    pub(super) fn forget(&self, receipt: Uuid) {
        self.state().claimed.remove(&receipt);
    }

    /// Everybody who waits, now or later, hears that it is over.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_waiters();
    }

    fn give_back(&self, receipt: Uuid) {
        let mut state = self.state();
        if let Some((lane, id)) = state.claimed.remove(&receipt) {
            state.free.entry(lane).or_default().insert(id);
            drop(state);
            self.changed.notify_waiters();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

/// A message taken from its lane. It goes back unless it is kept.
#[derive(Debug)]
pub(super) struct Claim {
    lanes: Arc<Lanes>,
    receipt: Uuid,
    id: i64,
    open: bool,
}

impl Claim {
    pub(super) fn id(&self) -> i64 {
        self.id
    }

    pub(super) fn receipt(&self) -> Uuid {
        self.receipt
    }

    /// The consumer has it.
    pub(super) fn keep(mut self) -> Receipt {
        self.open = false;
        Receipt(self.receipt.to_string())
    }

    /// The file has it no more.
    pub(super) fn forget(self) {
        self.lanes.forget(self.receipt);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.open {
            self.lanes.give_back(self.receipt);
        }
    }
}

impl Lane {
    fn priority(&self) -> Priority {
        match self {
            Self::Jobs(lane) => lane.priority(),
            Self::Reports | Self::Events(_) => Priority::Interactive,
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jobs(lane) => write!(f, "jobs/{}", lane.name("/")),
            Self::Reports => f.write_str("reports"),
            Self::Events(group) => write!(f, "events/{group}"),
        }
    }
}

/// The file names a lane that this version does not have.
#[derive(Debug)]
pub(super) struct UnknownLane;

impl FromStr for Lane {
    type Err = UnknownLane;

    fn from_str(text: &str) -> Result<Self, UnknownLane> {
        match text.split_once('/') {
            None if text == "reports" => Ok(Self::Reports),
            Some(("events", group)) => Ok(Self::Events(group.to_owned())),
            Some(("jobs", name)) => JobLane::parse(name, "/").map(Self::Jobs).ok_or(UnknownLane),
            _ => Err(UnknownLane),
        }
    }
}

#[cfg(test)]
mod tests {
    use kinora_plan::{device::EncoderFamily, job::JobClass};

    use super::*;

    fn jobs(classes: &[JobClass]) -> Vec<Lane> {
        JobLane::all(classes, &EncoderFamily::DEVICES).into_iter().map(Lane::Jobs).collect()
    }

    #[test]
    fn lanes_have_one_spelling() {
        let events = Lane::Events("transcoding/a".into());
        for lane in jobs(&JobClass::ALL).into_iter().chain([Lane::Reports, events]) {
            assert_eq!(lane.to_string().parse::<Lane>().unwrap(), lane);
        }
        let lane = &jobs(&[JobClass::EncodeChunk])[0];
        assert_eq!(lane.to_string(), "jobs/encode_chunk", "as the version before calls it");
        assert!("jobs/paint".parse::<Lane>().is_err());
        assert!("letters".parse::<Lane>().is_err());
    }

    #[tokio::test]
    async fn the_oldest_of_several_lanes_comes_first_and_a_dropped_claim_goes_back() {
        let lanes = Arc::new(Lanes::default());
        let [probe, chunk] =
            [JobClass::Probe, JobClass::EncodeChunk].map(|class| jobs(&[class]).remove(0));
        lanes.add(probe.clone(), 2);
        lanes.add(chunk.clone(), 1);
        let both = [probe, chunk];
        let first = lanes.claim(&both).await.unwrap();
        assert_eq!(first.id(), 1);
        drop(first);
        let again = lanes.claim(&both).await.unwrap();
        assert_eq!(again.id(), 1);
        let receipt = again.keep();
        assert_eq!(lanes.claim(&both).await.unwrap().id(), 2);
        lanes.release(&receipt);
        assert!(lanes.held(&receipt).is_none());
    }
}
