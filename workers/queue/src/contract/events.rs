//! Promises of the event bus.

use kinora_media::{AccountId, TraceContext, VideoId};
use uuid::Uuid;

use super::{Fixture, never, soon};
use crate::{Event, EventBus, EventData, EventDelivery, QueueError};

async fn publish(bus: &dyn EventBus, aggregate_version: u64) -> Event {
    let event = Event {
        id: Uuid::now_v7(),
        producer: "contract".into(),
        account: AccountId::new("contract").expect("a word"),
        video: VideoId(Uuid::nil()),
        aggregate_version,
        occurred_at_us: 1,
        trace: Some(TraceContext::begin(Uuid::new_v4())),
        data: EventData::Playable { version: 1, pictures: false },
    };
    bus.publish(&event).await.expect("publish");
    event
}

async fn receive(bus: &dyn EventBus, group: &str) -> EventDelivery {
    soon("an event", bus.receive(group)).await.expect("receive")
}

/// Each group has its own copy of every event published since it was declared, in order.
pub async fn groups_are_independent(fixture: &dyn Fixture) {
    let bus = fixture.open().await.events;
    bus.declare_group("early").await.expect("declare_group");
    let first = publish(&*bus, 1).await;
    bus.declare_group("late").await.expect("declare_group");
    bus.declare_group("early").await.expect("declaring twice is no error");
    let second = publish(&*bus, 2).await;

    let delivery = receive(&*bus, "early").await;
    assert_eq!(delivery.event, first);
    bus.finish(delivery.receipt).await.expect("finish");
    assert_eq!(receive(&*bus, "late").await.event, second);
    assert_eq!(receive(&*bus, "early").await.event, second);
    never("an event from before the group", bus.receive("late")).await;
    never("an event that somebody holds", bus.receive("early")).await;
}

/// An event that was given back comes at once, to its own group alone.
pub async fn a_released_event_comes_back_to_its_group(fixture: &dyn Fixture) {
    let bus = fixture.open().await.events;
    bus.declare_group("a").await.expect("declare_group");
    bus.declare_group("b").await.expect("declare_group");
    let event = publish(&*bus, 1).await;
    let other = receive(&*bus, "b").await;
    bus.finish(other.receipt).await.expect("finish");
    let delivery = receive(&*bus, "a").await;
    bus.release(delivery.receipt).await.expect("release");
    assert_eq!(receive(&*bus, "a").await.event, event);
    never("an event that this group finished", bus.receive("b")).await;
}

/// Groups, and what they did not finish, survive a crash.
pub async fn groups_survive_a_crash(fixture: &dyn Fixture) {
    let ports = fixture.open().await;
    ports.events.declare_group("a").await.expect("declare_group");
    let held = publish(&*ports.events, 1).await;
    assert_eq!(receive(&*ports.events, "a").await.event, held);
    drop(ports);
    let bus = fixture.open().await.events;
    let next = publish(&*bus, 2).await;
    assert_eq!(receive(&*bus, "a").await.event, held);
    assert_eq!(receive(&*bus, "a").await.event, next);
}

/// Waiting in the name of a group that nobody declared is an error, not a wait for ever.
pub async fn an_unknown_group_is_an_error(fixture: &dyn Fixture) {
    let bus = fixture.open().await.events;
    let error = soon("an answer", bus.receive("nobody")).await.expect_err("no such group");
    assert!(matches!(error, QueueError::UnknownGroup(group) if group == "nobody"));
}
