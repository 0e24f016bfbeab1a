//! Courses of events around a graphics processor that fails.

use std::num::NonZeroUsize;

use kinora_media::{Head, Status, TrackKind, VideoId};
use kinora_plan::{
    device::EncoderFamily,
    encoder::{Failure, FailureKind, GPU_BUSY},
    job::{JobMessage, JobPayload, Report},
};
use kinora_queue::EventData;

use super::{
    check,
    film::Film,
    stories::plan_all,
    worker,
    world::{Step, World},
};
use crate::repository::transcodes;

/// A film of 60 s whose chunks begin at 0, 2, 6, 14, 30 and 46 s, planned for a device.
async fn rendered() -> (World, VideoId) {
    let mut world = World::new().await;
    let video = world.upload(Film::Rendered(60), true);
    plan_all(&mut world).await;
    (world, video)
}

fn chunk_of(message: &JobMessage) -> Option<(u32, EncoderFamily)> {
    match &message.payload {
        JobPayload::EncodeChunk(spec) => Some((spec.chunk.index, spec.encoder.family)),
        _ => None,
    }
}

/// Puts every job that is due on the lane, and takes the message of a chunk off it.
async fn take_chunk(world: &mut World, index: u32) -> JobMessage {
    world.hand.advance_us(5_000_000);
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let mut lane = world.queue.lane.lock().unwrap();
    let place = lane.iter().position(|m| chunk_of(m).is_some_and(|(chunk, _)| chunk == index));
    lane.remove(place.unwrap_or_else(|| panic!("chunk {index} is not on the lane")))
}

async fn succeed(world: &mut World, message: &JobMessage) {
    for report in world.work(message) {
        assert!(world.deliver_report(&report).await);
    }
    world.step(Step::Publish).await.unwrap().unwrap();
}

/// Does what else lies on the lane: sound, pictures.
async fn others(world: &mut World) {
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let messages: Vec<JobMessage> = {
        let mut lane = world.queue.lane.lock().unwrap();
        let (chunks, others) = lane.drain(..).partition(|m| chunk_of(m).is_some());
        *lane = chunks;
        others
    };
    for message in messages {
        succeed(world, &message).await;
    }
}

async fn fail(world: &mut World, message: &JobMessage) {
    assert!(world.deliver_report(&worker::fail(message, FailureKind::Gpu)).await);
}

/// Which chunks of the picture a head lists, and where its periods start in seconds.
fn shown(head: &Head) -> (Vec<String>, Vec<u64>) {
    let top = head.tracks.iter().find(|t| matches!(t.kind, TrackKind::Video(_))).unwrap();
    let listed = head.tail.tracks.get(&top.id).into_iter().flatten();
    let starts = head.periods.iter().map(|p| p.start / u64::from(p.timescale)).collect();
    (listed.map(|entry| entry.object.clone()).collect(), starts)
}

async fn warnings(world: &mut World, video: VideoId) -> Vec<String> {
    world.drain().await;
    check::at_rest(world).await;
    let events = world.bus.seen(video);
    let ready = events.iter().find_map(|event| match &event.data {
        EventData::Ready { warnings, .. } => Some(warnings.clone()),
        _ => None,
    });
    ready.expect("it is ready")
}

#[tokio::test]
async fn a_title_keeps_to_the_device_that_does_not_fail() {
    let (mut world, video) = rendered().await;
    let said = warnings(&mut world, video).await;
    assert_eq!(said, ["The clip is odd."]);
    let mut heads = world.store.heads(video);
    let last = heads.pop().unwrap();
    assert_eq!(shown(&last).1, Vec::<u64>::new());
    assert!(!heads.is_empty());
    for head in heads.iter().filter(|head| head.status == Status::Growing) {
        assert_eq!(shown(head).1, [0], "players are told that another period may come");
    }
}

#[tokio::test]
async fn a_device_that_fails_before_the_first_publish_is_never_seen() {
    let (mut world, video) = rendered().await;
    let (first, second) = (take_chunk(&mut world, 0).await, take_chunk(&mut world, 1).await);
    assert_eq!(chunk_of(&first), Some((0, EncoderFamily::Fake)));
    // The second is done, and of no use: parameter sets of two encoders do not mix.
    succeed(&mut world, &second).await;
    fail(&mut world, &first).await;
    let again = take_chunk(&mut world, 1).await;
    assert_eq!(chunk_of(&again), Some((1, EncoderFamily::Software)));
    assert_eq!((again.job, again.attempt), (second.job, 2));
    succeed(&mut world, &again).await;
    let said = warnings(&mut world, video).await;
    let expected = "The graphics processor failed; the picture was encoded on the CPU.";
    assert_eq!(said.last().unwrap(), expected);
    for head in world.store.heads(video) {
        let inits: Vec<_> = head.periods.iter().map(|period| period.init.as_str()).collect();
        assert_eq!(inits, ["init-1.mp4"], "one period from the first head on");
    }
}

