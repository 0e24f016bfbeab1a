//! Publishing: done when the broker has it on disk.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use kinora_media::TraceContext;
use lapin::{
    BasicProperties, Confirmation,
    options::{BasicPublishOptions, QueuePurgeOptions},
    types::{AMQPValue, FieldTable, ShortString},
};

use super::{Inner, Link, broker, topology::Lane};
use crate::QueueError;

/// Tries after the first, 0.1 s to 2 s apart: a broker that restarts is missed for longer, and its
/// callers have their own patience.
const TRIES: usize = 4;
const JSON: &str = "application/json";
/// How long a confirmation may take.
const CONFIRM: Duration = Duration::from_secs(15);

/// A message, and where it goes.
pub(super) struct Letter<'a> {
    pub(super) exchange: ShortString,
    pub(super) key: ShortString,
    pub(super) payload: &'a [u8],
    pub(super) content_type: &'static str,
    pub(super) headers: FieldTable,
    /// Whether it is an error if no queue takes it.
    pub(super) mandatory: bool,
}

impl Inner {
    /// Puts a message on a lane.
    pub(super) async fn add(
        &self,
        lane: &Lane,
        payload: &[u8],
        trace: Option<TraceContext>,
    ) -> Result<(), QueueError> {
        self.demand(std::slice::from_ref(lane)).await?;
        let key = self.names.queue(lane);
        let (exchange, headers) = (ShortString::default(), trace_headers(trace));
        let content_type = JSON;
        let letter = Letter { exchange, key, payload, content_type, headers, mandatory: true };
        self.publish(&letter).await
    }

    /// Sets a message aside.
    pub(super) async fn bury(&self, payload: &[u8], reason: &str) -> Result<(), QueueError> {
        let mut headers = FieldTable::default();
        headers.insert("reason".into(), AMQPValue::LongString(reason.into()));
        let (exchange, key) = (ShortString::default(), self.names.dead());
        let content_type = JSON;
        let letter = Letter { exchange, key, payload, content_type, headers, mandatory: true };
        self.publish(&letter).await
    }

    /// Removes all messages of a queue that nobody holds; how many.
    pub(super) async fn purge(&self, queue: ShortString) -> Result<u64, QueueError> {
        let link = self.link().await?;
        // A channel of its own: a refusal closes it.
        let channel = link.connection.create_channel().await.map_err(broker)?;
        let purged = channel.queue_purge(queue, QueuePurgeOptions::default()).await;
        let purged = purged.map_err(broker)?;
        channel.close(200, "done".into()).await.map_err(broker)?;
        Ok(u64::from(purged))
    }

    /// Sends until it is confirmed. A try whose confirmation was lost may have been taken, so a
    /// message may be there twice.
    pub(super) async fn publish(&self, letter: &Letter<'_>) -> Result<(), QueueError> {
        let mut delays = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(TRIES)
            .build();
        loop {
            let error = match self.try_publish(letter).await {
                Ok(()) => return Ok(()),
                Err(QueueError::Closed) => return Err(QueueError::Closed),
                Err(error) => error,
            };
            let Some(delay) = delays.next() else { return Err(error) };
            tracing::debug!(%error, "cannot publish: trying again");
            tokio::time::sleep(delay).await;
        }
    }

    async fn try_publish(&self, letter: &Letter<'_>) -> Result<(), QueueError> {
        let link = self.link().await?;
        let sent = tokio::time::timeout(CONFIRM, send(&link, letter)).await;
        let confirmed = match sent {
            Ok(confirmed) => confirmed.map_err(broker)?,
            Err(_) => {
                self.distrust(&link).await;
                return Err(QueueError::Broker("it does not confirm".to_owned()));
            }
        };
        match confirmed {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(_)) => {
                self.distrust(&link).await;
                Err(QueueError::Broker(format!("there is no queue '{}'", letter.key)))
            }
            Confirmation::Nack(_) | Confirmation::NotRequested => {
                Err(QueueError::Broker("it did not take a message".to_owned()))
            }
        }
    }
}

/// The trace where tools look for it that know nothing of our payloads (W3C Trace Context: AMQP
/// protocol, application properties; of 0-9-1 they are headers).
pub(super) fn trace_headers(trace: Option<TraceContext>) -> FieldTable {
    let mut headers = FieldTable::default();
    if let Some(trace) = trace {
        let text = AMQPValue::LongString(trace.to_string().into());
        headers.insert(TraceContext::NAME.into(), text);
    }
    headers
}

async fn send(link: &Arc<Link>, letter: &Letter<'_>) -> lapin::Result<Confirmation> {
    let options = BasicPublishOptions { mandatory: letter.mandatory, ..Default::default() };
    let properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_content_type(letter.content_type.into())
        .with_headers(letter.headers.clone());
    let (exchange, key) = (letter.exchange.clone(), letter.key.clone());
    let sent = link.confirmed.basic_publish(exchange, key, options, letter.payload, properties);
    sent.await?.await
}
