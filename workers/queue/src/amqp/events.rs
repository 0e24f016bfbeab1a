//! The event bus: every group has a queue with its own copy of each event.

use async_trait::async_trait;

use super::{
    AmqpQueue, cloud_event,
    publish::{Letter, trace_headers},
    topology::Lane,
};
use crate::{Event, EventBus, EventDelivery, QueueError, Receipt};

#[async_trait]
impl EventBus for AmqpQueue {
    async fn publish(&self, event: &Event) -> Result<(), QueueError> {
        let written = cloud_event::write(event);
        let (payload, kind) =
            written.map_err(|source| QueueError::Payload { what: "event", source })?;
        let letter = Letter {
            exchange: self.0.names.events(),
            key: format!("{}.{kind}", event.producer).into(),
            payload: &payload,
            content_type: cloud_event::MEDIA_TYPE,
            headers: trace_headers(event.trace),
            // Where no group was declared nobody wants it.
            mandatory: false,
        };
        self.0.publish(&letter).await
    }

    async fn declare_group(&self, group: &str) -> Result<(), QueueError> {
        let link = self.0.link().await?;
        self.0.make_lane(&link, &Lane::Events(group.to_owned())).await
    }

    async fn receive(&self, group: &str) -> Result<EventDelivery, QueueError> {
        let lanes = vec![Lane::Events(group.to_owned())];
        let (event, receipt) = self.0.next("event", lanes, cloud_event::read).await?;
        Ok(EventDelivery { event, receipt })
    }

    async fn finish(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.0.take_off(&receipt).await;
        Ok(())
    }

    async fn release(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.0.give_back(&receipt).await;
        Ok(())
    }
}
