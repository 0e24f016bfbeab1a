//! A title that failed and is tried again.

use std::collections::BTreeSet;

use kinora_media::{Status, TrackKind};
use kinora_plan::{
    encoder::FailureKind,
    job::{JobClass, JobMessage, JobPayload},
};
use kinora_queue::EventData;
use kinora_store::keys;

use super::{
    check,
    film::Film,
    stories::plan_all,
    worker,
    world::{Step, World},
};
use crate::{
    repository::{Reason, transcodes},
    state::VideoState,
};

#[tokio::test]
async fn a_title_that_failed_is_encoded_again_beside_what_is_left_of_the_first() {
    let mut world = World::new().await;
    let video = world.upload(Film::Talkie(60), true);
    let uploaded = world.events[0].data.clone();
    world.round().await;
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let lane = std::mem::take(&mut *world.queue.lane.lock().unwrap());
    let chunk =
        lane.iter().find(|message| message.payload.class() == JobClass::EncodeChunk).unwrap();
    let late = world.reports_of(chunk);
    assert!(world.deliver_report(&worker::fail(chunk, FailureKind::Input)).await);
    let EventData::Uploaded { source_key, size, signed, captions, .. } = uploaded else {
        panic!("{uploaded:?}");
    };
    let (profile, priority) = (None, kinora_media::Priority::default());
    let again =
        EventData::Uploaded { source_key, size, signed, captions, profile, priority, version: 2 };
    world.say(video, again);
    world.drain().await;
    // A worker that heard nothing of the failure.
    for report in &late {
        assert!(world.deliver_report(report).await);
    }
    world.drain().await;

    let of = async |version| transcodes::find(world.db.read(), video, version).await.unwrap();
    let (first, second) = (of(1).await.unwrap(), of(2).await.unwrap());
    assert_eq!(first.reason.map(|Reason { message, .. }| message).unwrap(), "It broke.");
    assert_eq!((first.state, second.state), (VideoState::Failed, VideoState::Ready));
    let status = |version| {
        let mut heads = world.store.heads(video).into_iter();
        heads.rfind(|head| head.version == version).map(|head| head.status)
    };
    assert_eq!((status(1), status(2)), (Some(Status::Deleted), Some(Status::Complete)));
    for _ in 0..4 {
        world.hand.advance_us(26 * 3600 * 1_000_000);
        world.drain().await;
    }
    check::verified(&world).await;
    // Deleting it takes both along.
    world.say(video, EventData::Deleted);
    for _ in 0..4 {
        world.drain().await;
        world.hand.advance_us(26 * 3600 * 1_000_000);
    }
    assert_eq!(world.store.keys("media/").len() + world.store.keys("sources/").len(), 0);
    check::verified(&world).await;
}

/// Two encodes of a chunk need not be equal byte for byte, so a worker that gets an attempt a second
/// time may find other bytes under its names, and says that it failed.
#[tokio::test]
async fn an_attempt_that_comes_twice_costs_one_more_at_most() {
    let mut world = World::new().await;
    let video = world.upload(Film::Talkie(60), true);
    plan_all(&mut world).await;
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let lane = std::mem::take(&mut *world.queue.lane.lock().unwrap());
    let (chunks, others): (Vec<_>, Vec<_>) =
        lane.into_iter().partition(|message| message.payload.class() == JobClass::EncodeChunk);
    let [told, untold, ..] = &chunks[..] else { panic!("{chunks:?}") };
    for report in world.work(told) {
        assert!(world.deliver_report(&report).await);
    }
    // This worker died between its objects and its report.
    world.work(untold);
    for again in [told, untold] {
        assert!(world.deliver_report(&worker::fail(again, FailureKind::Internal)).await);
    }
    world.queue.lane.lock().unwrap().extend(others);
    world.drain().await;
    check::at_rest(&world).await;
    let done = transcodes::find(world.db.read(), video, 1).await.unwrap().unwrap();
    assert_eq!(done.state, VideoState::Ready);
    let head = world.store.heads(video).pop().unwrap();
    let pictures = head.tracks.iter().filter(|track| matches!(track.kind, TrackKind::Video(_)));
    let entries = pictures.filter_map(|track| head.tail.tracks.get(&track.id)).flatten();
    let objects: BTreeSet<String> = entries.map(|entry| entry.object.clone()).collect();
    let names = |message: &JobMessage| {
        let JobPayload::EncodeChunk(spec) = &message.payload else { panic!("{message:?}") };
        [1, 2].map(|attempt| objects.contains(&keys::chunk_object(spec.chunk.index, attempt)))
    };
    assert_eq!((names(told), names(untold)), ([true, false], [false, true]), "{objects:?}");
}
