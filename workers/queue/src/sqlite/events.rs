//! The event bus: every group has a lane with its own copy of each event.

use async_trait::async_trait;

use super::{SqliteQueue, lanes::Lane, to_json, writer::Write};
use crate::{Event, EventBus, EventDelivery, QueueError, Receipt};

#[async_trait]
impl EventBus for SqliteQueue {
    async fn publish(&self, event: &Event) -> Result<(), QueueError> {
        let payload = to_json("event", event)?;
        self.writer.write(Write::Publish { payload }).await
    }

    async fn declare_group(&self, group: &str) -> Result<(), QueueError> {
        self.writer.write(Write::Declare { lane: Lane::Events(group.to_owned()) }).await
    }

    async fn receive(&self, group: &str) -> Result<EventDelivery, QueueError> {
        let lane = Lane::Events(group.to_owned());
        if !self.lanes.knows(&lane) {
            return Err(QueueError::UnknownGroup(group.to_owned()));
        }
        let (event, receipt) = self.next("event", &[lane]).await?;
        Ok(EventDelivery { event, receipt })
    }

    async fn finish(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.take_off(&receipt).await
    }

    async fn release(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.lanes.release(&receipt);
        Ok(())
    }
}
