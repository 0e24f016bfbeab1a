//! What there is on the broker, and how it is called.

use kinora_plan::{device::EncoderFamily, job::JobClass};
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, ShortString},
};

use crate::lane::JobLane;

/// Deliveries of one message before it is taken for poison. A high backstop: the orchestrator
/// counts attempts, and messages are handed back for many a good reason.
const DELIVERIES: i64 = 1000;

/// A line of messages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    Jobs(JobLane),
    Reports,
    Events(String),
}

impl Lane {
    /// See [`JobLane::all`].
    pub(super) fn of(classes: &[JobClass], devices: &[EncoderFamily]) -> Vec<Self> {
        JobLane::all(classes, devices).into_iter().map(Self::Jobs).collect()
    }

    /// Whether it is made when somebody asks for it: where there are no graphics processors, their
    /// lanes would be so many queues for nothing.
    pub(super) fn is_made_on_demand(&self) -> bool {
        matches!(self, Self::Jobs(lane) if lane.is_for_a_device())
    }

    /// Whether what is on it may take its time.
    pub(super) fn is_patient(&self) -> bool {
        matches!(self, Self::Jobs(lane) if lane.is_patient())
    }
}

/// Names, each beginning with the namespace.
#[derive(Debug)]
pub(super) struct Names(String);

/// The exchange that hands an event to every group.
pub(crate) fn events_exchange(namespace: &str) -> String {
    Names::new(namespace).events().to_string()
}

impl Names {
    pub(super) fn new(namespace: &str) -> Self {
        Self(namespace.to_owned())
    }

    /// The queue of a lane.
    pub(super) fn queue(&self, lane: &Lane) -> ShortString {
        match lane {
            Lane::Jobs(lane) => self.name(&format!("jobs.{}", lane.name("."))),
            Lane::Reports => self.name("reports"),
            Lane::Events(group) => self.name(&format!("events.{group}")),
        }
    }

    /// The exchange that hands an event to every group.
    pub(super) fn events(&self) -> ShortString {
        self.name("events")
    }

    /// The exchange of signs of life.
    pub(super) fn progress(&self) -> ShortString {
        self.name("progress")
    }

    /// The exchange of words to workers.
    pub(super) fn control(&self) -> ShortString {
        self.name("control")
    }

    /// The queue of what nobody could read or finish.
    pub(super) fn dead(&self) -> ShortString {
        self.name("dead")
    }

    fn name(&self, text: &str) -> ShortString {
        format!("{}.{text}", self.0).into()
    }

    /// The lanes that do not depend on who asks.
    pub(super) fn lanes() -> impl Iterator<Item = Lane> {
        Lane::of(&JobClass::ALL, &[]).into_iter().chain([Lane::Reports])
    }

    /// Makes what is no lane.
    pub(super) async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        let dead = arguments(&[("x-queue-type", "quorum")]);
        channel.queue_declare(self.dead(), QueueDeclareOptions::durable(), dead).await?;
        let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
        let exchanges = [
            (self.events(), ExchangeKind::Topic),
            (self.progress(), ExchangeKind::Fanout),
            (self.control(), ExchangeKind::Fanout),
        ];
        for (name, kind) in exchanges {
            channel.exchange_declare(name, kind, durable, FieldTable::default()).await?;
        }
        Ok(())
    }

    /// Makes the queue of a lane.
    pub(super) async fn declare_lane(&self, channel: &Channel, lane: &Lane) -> lapin::Result<()> {
        let mut lasting = arguments(&[
            ("x-queue-type", "quorum"),
            ("x-dead-letter-exchange", ""),
            ("x-dead-letter-routing-key", self.dead().as_str()),
            ("x-dead-letter-strategy", "at-least-once"),
            // What at-least-once asks for.
            ("x-overflow", "reject-publish"),
        ]);
        lasting.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(DELIVERIES));
        let queue = self.queue(lane);
        channel.queue_declare(queue.clone(), QueueDeclareOptions::durable(), lasting).await?;
        if let Lane::Events(_) = lane {
            let (all, none) = (QueueBindOptions::default(), FieldTable::default());
            channel.queue_bind(queue, self.events(), "#".into(), all, none).await?;
        }
        Ok(())
    }
}

fn arguments(pairs: &[(&str, &str)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in pairs {
        table.insert((*name).into(), AMQPValue::LongString((*value).into()));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Jobs of the version before are on the urgent lanes, and its workers ask for no others.
    #[test]
    fn urgent_lanes_are_called_as_they_were_before_there_were_others() {
        let (names, lanes) = (Names::new("kinora"), Lane::of(&JobClass::ALL, &[]));
        let called: Vec<_> = lanes.iter().map(|lane| names.queue(lane).to_string()).collect();
        assert_eq!(&called[..2], ["kinora.jobs.probe", "kinora.jobs.encode_chunk"]);
        assert_eq!(&called[6..8], ["kinora.jobs.probe.bulk", "kinora.jobs.encode_chunk.bulk"]);
    }
}
