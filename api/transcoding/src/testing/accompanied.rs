//! Subtitles and pictures, which come beside the tracks or not at all.

use kinora_media::{Head, Status};
use kinora_plan::{encoder::FailureKind, job::JobClass};
use kinora_queue::EventData;

use super::{
    check,
    film::Film,
    stories::{plan_all, take},
    worker,
    world::{Step, World},
};
use crate::{repository::transcodes, state::VideoState};

#[tokio::test]
async fn subtitles_of_a_short_file_are_there_from_the_first_head_on() {
    let mut world = World::new().await;
    let video = world.upload(Film::Subtitled(60), true);
    world.drain().await;
    check::at_rest(&world).await;
    let heads = world.store.heads(video);
    let tracks = |head: &Head| -> Vec<String> {
        head.tracks.iter().map(|track| track.id.to_string()).collect()
    };
    assert_eq!(tracks(&heads[0]), ["v360", "v240", "a-en", "t-en", "s-en"]);
    assert!(heads.iter().all(|head| tracks(head) == tracks(&heads[0])));
}

/// Reading ten gigabytes takes longer than playback should wait.
#[tokio::test]
async fn subtitles_of_a_large_file_come_with_its_last_segments() {
    let mut world = World::new().await;
    let video = world.upload(Film::Epic(700), false);
    world.drain().await;
    check::at_rest(&world).await;
    let heads = world.store.heads(video);
    let late = kinora_media::TrackId::new("s-en").unwrap();
    let first = heads.iter().position(|head| head.track(&late).is_some()).unwrap();
    assert!(first > 0, "they were there from the beginning");
    assert_eq!(heads[first].status, Status::Complete);
    let last = heads.last().unwrap();
    assert_eq!(last.pages.len(), 1, "the first page is closed");
    assert_eq!(last.tail.segments(&late).count(), 1);
}

#[tokio::test]
async fn pictures_are_waited_for_by_ready_and_by_nothing_else() {
    let mut world = World::new().await;
    let video = world.upload(Film::Silent(2), false);
    plan_all(&mut world).await;
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let (chunk, pictures) =
        (take(&world, JobClass::EncodeChunk), take(&world, JobClass::MakePictures));
    for report in world.work(&chunk) {
        assert!(world.deliver_report(&report).await);
    }
    world.step(Step::Publish).await.unwrap().unwrap();
    let state = async || transcodes::find(world.db.read(), video, 1).await.unwrap().unwrap();
    let before = state().await;
    assert_eq!((before.state, before.playable_at_us.is_some()), (VideoState::Encoding, true));
    assert_eq!(world.store.heads(video).last().unwrap().status, Status::Complete);
    for report in world.work(&pictures) {
        assert!(world.deliver_report(&report).await);
    }
    world.drain().await;
    check::at_rest(&world).await;
    assert_eq!(
        world.store.heads(video).last().unwrap().pictures.as_ref().unwrap().poster.width,
        320
    );
    let ready = world.bus.seen(video).pop().unwrap();
    assert!(matches!(ready.data, EventData::Ready { pictures: true, .. }), "{ready:?}");
}

#[tokio::test]
async fn a_film_is_ready_without_what_it_can_be_without() {
    let mut world = World::new().await;
    let video = world.upload(Film::Subtitled(2), false);
    plan_all(&mut world).await;
    world.step(Step::Dispatch).await.unwrap().unwrap();
    for class in [JobClass::MakePictures, JobClass::ExtractText] {
        let message = take(&world, class);
        assert!(world.deliver_report(&worker::fail(&message, FailureKind::Input)).await);
    }
    world.drain().await;
    check::at_rest(&world).await;
    let last = world.store.heads(video).pop().unwrap();
    assert_eq!((last.status, last.pictures), (Status::Complete, None));
    let ready = world.bus.seen(video).pop().unwrap();
    let EventData::Ready { warnings, pictures: false, .. } = ready.data else {
        panic!("{ready:?}")
    };
    let said = warnings.join(" ");
    assert!(said.contains("subtitles in the file") && said.contains("poster"), "{said}");
}
