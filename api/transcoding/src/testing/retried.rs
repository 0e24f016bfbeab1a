//! A title that failed and is tried again.

use kinora_media::Status;
use kinora_plan::{encoder::FailureKind, job::JobClass};
use kinora_queue::EventData;

use super::{
    check,
    film::Film,
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
