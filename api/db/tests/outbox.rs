//! The outbox and the inbox against a real database, with a bus that can refuse.

#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use async_trait::async_trait;
use kinora_db::{Clock, Database, inbox, new_video_id, outbox};
use kinora_media::{AccountId, VideoId};
use kinora_queue::{Event, EventBus, EventData, EventDelivery, QueueError, Receipt};
use kinora_testing::TestDatabase;

/// Records what was published and refuses one video's events.
#[derive(Debug, Default)]
struct Bus {
    published: Mutex<Vec<Event>>,
    refuse: Mutex<Option<VideoId>>,
}

#[async_trait]
impl EventBus for Bus {
    async fn publish(&self, event: &Event) -> Result<(), QueueError> {
        if *self.refuse.lock().unwrap() == Some(event.video) {
            return Err(QueueError::Closed);
        }
        self.published.lock().unwrap().push(event.clone());
        Ok(())
    }
    async fn declare_group(&self, _: &str) -> Result<(), QueueError> {
        Ok(())
    }
    async fn receive(&self, _: &str) -> Result<EventDelivery, QueueError> {
        Err(QueueError::Closed)
    }
    async fn finish(&self, _: Receipt) -> Result<(), QueueError> {
        Ok(())
    }
    async fn release(&self, _: Receipt) -> Result<(), QueueError> {
        Ok(())
    }
}

async fn database() -> (TestDatabase, Database) {
    let home = TestDatabase::new().await;
    let db = Database::open(home.url()).await.unwrap();
    (home, db)
}

async fn append(db: &Database, video: VideoId, version: u32, now_us: i64) -> Event {
    let account = AccountId::new("default").unwrap();
    let mut tx = db.begin_write().await.unwrap();
    let data = EventData::Playable { version, pictures: false };
    let event =
        outbox::append(&mut tx, "transcoding", &account, video, data, None, now_us).await.unwrap();
    tx.commit().await.unwrap();
    event
}

#[tokio::test]
async fn a_refused_event_holds_back_its_own_video_alone() {
    let (_home, db) = database().await;
    let (clock, _) = Clock::manual(100);
    let (a, b) = (new_video_id(), new_video_id());
    let bus = Bus::default();
    *bus.refuse.lock().unwrap() = Some(a);
    append(&db, a, 1, 10).await;
    append(&db, b, 1, 11).await;
    // The clock went back: the order of a video's events must not.
    append(&db, a, 2, 5).await;

    let round = outbox::relay_once(&db, &bus, &clock).await.unwrap();
    assert_eq!((round.published, round.refused), (1, true));
    *bus.refuse.lock().unwrap() = None;
    let round = outbox::relay_once(&db, &bus, &clock).await.unwrap();
    assert_eq!((round.published, round.refused), (2, false));
    assert_eq!(outbox::relay_once(&db, &bus, &clock).await.unwrap().published, 0);

    let seen: Vec<_> =
        bus.published.lock().unwrap().iter().map(|e| (e.video, e.aggregate_version)).collect();
    assert_eq!(seen, [(b, 1), (a, 1), (a, 2)]);
}

#[tokio::test]
async fn a_rolled_back_event_never_was() {
    let (_home, db) = database().await;
    let video = new_video_id();
    let account = AccountId::new("default").unwrap();
    let mut tx = db.begin_write().await.unwrap();
    outbox::append(&mut tx, "catalogue", &account, video, EventData::Deleted, None, 1)
        .await
        .unwrap();
    drop(tx);
    let bus = Bus::default();
    let round = outbox::relay_once(&db, &bus, &Clock::system()).await.unwrap();
    assert_eq!(round.published, 0);
    let mut tx = db.begin_write().await.unwrap();
    let event = outbox::append(&mut tx, "catalogue", &account, video, EventData::Deleted, None, 1)
        .await
        .unwrap();
    assert_eq!(event.aggregate_version, 1, "a version of an event that never was is not used up");
}

#[tokio::test]
async fn events_take_effect_once_and_in_order() {
    let (_home, db) = database().await;
    let video = new_video_id();
    let mut events = Vec::new();
    for version in 1..=4 {
        events.push(append(&db, video, version, 1).await);
    }
    let mut due = Vec::new();
    for arriving in [1, 1, 3, 0, 0, 2, 1, 3] {
        let mut tx = db.begin_write().await.unwrap();
        let now = inbox::accept(&mut tx, "group", events[arriving].clone()).await.unwrap();
        due.push(now.iter().map(|e| e.aggregate_version).collect::<Vec<_>>());
        tx.commit().await.unwrap();
    }
    let nothing = Vec::<u64>::new;
    let (n1, n2, n3) = (nothing(), nothing(), nothing());
    assert_eq!(due, [n1, n2, n3, vec![1, 2], nothing(), vec![3, 4], nothing(), nothing()]);
}

/// Publishes what is due and gives the versions that went out.
async fn go_out(db: &Database, now_us: i64) -> Vec<u64> {
    let bus = Bus::default();
    let (clock, _) = Clock::manual(now_us);
    outbox::relay_once(db, &bus, &clock).await.unwrap();
    let published = bus.published.into_inner().unwrap();
    published.iter().map(|event| event.aggregate_version).collect()
}

async fn take_in(db: &Database, events: &[&Event]) -> Vec<u64> {
    let mut tx = db.begin_write().await.unwrap();
    let mut due = Vec::new();
    for event in events {
        due.extend(inbox::accept(&mut tx, "group", (*event).clone()).await.unwrap());
    }
    tx.commit().await.unwrap();
    due.iter().map(|event| event.aggregate_version).collect()
}

#[tokio::test]
async fn events_that_never_came_are_published_again() {
    const SECOND: i64 = 1_000_000;
    let (_home, db) = database().await;
    let (video, other) = (new_video_id(), new_video_id());
    let mut events = Vec::new();
    for version in 1..=4 {
        events.push(append(&db, video, version, 0).await);
    }
    append(&db, other, 1, 0).await;
    assert_eq!(go_out(&db, SECOND).await.len(), 5);
    let ask = async |now_us| inbox::ask_again(&db, "group", "transcoding", now_us).await.unwrap();
    // The first was taken in, the third waits for the second; the fourth and another's first are lost.
    assert_eq!(take_in(&db, &[&events[0], &events[2]]).await, [1]);
    assert_eq!(ask(20 * SECOND).await, 0, "they may still be on their way");
    assert_eq!(ask(40 * SECOND).await, 3);
    let mut again = go_out(&db, 40 * SECOND).await;
    again.sort_unstable();
    assert_eq!(again, [1, 2, 4]);
    assert_eq!(take_in(&db, &[&events[1], &events[3]]).await, [2, 3, 4]);

    // What nobody takes is asked for more and more seldom.
    assert_eq!(ask(75 * SECOND).await, 0);
    assert_eq!(ask(81 * SECOND).await, 1);
    assert_eq!(go_out(&db, 81 * SECOND).await, [1]);
    assert_eq!(ask(160 * SECOND).await, 0);
    assert_eq!(ask(163 * SECOND).await, 1);
    assert_eq!(inbox::ask_again(&db, "group", "catalogue", 999 * SECOND).await.unwrap(), 0);
}
