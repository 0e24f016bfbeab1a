//! What transcoding says, in whatever order it arrives.

use kinora_media::VideoId;
use kinora_queue::{EventBus, EventData};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use serde_json::Value;

use crate::{support::House, videos::without_ids};

fn planned() -> EventData {
    EventData::Planned {
        version: 1,
        duration_us: 20_000_000,
        width: 1920,
        height: 1080,
        warnings: vec!["HDR is shown as SDR".into()],
        chapters: vec![kinora_media::Chapter {
            start_us: 0,
            end_us: 20_000_000,
            title: "Opening".into(),
            language: Some("en".into()),
        }],
    }
}

/// The whole way, or up to a failure after `steps` of it.
fn story(steps: usize, fails: bool) -> Vec<EventData> {
    let ready = EventData::Ready {
        version: 1,
        duration_us: 20_020_000,
        warnings: vec!["The last second is damaged".into()],
        pictures: false,
    };
    let way = [
        planned(),
        EventData::Playable { version: 1, pictures: false },
        EventData::PlaysThrough { version: 1, pictures: true },
        ready,
    ];
    let mut story: Vec<_> = way.into_iter().take(steps).collect();
    if fails {
        story.push(EventData::Failed { code: "broken".into(), reason: "It is broken".into() });
    }
    story
}

fn rank(state: &Value) -> usize {
    let order = ["awaiting_upload", "uploading", "queued", "encoding", "playable", "plays_through"];
    order.iter().position(|known| state == known).unwrap_or(order.len())
}

#[tokio::test]
async fn a_ready_video_has_addresses() {
    let house = House::new().await;
    let (path, video) = house.upload(3).await;
    house.patch(&path, 0, b"abc").await;
    for (n, data) in story(4, false).into_iter().enumerate() {
        house.queue.publish(&house.event(video, n as u64 + 1, data)).await.unwrap();
    }
    let row = house.until(video, |row| row["state"] == "ready").await;
    let token = row["playback"]["hls_url"].as_str().unwrap().split('/').nth(4).unwrap();
    let text = row.to_string().replace(token, "[token]").replace(&video.to_string(), "[id]");
    insta::assert_json_snapshot!(without_ids(serde_json::from_str(&text).unwrap()));
}

#[tokio::test]
async fn events_of_a_deleted_video_leave_nothing() {
    let house = House::new().await;
    let (_, video) = house.upload(3).await;
    let (_, other) = house.upload(3).await;
    assert_eq!(house.ada("DELETE", &format!("/api/v1/videos/{video}"), "").await.status, 204);
    for video in [video, other] {
        house.queue.publish(&house.event(video, 1, planned())).await.unwrap();
    }
    house.until(other, |row| row["state"] == "encoding").await;
    let count: i64 = sqlx::query_scalar("SELECT CAST(COUNT(*) AS BIGINT) FROM video_media")
        .fetch_one(house.db.read())
        .await
        .unwrap();
    assert_eq!(count, 1);
}

/// Deliveries of a story: every event at least once, in any order.
fn deliveries() -> impl Strategy<Value = (usize, bool, Vec<usize>)> {
    (1..=4_usize, any::<bool>()).prop_flat_map(|(steps, fails)| {
        let count = steps + usize::from(fails);
        let once: Vec<usize> = (0..count).collect();
        let order = vec(0..count, 0..6)
            .prop_map(move |again| once.iter().copied().chain(again).collect::<Vec<_>>())
            .prop_shuffle();
        (Just(steps), Just(fails), order)
    })
}

#[test]
fn states_only_move_forward_and_end_where_the_story_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let house = runtime.block_on(House::new());
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) };
    TestRunner::new(config)
        .run(&deliveries(), |(steps, fails, order)| {
            runtime.block_on(async {
                let (path, video) = house.upload(1).await;
                house.patch(&path, 0, b"x").await;
                let told = tell(&house, video, &story(steps, fails), &order).await;
                let ordered: Vec<usize> = (0..steps + usize::from(fails)).collect();
                let (path, other) = house.upload(1).await;
                house.patch(&path, 0, b"x").await;
                let expected = tell(&house, other, &story(steps, fails), &ordered).await;
                prop_assert_eq!(told, expected);
                Ok(())
            })
        })
        .unwrap();
}

/// Delivers and looks after each delivery; gives what the video came to.
async fn tell(house: &House, video: VideoId, story: &[EventData], order: &[usize]) -> Value {
    let mut before = 0;
    for &index in order {
        let event = house.event(video, index as u64 + 1, story[index].clone());
        house.queue.publish(&event).await.unwrap();
        house.queue_is_empty().await;
        let now = rank(&house.video(video).await["state"]);
        assert!(now >= before, "{order:?}");
        before = now;
    }
    let row = house.video(video).await;
    let playable = row["playback"]["version"].clone();
    serde_json::json!([row["state"], row["reason"], row["warnings"], row["duration_us"], playable])
}
