//! Workers that write after the removal of what they work on.

use kinora_media::VideoId;
use kinora_plan::job::{Control, JobClass, JobMessage};
use kinora_queue::EventData;

use super::{
    check,
    film::Film,
    stories::plan_all,
    world::{Step, World},
};
const SECOND_US: i64 = 1_000_000;
const HOUR_US: i64 = 3600 * SECOND_US;

/// Takes the chores that are due after a time; how many there were.
async fn chores_after(world: &mut World, us: i64) -> usize {
    world.hand.advance_us(us);
    world.step(Step::Chores).await.unwrap().unwrap()
}

fn left(world: &World, video: VideoId) -> Vec<String> {
    let folder = format!("media/{video}/1/");
    let keys = world.store.keys(&folder);
    keys.iter().filter_map(|key| key.strip_prefix(&folder)).map(str::to_owned).collect()
}

/// Does what is dispatched until the pictures are asked for, and gives that message.
async fn work_until_pictures(world: &mut World) -> JobMessage {
    for _ in 0..100 {
        world.step(Step::Dispatch).await.unwrap().unwrap();
        let lane = std::mem::take(&mut *world.queue.lane.lock().unwrap());
        for message in lane {
            if message.payload.class() == JobClass::MakePictures {
                return message;
            }
            for report in world.work(&message) {
                assert!(world.deliver_report(&report).await);
            }
        }
        world.step(Step::Publish).await.unwrap().unwrap();
    }
    panic!("no pictures are asked for");
}

#[tokio::test]
async fn what_a_job_stores_while_its_video_is_removed_is_gone_soon_after() {
    let mut world = World::new().await;
    let video = world.upload(Film::Talkie(120), false);
    plan_all(&mut world).await;
    let pictures = work_until_pictures(&mut world).await;
    assert!(left(&world, video).len() > 4, "something is published by then");
    world.say(video, EventData::Deleted);
    let deleted = world.events.pop().unwrap();
    assert!(world.deliver_event(deleted).await);
    assert_eq!(world.step(Step::Chores).await.unwrap().unwrap(), 1);
    let told = world.queue.told.lock().unwrap().last().cloned();
    assert_eq!(told, Some(Control::CancelVideo { video }));
    assert_eq!(left(&world, video), ["index/head.json"]);

    // The worker was putting its pictures into the store when it was told.
    for report in world.work(&pictures) {
        assert!(world.deliver_report(&report).await);
    }
    assert_eq!(left(&world, video).len(), 4);
    assert_eq!(chores_after(&mut world, SECOND_US).await, 0, "too soon to look again");
    assert_eq!(chores_after(&mut world, 4 * SECOND_US).await, 1);
    assert_eq!(left(&world, video), ["index/head.json"]);

    // One that nobody could reach comes back hours later.
    let mut looks = 1;
    for _ in 0..3 * 12 {
        looks += chores_after(&mut world, 300 * SECOND_US).await;
    }
    assert!((4..=10).contains(&looks), "{looks} looks in three hours");
    world.work(&pictures);
    assert_eq!(left(&world, video).len(), 4);
    chores_after(&mut world, 4 * HOUR_US).await;
    assert_eq!(left(&world, video), ["index/head.json"]);

    // The tombstone stands past the longest deadline, and no longer.
    let tombstone_us = world.service.deps.config.tombstone_us();
    let stands_us = tombstone_us - 7 * HOUR_US - 5 * SECOND_US;
    chores_after(&mut world, stands_us - SECOND_US).await;
    assert_eq!(left(&world, video), ["index/head.json"]);
    chores_after(&mut world, 2 * SECOND_US).await;
    chores_after(&mut world, 5 * SECOND_US).await;
    assert_eq!(left(&world, video), Vec::<String>::new());
    check::after_chores(&world).await;
    check::verified(&world).await;
}
