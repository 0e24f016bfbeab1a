//! What must hold whatever happened.

use std::collections::{BTreeMap, BTreeSet};

use kinora_media::{
    FIRST_INIT, Head, Period, SegmentLocation, Status, Track, TrackId, TrackKind, VideoId,
};
use kinora_queue::EventData;

use super::{film::Film, worker::ON_DEVICE, world::World};
use crate::{
    audit,
    repository::{Transcode, drafts, objects, plans, statistics, transcodes},
    state::{JobState, VideoState},
};

/// Everything, after the world came to rest.
pub(crate) async fn at_rest(world: &World) {
    for &(video, film) in &world.films {
        let transcode = transcodes::find(world.db.read(), video, 1).await.unwrap().unwrap();
        let tally = statistics::tally(world.db.read(), (video, 1)).await.unwrap();
        let over = [JobState::Done, JobState::Failed, JobState::Cancelled];
        assert!(tally.iter().all(|t| over.contains(&t.state)), "{tally:?}");
        heads(world, video);
        events(world, &transcode);
        match transcode.state {
            VideoState::Ready => ready(world, &transcode, film).await,
            VideoState::Failed => assert!(!transcode.reason.as_ref().unwrap().message.is_empty()),
            VideoState::Cancelled => {}
            state => panic!("{video} rests as {state:?}"),
        }
    }
}

/// No head takes back what an earlier one said.
fn heads(world: &World, video: VideoId) {
    let mut before: Option<Head> = None;
    for head in world.store.heads(video) {
        if let Some(before) = before {
            assert_ne!(before.status, Status::Deleted, "a deleted video came back");
            // What is complete may only gain its pictures.
            let gains = before.pictures.is_none() && head.pictures.is_some();
            assert!(before.status == Status::Growing || head.status == Status::Deleted || gains);
            assert_eq!(head.revision, before.revision + 1);
            if head.status != Status::Deleted {
                assert!(head.tracks.starts_with(&before.tracks));
                let grown = head.tracks.len() > before.tracks.len();
                assert!(!grown || head.status == Status::Complete, "tracks came late");
                assert!(before.pictures.is_none() || head.pictures == before.pictures);
                assert_eq!(head.target_duration_s, before.target_duration_s);
                assert_eq!(head.first_published_at_us, before.first_published_at_us);
                assert_eq!(head.first_published_complete, before.first_published_complete);
                assert!(head.pages.starts_with(&before.pages));
                let periods = |head: &Head| match head.periods.is_empty() {
                    true => vec![FIRST_INIT.to_owned()],
                    false => head.periods.iter().map(|period| period.init.clone()).collect(),
                };
                assert!(periods(&head).starts_with(&periods(&before)), "a period changed");
                assert!(head.periods.len() <= 2, "there is one switch");
            }
        }
        before = Some(head);
    }
    published(world, video);
}

/// Every segment that was ever published stays what and where it was.
fn published(world: &World, video: VideoId) {
    let mut before = BTreeMap::<TrackId, Vec<SegmentLocation>>::new();
    for head in world.store.heads(video) {
        // Pages of a removed video are gone; that they did not change was seen before.
        let pages: Option<Vec<_>> = head
            .pages
            .iter()
            .map(|page| world.store.page(video, head.version, &page.object))
            .collect();
        let (Some(pages), false) = (pages, head.status == Status::Deleted) else { continue };
        for track in &head.tracks {
            let listed = pages.iter().chain([&head.tail]).flat_map(|page| page.segments(&track.id));
            let listed: Vec<_> = listed.collect();
            let known = before.entry(track.id.clone()).or_default();
            assert!(listed.starts_with(known), "{} changed", track.id);
            let gapless = listed.windows(2).all(|w| w[0].start + w[0].duration == w[1].start);
            assert!(gapless && listed.first().is_some_and(|first| first.start == 0));
            encoders(world, video, &head, track, &listed);
            *known = listed;
        }
        for (number, reference) in head.pages.iter().enumerate() {
            assert_eq!(pages[number].counts(), reference.segments);
        }
    }
}

/// In each period all segments of all renditions are of the encoder whose initialisation segment
/// it has.
fn encoders(world: &World, video: VideoId, head: &Head, track: &Track, listed: &[SegmentLocation]) {
    if !matches!(track.kind, TrackKind::Video(_)) {
        return;
    }
    let (_, film) = world.films.iter().find(|(known, _)| *known == video).unwrap();
    let began = if matches!(film, Film::Rendered(_)) { ON_DEVICE } else { 0 };
    let mut inits = BTreeSet::new();
    for segment in listed {
        let starts = |period: &&Period| {
            u128::from(period.start) * u128::from(track.timescale)
                <= u128::from(segment.start) * u128::from(period.timescale)
        };
        let init = head.periods.iter().rfind(starts).map_or(FIRST_INIT, |period| &period.init);
        let device = if init == FIRST_INIT { began } else { 0 };
        assert!((device..device + 10_000).contains(&segment.size), "{init} {segment:?}");
        inits.insert(init);
    }
    assert!(inits.iter().all(|init| has_init(world, head, track, init)), "{inits:?}");
}

