//! Courses of events worth telling one by one.

use kinora_media::{Access, Status, TrackKind};
use kinora_plan::{
    encoder::FailureKind,
    job::{Control, JobClass, JobMessage, JobPayload},
};
use kinora_queue::EventData;

use super::{
    check,
    film::Film,
    worker,
    world::{Step, World},
};
use crate::{
    orchestrator::progress,
    publisher,
    repository::{backlog, statistics, transcodes},
    state::{JobState, VideoState},
};

/// Examines every film that was uploaded, so that its jobs are there.
pub(super) async fn plan_all(world: &mut World) {
    for event in std::mem::take(&mut world.events) {
        assert!(world.deliver_event(event).await);
        world.hand.advance_us(1);
    }
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let lane = std::mem::take(&mut *world.queue.lane.lock().unwrap());
    for message in lane {
        for report in world.work(&message) {
            assert!(world.deliver_report(&report).await);
        }
    }
}

/// Takes the newest message of a class off the lane.
pub(super) fn take(world: &World, class: JobClass) -> JobMessage {
    let mut lane = world.queue.lane.lock().unwrap();
    let at = lane.iter().rposition(|message| message.payload.class() == class);
    lane.remove(at.expect("there is one on the lane"))
}

#[tokio::test]
async fn a_long_film_is_published_page_by_page() {
    let mut world = World::new().await;
    let video = world.upload(Film::Talkie(1900), true);
    world.drain().await;
    check::at_rest(&world).await;

    let heads = world.store.heads(video);
    let first = &heads[0];
    assert_eq!((first.status, first.access), (Status::Growing, Access::Signed));
    assert!(!first.first_published_complete);
    // The second chunk holds two segments; with the first they are published together.
    assert_eq!(first.tail.counts().into_values().collect::<Vec<_>>(), [3, 1, 3, 3]);
    let kinds: Vec<_> = first.tracks.iter().map(|track| track.id.as_str()).collect();
    assert_eq!(kinds, ["v360", "v240", "a-en", "t-en"]);
    assert!(matches!(first.tracks[3].kind, TrackKind::Text(_)));

    let last = heads.last().unwrap();
    assert_eq!((last.status, last.pages.len()), (Status::Complete, 3));
    assert_eq!(last.revision, heads.len() as u64);
    // The sound is a third of a second longer than the picture, to the AAC frame.
    assert!(last.duration_us.abs_diff(1_900_333_333) < 22_000, "{}", last.duration_us);
    let longest = heads.iter().map(|head| serde_json::to_vec(head).unwrap().len()).max().unwrap();
    assert!(longest < 40_000, "a head of {longest} bytes");
    assert_eq!(world.notified.lock().unwrap().len(), heads.len());
}

#[tokio::test]
async fn a_film_that_is_done_before_it_is_shown_is_published_complete() {
    let mut world = World::new().await;
    world.eager = false;
    let video = world.upload(Film::Talkie(1), false);
    world.drain().await;
    let heads = world.store.heads(video);
    assert_eq!(heads.len(), 1);
    assert!(heads[0].first_published_complete && heads[0].status == Status::Complete);
}

#[tokio::test]
async fn accounts_and_the_front_go_first_and_the_lane_stays_short() {
    let mut world = World::new().await;
    let (a, b) = (world.upload(Film::Talkie(60), false), world.upload(Film::Talkie(60), false));
    plan_all(&mut world).await;
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let lane = world.queue.lane.lock().unwrap().clone();
    let order: Vec<_> = lane
        .iter()
        .map(|message| {
            let what = match &message.payload {
                JobPayload::EncodeChunk(spec) => format!("chunk {}", spec.chunk.index),
                other => other.class().as_str().to_owned(),
            };
            (if message.video == a { "a" } else { "b" }, what)
        })
        .collect();
    let expected = ["chunk 0", "encode_audio", "chunk 1"].map(|what| ("a", what.to_owned()));
    assert_eq!(order[..3], expected);
    assert_eq!(order[3], ("b", "chunk 0".to_owned()));
    assert!(world.films.iter().any(|(video, _)| *video == b));
    assert_eq!(world.step(Step::Dispatch).await.unwrap().unwrap(), 0, "the lane is full");
}

