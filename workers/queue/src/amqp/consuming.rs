//! Consumers of several lanes on one channel, of which one message is wanted.

use std::time::Duration;

use futures::{
    StreamExt,
    stream::{BoxStream, SelectAll},
};
use lapin::{
    Channel,
    message::Delivery,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicNackOptions},
    types::{FieldTable, ShortString},
};
use tokio_util::sync::CancellationToken;

use super::broker;
use crate::QueueError;

/// What the urgent lanes have over the patient ones: longer than a broker takes to send what it has.
/// A message that is sent and not wanted goes back, which counts towards its deliveries.
const HEAD_START: Duration = Duration::from_millis(20);

/// Consumers that have begun.
#[derive(Default)]
pub(super) struct Consuming {
    tags: Vec<ShortString>,
    messages: SelectAll<BoxStream<'static, Message>>,
    /// One that came already.
    got: Option<(Delivery, bool)>,
}

/// A message, and whether its lane is a patient one.
type Message = (lapin::Result<Delivery>, bool);

impl Consuming {
    /// Consumes a queue as well.
    pub(super) async fn begin(
        &mut self,
        channel: &Channel,
        queue: ShortString,
        patient: bool,
    ) -> lapin::Result<()> {
        let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
        let consumer = channel.basic_consume(queue, ShortString::default(), options, none).await?;
        self.tags.push(consumer.tag());
        self.messages.push(consumer.map(move |message| (message, patient)).boxed());
        Ok(())
    }

    /// Whether there is one right away.
    pub(super) async fn has_one_soon(&mut self) -> Result<bool, QueueError> {
        if let Ok(next) = tokio::time::timeout(HEAD_START, self.messages.next()).await {
            self.got = Some(sound(next)?);
        }
        Ok(self.got.is_some())
    }

    /// The first message, or one that is more urgent and came at the same time; none when it is over.
    /// What others got goes back.
    pub(super) async fn first(
        &mut self,
        channel: &Channel,
        over: &CancellationToken,
    ) -> Result<Option<Delivery>, QueueError> {
        if self.got.is_none() {
            self.got = tokio::select! {
                next = self.messages.next() => Some(sound(next)?),
                () = over.cancelled() => None,
            };
        }
        // The urgent ones last: what they have by now is here when they are told to end.
        for tag in self.tags.drain(..).rev() {
            channel.basic_cancel(tag, BasicCancelOptions::default()).await.map_err(broker)?;
        }
        while let Some((other, patient)) = self.messages.next().await {
            let other = other.map_err(broker)?;
            let better = self.got.as_ref().is_some_and(|(_, got_patient)| *got_patient && !patient);
            let spare = match better {
                true => self.got.replace((other, patient)).map(|(worse, _)| worse),
                false => Some(other),
            };
            if let Some(spare) = spare {
                back(&spare).await.map_err(broker)?;
            }
        }
        Ok(self.got.take().map(|(delivery, _)| delivery))
    }
}

fn sound(next: Option<Message>) -> Result<(Delivery, bool), QueueError> {
    let lost = || QueueError::Broker("the connection was lost".to_owned());
    let (delivery, patient) = next.ok_or_else(lost)?;
    Ok((delivery.map_err(broker)?, patient))
}

/// Puts a message back where it was.
pub(super) async fn back(delivery: &Delivery) -> lapin::Result<bool> {
    delivery.acker.nack(BasicNackOptions { requeue: true, ..Default::default() }).await
}
