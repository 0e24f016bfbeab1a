//! Courses of events around the analysis of samples.

use kinora_media::VideoId;
use kinora_plan::{encoder::FailureKind, job::JobPayload};

use super::{
    check,
    film::Film,
    stories::plan_all,
    worker,
    world::{Step, World},
};
use crate::{
    progress::view,
    repository::{plans, statistics, transcodes},
    state::JobState,
};

/// Plans a title by its quality; the worker measures samples, or says why it cannot.
async fn measured(failures: &[FailureKind]) -> (World, VideoId, u32) {
    let mut world = World::new().await;
    let video = world.upload(Film::Measured(40), false);
    plan_all(&mut world).await;
    let mut tries = 0;
    loop {
        world.hand.advance_us(700_000_000);
        world.step(Step::Dispatch).await.unwrap().unwrap();
        let message = world.queue.lane.lock().unwrap().pop().unwrap();
        if !matches!(message.payload, JobPayload::Analyse(_)) {
            break;
        }
        let reports = match failures.get(tries) {
            Some(kind) => vec![worker::fail(&message, *kind)],
            None => world.work(&message),
        };
        tries += 1;
        for report in reports {
            assert!(world.deliver_report(&report).await);
        }
    }
    // What was taken off the lane to look at comes back by its lease.
    world.drain().await;
    check::at_rest(&world).await;
    (world, video, u32::try_from(tries).unwrap())
}

#[tokio::test]
async fn samples_decide_how_many_bits_a_title_gets() {
    let (world, video, tries) = measured(&[]).await;
    assert_eq!(tries, 1);
    let plan = plans::find(world.db.read(), video, 1).await.unwrap().unwrap();
    let rungs = &plan.video.as_ref().unwrap().ladder.rungs;
    let caps: Vec<_> = rungs.iter().map(|rung| (rung.track.as_str(), rung.max_kbps)).collect();
    assert_eq!(caps, [("v360", 250), ("v240", 150)], "a quarter of 1000, and less than 500");
    let transcode = transcodes::find(world.db.read(), video, 1).await.unwrap().unwrap();
    let progress = view::progress(&world.service, &transcode).await.unwrap();
    let quality = progress.quality.unwrap();
    assert!(quality.produced && quality.saved_percent >= 30, "{quality:?}");
    assert!(quality.score >= f64::from(quality.target) && quality.bytes < quality.fixed_bytes);
}

#[tokio::test]
async fn a_title_does_without_samples_that_cannot_be_measured() {
    for (failures, tries) in [
        (&[FailureKind::Input][..], 1),
        (&[FailureKind::Internal; 2], 2),
        (&[FailureKind::Resource; 3], 3),
    ] {
        let (world, video, seen) = measured(failures).await;
        assert_eq!(seen, tries, "{failures:?}");
        let plan = plans::find(world.db.read(), video, 1).await.unwrap().unwrap();
        assert_eq!(plan.video.unwrap().ladder.rungs[0].max_kbps, 1000, "as the profile has it");
        let said = &plan.warnings.last().unwrap().message;
        assert!(said.ends_with("could not be measured (It broke)."), "{said}");
        let tally = statistics::tally(world.db.read(), (video, 1)).await.unwrap();
        assert!(tally.iter().any(|tally| tally.state == JobState::Failed), "and the job says so");
    }
}
