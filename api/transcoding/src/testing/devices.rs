//! Courses of events around lanes of graphics processors: busy ones, and ones that nobody consumes.

use kinora_media::VideoId;
use kinora_plan::{
    device::EncoderFamily,
    job::{JobClass, JobMessage},
};

use super::{
    check,
    film::Film,
    stories::plan_all,
    worker,
    world::{Step, World},
};
use crate::{
    orchestrator::progress,
    repository::{Transcode, jobs, transcodes},
    state::{SwitchReason, VideoState},
};

const MINUTE_US: i64 = 60_000_000;

/// A world with room for more, and so many films of 60 s that were planned for a device.
async fn rendered(films: usize) -> (World, Vec<VideoId>) {
    let mut world = World::with(|config| config.max_in_flight = 64).await;
    let videos = (0..films).map(|_| world.upload(Film::Rendered(60), false)).collect();
    plan_all(&mut world).await;
    (world, videos)
}

async fn dispatch(world: &mut World) {
    world.step(Step::Dispatch).await.unwrap().unwrap();
}

/// Takes back what lay too long; how many jobs.
async fn leases(world: &mut World) -> usize {
    world.step(Step::Leases).await.unwrap().unwrap()
}

/// What lies on the device's lane.
fn on_lane(world: &World) -> Vec<JobMessage> {
    let lane = world.queue.lane.lock().unwrap();
    lane.iter().filter(|message| message.payload.device().is_some()).cloned().collect()
}

/// A worker says that it is at a job.
async fn is_at(world: &mut World, message: &JobMessage) {
    progress::on_progress(&world.service, worker::progress(message, 1, 9));
    assert_eq!(world.step(Step::Renew).await.unwrap().unwrap(), 1);
}

async fn read(world: &World, video: VideoId) -> Transcode {
    transcodes::find(world.db.read(), video, 1).await.unwrap().unwrap()
}

#[tokio::test]
async fn every_title_leaves_a_device_that_no_worker_has_after_ten_minutes() {
    let (mut world, videos) = rendered(3).await;
    world.no_devices = true;
    dispatch(&mut world).await;
    let stranded = on_lane(&world);
    assert_eq!(stranded.len(), 4, "the lane is not filled for nobody");
    let others = world.queue.take_all(false);
    let sounds = others.iter().filter(|m| m.payload.class() == JobClass::EncodeAudio).count();
    assert_eq!(sounds, videos.len(), "what every worker can do is not held up");
    for message in others {
        for report in world.work(&message) {
            assert!(world.deliver_report(&report).await);
        }
    }

    world.hand.advance_us(10 * MINUTE_US);
    assert_eq!(leases(&mut world).await, 0);
    world.hand.advance_us(1);
    assert!(leases(&mut world).await > 0);
    for &video in &videos {
        let transcode = read(&world, video).await;
        let because = (transcode.software_from, transcode.software_because);
        assert_eq!(because, (Some(0), Some(SwitchReason::Gone)), "all at once");
    }
    let mut errors = Vec::new();
    for message in &stranded {
        let job = jobs::find(world.db.read(), message.job).await.unwrap().unwrap();
        assert_eq!((job.device, job.tries.setbacks), (None, 0));
        errors.extend(job.error.map(|error| (error.code, error.message)));
    }
    let (code, message) = errors.pop().unwrap();
    assert!(code == "gpu_gone" && message.contains("for 10 min"), "{message}");

    // A worker with the device comes back, and does what still lies there: it counts no more.
    world.no_devices = false;
    for message in stranded {
        for report in world.work(&message) {
            assert!(world.deliver_report(&report).await);
        }
    }
    world.queue.lane.lock().unwrap().retain(|message| message.payload.device().is_none());
    world.drain().await;
    check::at_rest(&world).await;
    for &video in &videos {
        assert_eq!(read(&world, video).await.state, VideoState::Ready);
    }
}

#[tokio::test]
async fn what_a_device_did_before_it_went_stays() {
    let (mut world, videos) = rendered(1).await;
    for _ in 0..2 {
        dispatch(&mut world).await;
        for message in world.queue.take_all(true) {
            for report in world.work(&message) {
                assert!(world.deliver_report(&report).await);
                world.step(Step::Publish).await.unwrap().unwrap();
            }
        }
        if !world.store.heads(videos[0]).is_empty() {
            break;
        }
    }
    world.no_devices = true;
    world.drain().await;
    check::at_rest(&world).await;
    let transcode = read(&world, videos[0]).await;
    assert_eq!(transcode.state, VideoState::Ready);
    assert!(transcode.software_from.is_some_and(|from| from > 1), "{transcode:?}");
    let events = world.bus.seen(videos[0]);
    let said = serde_json::to_string(&events.last().unwrap().data).unwrap();
    let expected = "No worker with the graphics processor was left at 0:";
    assert!(said.contains(expected), "{said}");
}

#[tokio::test]
async fn a_busy_device_is_waited_for_and_its_lane_as_long_as_what_its_workers_do() {
    let (mut world, videos) = rendered(3).await;
    let mut taken = Vec::new();
    for expected in [4, 4, 8] {
        dispatch(&mut world).await;
        let lane = on_lane(&world);
        assert_eq!(lane.len(), expected, "as many as its workers are at");
        if expected == 8 {
            break;
        }
        world.queue.lane.lock().unwrap().clear();
        for message in lane {
            is_at(&mut world, &message).await;
            taken.push(message);
        }
    }
    // They are at it for long. What lies behind goes round, and costs nothing.
    for _ in 0..61 {
        world.hand.advance_us(MINUTE_US / 6);
        is_at(&mut world, &taken[0]).await;
        for message in &taken[1..] {
            progress::on_progress(&world.service, worker::progress(message, 1, 9));
        }
        world.step(Step::Renew).await.unwrap().unwrap();
    }
    assert!(leases(&mut world).await >= 8);
    for &video in &videos {
        assert_eq!(read(&world, video).await.software_from, None);
    }
    let waiting = on_lane(&world).pop().unwrap();
    let waiting = jobs::find(world.db.read(), waiting.job).await.unwrap().unwrap();
    assert_eq!(waiting.device, Some(EncoderFamily::Fake));
    assert_eq!((waiting.tries.strikes, waiting.tries.setbacks), (0, 0));
}
