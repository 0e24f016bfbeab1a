//! Signs of life and words to workers: told to who listens, kept by nobody.

use futures::StreamExt;
use lapin::{
    BasicProperties, Channel,
    options::{BasicConsumeOptions, BasicPublishOptions, QueueBindOptions, QueueDeclareOptions},
    types::{FieldTable, ShortString},
};
use serde::de::DeserializeOwned;
use tokio::sync::broadcast;

use super::{Inner, broker};
use crate::QueueError;

impl Inner {
    pub(super) async fn tell(
        &self,
        exchange: ShortString,
        payload: &[u8],
    ) -> Result<(), QueueError> {
        let link = self.link().await?;
        let (nobody, options) = (ShortString::default(), BasicPublishOptions::default());
        let properties = BasicProperties::default().with_content_type("application/json".into());
        let told = link.lossy.basic_publish(exchange, nobody, options, payload, properties).await;
        told.map(|_| ()).map_err(broker)
    }

    /// Hands what is told from now on to this process's subscribers.
    pub(super) async fn listen(&self, channel: &Channel) -> lapin::Result<()> {
        follow(channel, self.names.progress(), self.progress.clone()).await?;
        follow(channel, self.names.control(), self.control.clone()).await
    }
}

async fn follow<T: DeserializeOwned + Clone + Send + 'static>(
    channel: &Channel,
    exchange: ShortString,
    listeners: broadcast::Sender<T>,
) -> lapin::Result<()> {
    let ours = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
    let queue = channel.queue_declare(ShortString::default(), ours, FieldTable::default()).await?;
    let (name, none) = (queue.name().clone(), FieldTable::default());
    let bind = QueueBindOptions::default();
    channel.queue_bind(name.clone(), exchange, ShortString::default(), bind, none.clone()).await?;
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume(name, ShortString::default(), options, none).await?;
    // Ends with the channel.
    tokio::spawn(async move {
        while let Some(Ok(delivery)) = consumer.next().await {
            match serde_json::from_slice(&delivery.data) {
                // An error means that nobody listens: it may be lost.
                Ok(told) => drop(listeners.send(told)),
                Err(error) => tracing::debug!(%error, "not understood"),
            }
        }
    });
    Ok(())
}
