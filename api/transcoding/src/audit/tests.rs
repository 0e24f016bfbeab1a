//! Nothing is said of a whole world; each kind of damage is.

use bytes::Bytes;
use kinora_media::VideoId;
use kinora_queue::EventData;
use kinora_store::{Condition, Key, ObjectStore, keys};

use super::{Broom, Severity, sweep, verify};
use crate::testing::{
    film::Film,
    world::{Step, World},
};

const DAY_US: i64 = 24 * 3600 * 1_000_000;

/// A film that is ready, and swept.
async fn ready() -> (World, VideoId) {
    let mut world = World::new().await;
    let video = world.upload(Film::Talkie(60), true);
    world.drain().await;
    world.hand.advance_us(2 * DAY_US);
    world.drain().await;
    assert_eq!(codes(&world).await, Vec::<String>::new());
    (world, video)
}

/// Severity and code of what is found, in order.
async fn codes(world: &World) -> Vec<String> {
    let verified = verify(&world.service, None, 100).await.unwrap();
    assert_eq!(verified.next, None);
    let word = |severity| match severity {
        Severity::Pending => "pending",
        Severity::Fault => "fault",
    };
    verified.findings.iter().map(|f| format!("{} {}", word(f.severity), f.code)).collect()
}

fn first(world: &World, prefix: &str, suffix: &str) -> Key {
    let keys = world.store.keys(prefix);
    let key = keys.into_iter().find(|key| key.ends_with(suffix));
    Key::new(key.expect("the film has one")).unwrap()
}

async fn rewrite(world: &World, key: &Key, edit: impl FnOnce(String) -> String) {
    let (meta, body) = world.store.get(key).await.unwrap().unwrap();
    let body = edit(String::from_utf8(body.to_vec()).unwrap());
    let put = world.store.put(key, Bytes::from(body), Condition::Matches(meta.etag)).await;
    put.unwrap();
}

#[tokio::test]
async fn each_kind_of_damage_to_a_ready_film_is_found() {
    let (world, video) = ready().await;
    let media = keys::media_folder(video);
    let chunk = first(&world, &media, ".m4s");
    let (_, bytes) = world.store.get(&chunk).await.unwrap().unwrap();

    world.store.delete(&chunk).await.unwrap();
    assert_eq!(codes(&world).await, ["fault missing_object"]);
    world.store.write(&chunk, bytes.slice(..bytes.len() - 1));
    assert_eq!(codes(&world).await, ["fault short_object"]);
    world.store.delete(&chunk).await.unwrap();
    world.store.write(&chunk, bytes);
    assert_eq!(codes(&world).await, Vec::<String>::new());

    let head = keys::head(video, 1);
    rewrite(&world, &head, |head| head.replace("\"size\":", "\"size\":1")).await;
    assert!(codes(&world).await.iter().all(|code| code == "fault head_disagrees"));
    world.store.delete(&head).await.unwrap();
    world.store.write(&head, Bytes::from_static(b"{"));
    let found = codes(&world).await;
    assert!(found.contains(&"fault unreadable_head".to_owned()), "{found:?}");
    world.store.delete(&head).await.unwrap();
    let found = codes(&world).await;
    assert!(found.contains(&"fault missing_head".to_owned()), "{found:?}");
}

#[tokio::test]
async fn what_nothing_names_is_pending_while_it_is_young() {
    let (world, video) = ready().await;
    let stray = Key::new(format!("{}1/v1/00000-9.m4s", keys::media_folder(video))).unwrap();
    let unknown = Key::new("media/01900000-0000-7000-8000-000000000000/1/v1/init.mp4").unwrap();
    for key in [&stray, &unknown] {
        world.store.write(key, Bytes::from_static(b"late"));
    }
    assert_eq!(codes(&world).await, ["pending young_object", "pending young_object"]);
    world.hand.advance_us(2 * DAY_US);
    assert_eq!(codes(&world).await, ["fault orphan_object", "fault orphan_object"]);
}