#[tokio::test]
async fn the_beginning_of_a_later_upload_goes_before_the_tail_of_an_earlier_one() {
    let mut world = World::new().await;
    let long = world.upload(Film::Talkie(1900), false);
    plan_all(&mut world).await;
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let late = world.upload(Film::Talkie(60), false);
    // What was on the lane is done, then the examination of the later one.
    plan_all(&mut world).await;
    plan_all(&mut world).await;
    let mut order = Vec::new();
    for _ in 0..2 {
        world.step(Step::Dispatch).await.unwrap().unwrap();
        let lane = std::mem::take(&mut *world.queue.lane.lock().unwrap());
        for message in lane {
            let chunk = match &message.payload {
                JobPayload::EncodeChunk(spec) => Some(spec.chunk.index),
                _ => None,
            };
            order.push((message.video == late, chunk));
            for report in world.work(&message) {
                assert!(world.deliver_report(&report).await);
            }
        }
    }
    let first = [Some(0), None, Some(1), Some(2)].map(|chunk| (true, chunk));
    assert_eq!(order[..4], first, "{order:?}");
    assert!(order[4..].iter().all(|(later, _)| !later), "then the earlier one: {order:?}");
    assert!(world.films.iter().any(|(video, _)| *video == long));
}

#[tokio::test]
async fn a_worker_that_went_silent_is_fenced() {
    let mut world = World::new().await;
    let video = world.upload(Film::Silent(2), false);
    plan_all(&mut world).await;
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let stopped = take(&world, JobClass::EncodeChunk);
    progress::on_progress(&world.service, worker::progress(&stopped, 1, 60));
    assert_eq!(world.step(Step::Renew).await.unwrap().unwrap(), 1);
    // It is stopped for longer than its lease; another one takes over.
    world.hand.advance_us(31_000_000);
    assert_eq!(world.step(Step::Leases).await.unwrap().unwrap(), 1);
    assert_eq!(world.step(Step::Dispatch).await.unwrap().unwrap(), 0, "there is a pause");
    world.hand.advance_us(1_000_000);
    assert_eq!(world.step(Step::Dispatch).await.unwrap().unwrap(), 1);
    let next = take(&world, JobClass::EncodeChunk);
    assert_eq!((next.job, next.attempt), (stopped.job, 2));
    // It wakes up: told to stop, its result refused.
    progress::on_progress(&world.service, worker::progress(&stopped, 30, 60));
    assert_eq!(world.step(Step::Renew).await.unwrap().unwrap(), 0);
    let stop = Control::CancelAttempt { job: stopped.job, attempt: 1 };
    assert_eq!(world.queue.told.lock().unwrap().last(), Some(&stop));
    for report in world.work(&stopped) {
        assert!(world.deliver_report(&report).await);
    }
    let tally = statistics::tally(world.db.read(), (video, 1)).await.unwrap();
    assert!(tally.iter().any(|tally| tally.state == JobState::Dispatched), "{tally:?}");
    for report in world.work(&next) {
        assert!(world.deliver_report(&report).await);
    }
    world.drain().await;
    check::at_rest(&world).await;
    assert_eq!(
        world.store.heads(video)[0].tail.tracks.values().next().unwrap()[0].object,
        "00000-2.m4s"
    );
}

