//! A bus in memory that remembers what was published.

use std::{
    future::pending,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use kinora_media::VideoId;
use kinora_queue::{Event, EventBus, EventDelivery, QueueError, Receipt};

use super::faults::Faults;

#[derive(Debug)]
pub(crate) struct SimBus {
    faults: Arc<Faults>,
    published: Mutex<Vec<Event>>,
}

impl SimBus {
    pub(crate) fn new(faults: Arc<Faults>) -> Self {
        Self { faults, published: Mutex::default() }
    }

    /// What a consumer that ignores duplicates saw of a video. Fails on a gap or a changed event.
    pub(crate) fn seen(&self, video: VideoId) -> Vec<Event> {
        let mut seen: Vec<Event> = Vec::new();
        for event in self.published.lock().unwrap().iter().filter(|event| event.video == video) {
            let version = usize::try_from(event.aggregate_version).unwrap();
            match seen.get(version - 1) {
                Some(before) => assert_eq!(before, event, "a version was used twice"),
                None => {
                    assert_eq!(version, seen.len() + 1, "an event was lost or overtaken");
                    seen.push(event.clone());
                }
            }
        }
        seen
    }
}

#[async_trait]
impl EventBus for SimBus {
    async fn publish(&self, event: &Event) -> Result<(), QueueError> {
        let publish = || self.published.lock().unwrap().push(event.clone());
        self.faults.around(publish, || QueueError::Closed).await
    }

    async fn declare_group(&self, _: &str) -> Result<(), QueueError> {
        Ok(())
    }

    async fn receive(&self, _: &str) -> Result<EventDelivery, QueueError> {
        pending().await
    }

    async fn finish(&self, _: Receipt) -> Result<(), QueueError> {
        Ok(())
    }

    async fn release(&self, _: Receipt) -> Result<(), QueueError> {
        Ok(())
    }
}