#[tokio::test]
async fn a_sweep_removes_what_nothing_names_once_it_is_old_and_no_source() {
    let (world, video) = ready().await;
    let stranger = "01900000-0000-7000-8000-000000000000";
    let stray = Key::new(format!("{}1/v1/00000-9.m4s", keys::media_folder(video))).unwrap();
    let page = Key::new(format!("{}1/index/page-9.json", keys::media_folder(video))).unwrap();
    let unknown = Key::new(format!("media/{stranger}/1/v1/init.mp4")).unwrap();
    let source = keys::source(stranger.parse().unwrap());
    let whole: Vec<_> = ["media/", "sources/"].map(|folder| world.store.keys(folder)).concat();
    for key in [&stray, &page, &unknown, &source] {
        world.store.write(key, Bytes::from_static(b"late"));
    }
    let sweep = async |apply| {
        let broom = Broom { apply, age_us: DAY_US };
        sweep(&world.service, None, 100, broom).await.unwrap()
    };
    let young = sweep(true).await;
    assert_eq!((young.strays.len(), young.young), (0, 4));
    world.hand.advance_us(2 * DAY_US);
    let told = sweep(false).await;
    assert_eq!((told.strays.len(), told.young, told.videos), (4, 0, 2));
    assert!(told.strays.iter().all(|stray| !stray.removed && stray.bytes == Some(4)));
    assert_eq!(codes(&world).await.len(), 4);

    let swept = sweep(true).await;
    let removed = swept.strays.iter().filter(|stray| stray.removed).map(|stray| &*stray.name);
    let mut removed: Vec<_> = removed.collect();
    removed.sort_unstable();
    let mut expected = [&stray, &page, &unknown].map(Key::as_str);
    expected.sort_unstable();
    assert_eq!(removed, expected);
    // A source may be all there is of a film.
    assert!(world.store.head(&source).await.unwrap().is_some());
    assert_eq!(codes(&world).await, ["fault orphan_object"]);
    world.store.delete(&source).await.unwrap();
    assert_eq!(["media/", "sources/"].map(|folder| world.store.keys(folder)).concat(), whole);
}

#[tokio::test]
async fn a_sweep_spares_what_an_unreadable_index_may_name_and_whatever_is_at_work() {
    let (mut world, video) = ready().await;
    let page = Key::new(format!("{}1/index/page-9.json", keys::media_folder(video))).unwrap();
    world.store.write(&page, Bytes::from_static(b"page"));
    let head = keys::head(video, 1);
    world.store.delete(&head).await.unwrap();
    world.store.write(&head, Bytes::from_static(b"{"));
    let working = world.upload(Film::Talkie(60), false);
    world.round().await;
    let stray = Key::new(format!("{}1/v1/00000-9.m4s", keys::media_folder(working))).unwrap();
    world.store.write(&stray, Bytes::from_static(b"early"));
    world.hand.advance_us(2 * DAY_US);
    let broom = Broom { apply: true, age_us: 0 };
    let swept = sweep(&world.service, None, 100, broom).await.unwrap();
    assert_eq!(swept.strays, vec![]);
}

#[tokio::test]
async fn what_was_uploaded_must_be_there_whole() {
    let (world, video) = ready().await;
    let source = keys::source(video);
    world.store.delete(&source).await.unwrap();
    assert_eq!(codes(&world).await, ["fault missing_source"]);
    world.store.write(&source, Bytes::from_static(b"?"));
    assert_eq!(codes(&world).await, ["fault short_source"]);
}