#[tokio::test]
async fn a_restart_encodes_again_only_what_ran() {
    let mut world = World::new().await;
    world.upload(Film::Talkie(60), false);
    plan_all(&mut world).await;
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let lane = world.queue.lane.lock().unwrap().clone();
    assert_eq!(lane.len(), 4);
    for message in &lane[..2] {
        progress::on_progress(&world.service, worker::progress(message, 1, 60));
    }
    assert_eq!(world.step(Step::Renew).await.unwrap().unwrap(), 2);
    world.restart();
    assert_eq!(world.service.recover().await.unwrap(), 2);
    let waiting = backlog::leased(world.db.read()).await.unwrap();
    assert_eq!(waiting.len(), 2, "what the queue still holds stays there");
    assert_eq!(world.step(Step::Dispatch).await.unwrap().unwrap(), 2);
    let again: Vec<_> =
        world.queue.lane.lock().unwrap()[4..].iter().map(|m| (m.job, m.attempt)).collect();
    assert_eq!(again, [(lane[0].job, 2), (lane[1].job, 2)]);
}

#[tokio::test]
async fn sound_goes_on_where_the_lost_worker_stopped() {
    let mut world = World::new().await;
    world.upload(Film::Radio(60), false);
    plan_all(&mut world).await;
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let lost = world.queue.lane.lock().unwrap().pop().unwrap();
    for report in &world.work(&lost)[..2] {
        assert!(world.deliver_report(report).await);
    }
    world.hand.advance_us(31_000_000);
    world.step(Step::Leases).await.unwrap().unwrap();
    world.hand.advance_us(1_000_000);
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let next = world.queue.lane.lock().unwrap()[0].clone();
    assert!(matches!(next.payload, JobPayload::EncodeAudio { first_part: 2, .. }));
    world.drain().await;
    check::at_rest(&world).await;
}

#[tokio::test]
async fn a_file_at_fault_fails_the_video_and_frees_its_media() {
    let mut world = World::new().await;
    let video = world.upload(Film::Talkie(120), false);
    plan_all(&mut world).await;
    // The front is out and shown before a later chunk turns out to be broken.
    world.round().await;
    assert!(!world.store.heads(video).is_empty());
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let message = take(&world, JobClass::EncodeChunk);
    assert!(world.deliver_report(&worker::fail(&message, FailureKind::Input)).await);
    let told = world.queue.told.lock().unwrap().last().cloned();
    assert_eq!(told, Some(Control::CancelVideo { video }));
    world.drain().await;
    check::at_rest(&world).await;
    let transcode = transcodes::find(world.db.read(), video, 1).await.unwrap().unwrap();
    assert_eq!(transcode.state, VideoState::Failed);
    assert_eq!(transcode.reason.unwrap().message, "It broke.");
    assert_eq!(world.store.heads(video).last().unwrap().status, Status::Deleted);
    assert_eq!(world.store.keys("media/"), [format!("media/{video}/1/index/head.json")]);
    assert_eq!(world.store.keys("sources/").len(), 1);
}

#[tokio::test]
async fn an_empty_file_fails_with_a_reason() {
    let mut world = World::new().await;
    let video = world.upload(Film::Blank, false);
    for event in &mut world.events {
        if let EventData::Uploaded { size, .. } = &mut event.data {
            *size = 0;
        }
    }
    world.drain().await;
    let transcode = transcodes::find(world.db.read(), video, 1).await.unwrap().unwrap();
    assert_eq!(transcode.reason.unwrap().code, "empty_file");
}

#[tokio::test]
async fn what_does_not_fit_the_plan_never_reaches_players() {
    let mut world = World::new().await;
    let video = world.upload(Film::Silent(2), false);
    plan_all(&mut world).await;
    for _ in 0..4 {
        world.hand.advance_us(60_000_000);
        world.step(Step::Dispatch).await.unwrap().unwrap();
        let message = take(&world, JobClass::EncodeChunk);
        let mut reports = world.work(&message);
        let kinora_plan::job::Report::ChunkEncoded { objects, .. } = &mut reports[0].report else {
            panic!("a chunk was asked for");
        };
        objects[0].start = 3000;
        assert!(world.deliver_report(&reports[0]).await);
    }
    world.drain().await;
    let transcode = transcodes::find(world.db.read(), video, 1).await.unwrap().unwrap();
    assert_eq!(transcode.state, VideoState::Failed);
    insta::assert_snapshot!(transcode.reason.unwrap().message);
    check::at_rest(&world).await;
}