#[tokio::test]
async fn a_device_that_fails_after_the_first_publish_is_left_once_for_all_renditions() {
    let (mut world, video) = rendered().await;
    for index in [0, 1] {
        let message = take_chunk(&mut world, index).await;
        succeed(&mut world, &message).await;
    }
    others(&mut world).await;
    assert!(!world.store.heads(video).is_empty(), "the front is shown");
    // The fourth chunk fails; the fifth was done before it, the third is still at work.
    let third = take_chunk(&mut world, 2).await;
    let fourth = take_chunk(&mut world, 3).await;
    let fifth = take_chunk(&mut world, 4).await;
    succeed(&mut world, &fifth).await;
    fail(&mut world, &fourth).await;
    let transcode = transcodes::find(world.db.read(), video, 1).await.unwrap().unwrap();
    assert_eq!(transcode.software_from, Some(2));

    // What the device still says counts no more, and a second failure is no second switch.
    for report in world.work(&third) {
        assert!(world.deliver_report(&report).await);
    }
    fail(&mut world, &third).await;
    for index in [2, 4] {
        let again = take_chunk(&mut world, index).await;
        assert_eq!(chunk_of(&again), Some((index, EncoderFamily::Software)));
        assert_eq!(again.attempt, 2);
        succeed(&mut world, &again).await;
    }
    let said = warnings(&mut world, video).await;
    let expected = "The graphics processor failed at 0:06; the rest was encoded on the CPU.";
    assert_eq!(said.last().unwrap(), expected);
    let head = world.store.heads(video).pop().unwrap();
    let (objects, periods) = shown(&head);
    assert_eq!(periods, [0, 6]);
    let expected = ["00000-1", "00001-1", "00002-2", "00003-2", "00004-2", "00005-2"];
    assert_eq!(objects, expected.map(|name| format!("{name}.m4s")));
}

#[tokio::test]
async fn what_is_accepted_without_a_gap_stays_where_players_were_shown_less() {
    let (mut world, video) = rendered().await;
    for index in [0, 1] {
        let message = take_chunk(&mut world, index).await;
        succeed(&mut world, &message).await;
    }
    others(&mut world).await;
    // Accepted, and not yet in any head.
    let third = take_chunk(&mut world, 2).await;
    for report in world.work(&third) {
        assert!(world.deliver_report(&report).await);
    }
    let fourth = take_chunk(&mut world, 3).await;
    fail(&mut world, &fourth).await;
    let said = warnings(&mut world, video).await;
    assert!(said.last().unwrap().contains("at 0:14"), "{said:?}");
    let head = world.store.heads(video).pop().unwrap();
    assert_eq!(shown(&head).1, [0, 14]);
}

#[tokio::test]
async fn a_device_without_a_session_is_waited_for_a_little() {
    let (mut world, video) = rendered().await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let message = take_chunk(&mut world, 0).await;
        seen.push(chunk_of(&message).unwrap().1);
        let mut report = worker::fail(&message, FailureKind::Gpu);
        report.report = Report::Failed(Failure {
            kind: FailureKind::Gpu,
            code: GPU_BUSY.into(),
            message: "No picture came.".into(),
        });
        if seen.len() < 4 {
            assert!(world.deliver_report(&report).await);
        } else {
            succeed(&mut world, &message).await;
        }
    }
    use EncoderFamily::{Fake, Software};
    assert_eq!(seen, [Fake, Fake, Fake, Software]);
    warnings(&mut world, video).await;
}

#[tokio::test]
async fn a_device_that_makes_what_does_not_fit_is_left() {
    let (mut world, video) = rendered().await;
    let message = take_chunk(&mut world, 0).await;
    let mut reports = world.work(&message);
    let Report::ChunkEncoded { objects, .. } = &mut reports[0].report else { panic!() };
    objects[0].start = 3000;
    assert!(world.deliver_report(&reports[0]).await);
    let again = take_chunk(&mut world, 0).await;
    assert_eq!(chunk_of(&again), Some((0, EncoderFamily::Software)));
    succeed(&mut world, &again).await;
    warnings(&mut world, video).await;
}

#[tokio::test]
async fn a_publisher_that_read_before_the_switch_publishes_nothing_of_the_device() {
    // It hangs at one of its looks at the store: before or after it settles what is shown.
    for after in 0..6 {
        let (mut world, video) = rendered().await;
        let slots = NonZeroUsize::new(2).unwrap();
        for index in 0..u32::try_from(slots.get()).unwrap() {
            let message = take_chunk(&mut world, index).await;
            for report in world.work(&message) {
                assert!(world.deliver_report(&report).await);
            }
        }
        world.step(Step::Dispatch).await.unwrap().unwrap();
        let sound: Vec<JobMessage> = {
            let mut lane = world.queue.lane.lock().unwrap();
            let place = |m: &JobMessage| matches!(m.payload, JobPayload::EncodeAudio { .. });
            let at = lane.iter().position(place).unwrap();
            vec![lane.remove(at)]
        };
        for message in &sound {
            for report in world.work(message) {
                assert!(world.deliver_report(&report).await);
            }
        }
        let failing = take_chunk(&mut world, 2).await;
        world.faults.plan(after, super::faults::Fault::Stall);
        let _ = world.step(Step::Publish).await;
        fail(&mut world, &failing).await;
        world.resume().await;
        let said = warnings(&mut world, video).await;
        assert!(said.last().unwrap().starts_with("The graphics processor failed"), "{said:?}");
    }
}