#[tokio::test]
async fn work_under_way_is_no_fault() {
    let mut world = World::new().await;
    let video = world.upload(Film::Talkie(60), false);
    world.round().await;
    world.step(Step::Dispatch).await.unwrap().unwrap();
    assert_eq!(codes(&world).await, ["pending unfinished"]);
    world.drain().await;
    world.say(video, EventData::Deleted);
    let event = world.events.last().cloned().unwrap();
    assert!(world.deliver_event(event).await);
    world.drain().await;
    let left = codes(&world).await;
    assert!(left.iter().all(|code| code.starts_with("pending")), "{left:?}");
    for _ in 0..4 {
        world.hand.advance_us(26 * 3600 * 1_000_000);
        world.drain().await;
    }
    assert_eq!(codes(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn videos_are_looked_at_once_each_in_pages() {
    let mut world = World::new().await;
    for _ in 0..3 {
        world.upload(Film::Talkie(10), false);
    }
    world.drain().await;
    let (mut after, mut seen) = (None, 0);
    loop {
        let page = verify(&world.service, after, 2).await.unwrap();
        seen += page.videos;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, 3);
}

#[tokio::test]
async fn each_folder_is_listed_once_however_many_videos_there_are() {
    let mut world = World::new().await;
    for _ in 0..5 {
        world.upload(Film::Talkie(10), false);
    }
    world.drain().await;
    let before = world.store.listings();
    let verified = verify(&world.service, None, 100).await.unwrap();
    assert_eq!((verified.videos, verified.findings), (5, vec![]));
    assert!(verified.objects > 25, "{}", verified.objects);
    assert_eq!(world.store.listings() - before, keys::FOLDERS.len());
}

#[tokio::test]
async fn more_objects_than_a_listing_has_are_all_looked_at() {
    let (world, video) = ready().await;
    let whole = verify(&world.service, None, 100).await.unwrap();
    for nth in 0..1200 {
        let stray = format!("{}1/v1/{nth:05}-9.m4s", keys::media_folder(video));
        world.store.write(&Key::new(stray).unwrap(), Bytes::from_static(b"late"));
    }
    let found = verify(&world.service, None, 100).await.unwrap();
    assert_eq!((found.videos, found.objects), (1, whole.objects + 1200));
    assert_eq!(found.findings.len(), 1200);
}

#[tokio::test]
async fn what_is_encrypted_needs_its_key_and_nothing_else_does() {
    let (world, video) = ready().await;
    let (head, key) = (keys::head(video, 1), keys::secret(video, 1));
    let encrypted = ("\"tail\":", "\"encryption\":\"cbcs\",\"tail\":");
    rewrite(&world, &head, |head| head.replacen(encrypted.0, encrypted.1, 1)).await;
    assert_eq!(codes(&world).await, ["fault missing_key"]);
    world.store.write(&key, Bytes::from_static(b"kid="));
    assert_eq!(codes(&world).await, Vec::<String>::new());
    rewrite(&world, &head, |head| head.replacen(encrypted.1, encrypted.0, 1)).await;
    let unknown = Key::new("keys/01900000-0000-7000-8000-000000000000/1").unwrap();
    world.store.write(&unknown, Bytes::from_static(b"kid="));
    assert_eq!(codes(&world).await, ["pending young_object", "pending young_object"]);
    world.hand.advance_us(2 * DAY_US);
    assert_eq!(codes(&world).await, ["fault orphan_object", "fault orphan_object"]);
    let broom = Broom { apply: true, age_us: DAY_US };
    let swept = sweep(&world.service, None, 100, broom).await.unwrap();
    let names: Vec<_> = swept.strays.iter().map(|stray| &*stray.name).collect();
    assert_eq!(names, [unknown.as_str()], "an encode that stays may yet want its key");
}

#[tokio::test]
async fn the_key_of_a_version_that_was_removed_is_swept() {
    let (mut world, video) = ready().await;
    world.say(video, EventData::Deleted);
    let event = world.events.last().cloned().unwrap();
    assert!(world.deliver_event(event).await);
    for _ in 0..4 {
        world.hand.advance_us(26 * 3600 * 1_000_000);
        world.drain().await;
    }
    assert_eq!(codes(&world).await, Vec::<String>::new());
    // As a late orchestrator would leave it.
    let key = keys::secret(video, 1);
    world.store.write(&key, Bytes::from_static(b"kid="));
    assert_eq!(codes(&world).await, ["pending young_object"]);
    world.hand.advance_us(2 * DAY_US);
    assert_eq!(codes(&world).await, ["fault orphan_object"]);
    let swept = sweep(&world.service, None, 100, Broom { apply: true, age_us: DAY_US }).await;
    let swept: Vec<_> = swept.unwrap().strays.into_iter().map(|stray| stray.name).collect();
    assert_eq!(swept, [key.as_str()]);
    assert!(world.store.head(&key).await.unwrap().is_none());
}
