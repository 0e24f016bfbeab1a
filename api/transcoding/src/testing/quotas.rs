//! No account has more than it may, whoever races.

use std::sync::Arc;

use futures::future::join_all;
use kinora_db::retrying;
use kinora_media::VideoId;
use kinora_plan::job::JobReport;
use kinora_queue::EventData;

use super::{
    check,
    film::Film,
    world::{Step, World, account},
};
use crate::{
    orchestrator::{dispatch, reports},
    repository::{backlog, quota, transcodes},
    service::Transcoding,
    state::VideoState,
};

/// Another replica on the same database, queue and bus.
fn replica(world: &World) -> Arc<Transcoding> {
    let (queue, bus) = (world.queue.clone(), world.bus.clone());
    Transcoding::new(world.deps_on(queue, bus, world.clock.clone()))
}

/// The state of a video, and the code of its reason.
async fn fate(world: &World, video: VideoId) -> (VideoState, Option<String>) {
    let transcode = transcodes::latest(world.db.read(), video).await.unwrap().unwrap();
    (transcode.state, transcode.reason.map(|reason| reason.code))
}

async fn delete(world: &mut World, video: VideoId) {
    world.say(video, EventData::Deleted);
    world.drain().await;
}

#[tokio::test]
async fn of_films_that_are_probed_at_once_just_those_that_fit_are_encoded() {
    // Two of a minute fit, three do not.
    let mut world = World::with(|config| {
        (config.quota_ms, config.max_in_flight) = (Some(150_000), 8);
    })
    .await;
    let videos: Vec<_> = (0..6).map(|_| world.upload(Film::Silent(60), false)).collect();
    for event in std::mem::take(&mut world.events) {
        assert!(world.deliver_event(event).await);
    }
    assert_eq!(world.step(Step::Dispatch).await.unwrap().unwrap(), 6);
    let lane = std::mem::take(&mut *world.queue.lane.lock().unwrap());
    let found: Vec<JobReport> = lane.iter().flat_map(|message| world.work(message)).collect();
    let replicas = [world.service.clone(), replica(&world)];
    let taking = found.iter().zip(replicas.iter().cycle()).map(|(report, service)| async move {
        retrying(|| reports::on_report(service, report)).await.unwrap();
    });
    join_all(taking).await;

    let mut kept = Vec::new();
    for video in &videos {
        match fate(&world, *video).await {
            (VideoState::Encoding, None) => kept.push(*video),
            other => assert_eq!(other, (VideoState::Failed, Some("quota_exceeded".into()))),
        }
    }
    assert_eq!(kept.len(), 2);
    world.drain().await;
    check::at_rest(&world).await;
    assert_eq!(quota::held(world.db.read(), &account()).await.unwrap(), 120_000_000);

    // What is deleted is given back, just so much.
    delete(&mut world, kept[0]).await;
    let (fits, does_not) =
        (world.upload(Film::Silent(60), false), world.upload(Film::Silent(60), false));
    world.drain().await;
    let mut states = [fate(&world, fits).await.0, fate(&world, does_not).await.0];
    states.sort_by_key(|state| state.as_str());
    assert_eq!(states, [VideoState::Failed, VideoState::Ready]);
}

#[tokio::test]
async fn a_film_that_waits_for_samples_holds_its_minutes() {
    let mut world = World::with(|config| config.quota_ms = Some(60_000)).await;
    let first = world.upload(Film::Measured(40), false);
    world.round().await;
    assert_eq!(fate(&world, first).await.0, VideoState::Queued);
    let second = world.upload(Film::Talkie(30), false);
    world.round().await;
    assert_eq!(fate(&world, second).await.1.as_deref(), Some("quota_exceeded"));
    // A film that failed holds nothing, however long it would have been.
    let longer = world.upload(Film::Talkie(90), false);
    let short = world.upload(Film::Talkie(15), false);
    world.drain().await;
    assert_eq!(fate(&world, longer).await.0, VideoState::Failed);
    assert_eq!(fate(&world, short).await.0, VideoState::Ready);
    check::at_rest(&world).await;
}

#[tokio::test]
async fn replicas_together_keep_to_the_jobs_of_an_account() {
    let mut world = World::with(|config| {
        (config.quota_jobs, config.max_in_flight) = (Some(3), 8);
    })
    .await;
    let video = world.upload(Film::Talkie(120), false);
    world.round().await;
    let replicas = [world.service.clone(), replica(&world), replica(&world)];
    let mut finished = 0;
    loop {
        let sending = replicas.iter().map(|service| async move {
            retrying(|| dispatch::step_dispatch(service)).await.unwrap()
        });
        let sent: usize = join_all(sending).await.into_iter().sum();
        let in_flight = backlog::in_flight(world.db.read()).await.unwrap();
        let in_flight = in_flight.by_account.get(&account()).copied().unwrap_or(0);
        assert!(in_flight <= 3, "{in_flight} are in flight");
        let lane = std::mem::take(&mut *world.queue.lane.lock().unwrap());
        assert_eq!(lane.len(), sent);
        if lane.is_empty() {
            break;
        }
        assert_eq!(in_flight as usize, lane.len());
        for message in lane {
            finished += 1;
            for report in world.work(&message) {
                assert!(world.deliver_report(&report).await);
            }
        }
    }
    assert!(finished > 8, "{finished} jobs");
    world.drain().await;
    assert_eq!(fate(&world, video).await.0, VideoState::Ready);
    check::at_rest(&world).await;
}