#[tokio::test]
async fn a_video_deleted_before_its_upload_was_whole_leaves_nothing() {
    let mut world = World::new().await;
    let video = world.upload(Film::Talkie(2), true);
    world.events.clear();
    world.say(video, EventData::Deleted);
    let only = world.events.pop().unwrap();
    let only = kinora_queue::Event { aggregate_version: 1, ..only };
    assert!(world.deliver_event(only).await);
    world.drain().await;
    assert_eq!(world.store.keys("sources/"), Vec::<String>::new());
}

#[tokio::test]
async fn a_title_is_planned_by_the_profile_that_was_chosen() {
    let mut world = World::new().await;
    for (profile, rungs, gone) in [("fast", 1, false), ("removed", 2, true)] {
        let video = world.upload(Film::Talkie(10), false);
        if let Some(EventData::Uploaded { profile: asked, .. }) =
            world.events.last_mut().map(|event| &mut event.data)
        {
            *asked = Some(profile.to_owned());
        }
        plan_all(&mut world).await;
        let plan =
            crate::repository::plans::find(world.db.read(), video, 1).await.unwrap().unwrap();
        let found = plan.video.as_ref().unwrap().ladder.rungs.len();
        assert_eq!(found, rungs, "the film is 360 lines: fast has no step below");
        assert_eq!(plan.warnings.iter().any(|warning| warning.code == "profile_gone"), gone);
    }
}

/// The videos on the lane, in order.
fn lane(world: &World) -> Vec<kinora_media::VideoId> {
    world.queue.lane.lock().unwrap().iter().map(|message| message.video).collect()
}

#[tokio::test]
async fn bulk_work_lets_others_go_first_but_not_for_ever() {
    let mut world = World::new().await;
    let bulk = world.upload(Film::Talkie(60), false);
    if let Some(EventData::Uploaded { priority, .. }) =
        world.events.last_mut().map(|event| &mut event.data)
    {
        *priority = kinora_media::Priority::Bulk;
    }
    let people = world.upload(Film::Talkie(60), false);
    plan_all(&mut world).await;
    world.step(Step::Dispatch).await.unwrap().unwrap();
    assert_eq!(lane(&world), [people; 4], "it came later, but somebody waits for it");

    // Five minutes on nobody is done with anything: one job of the bulk all the same.
    world.queue.lane.lock().unwrap().clear();
    let patience_ms = world.service.deps.config.bulk_patience_ms;
    world.hand.advance_us(i64::try_from(patience_ms * 1000).unwrap());
    let dispatch_ms = world.service.deps.config.dispatch_lease_ms;
    world.hand.advance_us(i64::try_from(dispatch_ms * 1000).unwrap() + 1);
    world.step(Step::Leases).await.unwrap().unwrap();
    world.step(Step::Dispatch).await.unwrap().unwrap();
    assert_eq!(lane(&world), [bulk, people, people, people]);
    let waits = statistics::first_open(world.db.read(), (bulk, 1)).await.unwrap().unwrap();
    assert!(waits.bulk);
}

#[tokio::test]
async fn a_result_that_comes_while_a_head_is_made_is_published_with_it() {
    let mut world = World::new().await;
    let video = world.upload(Film::Talkie(14), false);
    plan_all(&mut world).await;
    let read =
        async |world: &World| transcodes::find(world.db.read(), video, 1).await.unwrap().unwrap();
    while read(&world).await.state == VideoState::Encoding {
        world.step(Step::Dispatch).await.unwrap().unwrap();
        let lane = std::mem::take(&mut *world.queue.lane.lock().unwrap());
        assert!(!lane.is_empty(), "nothing is left to do, and it is not ready");
        for message in lane {
            for report in world.work(&message) {
                // The publisher has read the row already, and looks at the objects afterwards.
                let before = read(&world).await;
                assert!(world.deliver_report(&report).await);
                publisher::publish(&world.service, &before).await.unwrap();
            }
        }
    }
    assert_eq!(read(&world).await.state, VideoState::Ready);
    check::verified(&world).await;
}