/// Whether the initialisation segment is there, or the encode is being removed.
fn has_init(world: &World, head: &Head, track: &Track, init: &str) -> bool {
    let key = format!("media/{}/{}/{}/{init}", head.video, head.version, track.id);
    let last = world.store.heads(head.video).pop();
    last.is_some_and(|last| last.status == Status::Deleted) || world.store.keys(&key) == [key]
}

/// Consumers hear each thing once, in order, and the last is how it ended.
fn events(world: &World, transcode: &Transcode) {
    let seen = world.bus.seen(transcode.video);
    let words: Vec<_> = seen.iter().map(|event| word(&event.data)).collect();
    let all = ["planned", "playable", "plays_through", "ready"];
    match transcode.state {
        VideoState::Ready => assert_eq!(words, all),
        VideoState::Failed => {
            assert_eq!(words.last(), Some(&"failed"));
            assert!(all.starts_with(&words[..words.len() - 1]), "{words:?}");
        }
        _ => {
            let said = words.strip_suffix(&["failed"]).unwrap_or(&words);
            assert!(all.starts_with(said), "{words:?}");
        }
    }
}

fn word(data: &EventData) -> &'static str {
    match data {
        EventData::Planned { .. } => "planned",
        EventData::Playable { .. } => "playable",
        EventData::PlaysThrough { .. } => "plays_through",
        EventData::Ready { .. } => "ready",
        EventData::Failed { .. } => "failed",
        other => panic!("{other:?} is not ours to say"),
    }
}

/// The head lists what the database accepted, and that is the whole film.
async fn ready(world: &World, transcode: &Transcode, film: Film) {
    let video = transcode.video;
    let head = world.store.heads(video).pop().unwrap();
    assert_eq!(head.status, Status::Complete);
    let pages: Vec<_> =
        head.pages.iter().map(|p| world.store.page(video, 1, &p.object).unwrap()).collect();
    let accepted = objects::from_page(world.db.read(), (video, 1), 0).await.unwrap().by_track;
    planned_by_its_quality(world, video, film).await;
    let stored = world.store.keys(&format!("media/{video}/1/"));
    for track in &head.tracks {
        let listed = pages.iter().chain([&head.tail]).flat_map(|p| p.tracks.get(&track.id));
        let listed: Vec<_> = listed.flatten().cloned().collect();
        for entry in &listed {
            assert!(stored.contains(&format!("media/{video}/1/{}/{}", track.id, entry.object)));
        }
        if matches!(track.kind, TrackKind::Text(_)) {
            assert_eq!(listed.len(), 1);
            continue;
        }
        let entries: Vec<_> =
            accepted[&track.id].iter().map(|object| object.entry.clone()).collect();
        assert_eq!(listed, entries, "{}", track.id);
        let end =
            entries.last().map(|e| e.start + e.segments.iter().map(|s| s.duration).sum::<u64>());
        let seconds = (end.unwrap() - u64::from(track.priming)) as f64 / f64::from(track.timescale);
        let length = film.seconds().expect("nothing to encode became ready");
        assert!((seconds - length as f64).abs() < 0.4, "{} lasts {seconds} s", track.id);
    }
}

/// Samples decided, or it says why they did not; no draft is left.
async fn planned_by_its_quality(world: &World, video: VideoId, film: Film) {
    let plan = plans::find(world.db.read(), video, 1).await.unwrap().unwrap();
    let warned = plan.warnings.iter().any(|warning| warning.code == "quality_not_analysed");
    let decided = plan.quality.is_some_and(|quality| quality.decision.is_some());
    assert_eq!(decided ^ warned, matches!(film, Film::Measured(_)), "{warned} {decided}");
    assert_eq!(drafts::find(world.db.read(), video, 1).await.unwrap(), None);
}

/// What an operator is told of such a world: nothing, page by page.
pub(crate) async fn verified(world: &World) {
    let mut after = None;
    loop {
        let verified = audit::verify(&world.service, after, 1).await.unwrap();
        assert_eq!(verified.findings, []);
        after = verified.next;
        if after.is_none() {
            break;
        }
    }
}

/// After every chore: objects, database and index agree, and nothing else is left.
pub(crate) async fn after_chores(world: &World) {
    for &(video, _) in &world.films {
        let transcode = transcodes::find(world.db.read(), video, 1).await.unwrap().unwrap();
        let media = world.store.keys(&format!("media/{video}/"));
        let sources = world.store.keys(&format!("sources/{video}/"));
        match transcode.state {
            VideoState::Ready => {
                let accepted = objects::from_page(world.db.read(), (video, 1), 0).await.unwrap();
                let winners = accepted.by_track.values().map(Vec::len).sum::<usize>();
                let chunks = media.iter().filter(|key| key.ends_with(".m4s")).count();
                assert_eq!(chunks, winners, "strays are left: {media:?}");
                assert!(!sources.is_empty());
            }
            VideoState::Cancelled => assert_eq!((media, sources), (vec![], vec![])),
            _ => {
                assert_eq!(media, Vec::<String>::new());
                assert!(!sources.is_empty());
            }
        }
    }
}
