//! Answers as clients get them.

use axum::{Router, body::Body};
use http_body_util::BodyExt;
use kinora_media::{VideoId, playback::mint_token};
use kinora_plan::{encoder::FailureKind, job::Control};
use serde_json::Value;
use tower::ServiceExt;

use crate::{
    orchestrator::progress,
    testing::{
        film::Film,
        worker,
        world::{BEGINNING_US, Step, World, token_key},
    },
};

/// A world in which a video is being encoded: one chunk is done, one runs, one failed once.
async fn busy() -> (World, VideoId) {
    let mut world = World::new().await;
    let video = world.upload(Film::Talkie(60), false);
    world.round().await;
    world.hand.advance_us(2_000_000);
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let lane = std::mem::take(&mut *world.queue.lane.lock().unwrap());
    for report in world.work(&lane[0]) {
        assert!(world.deliver_report(&report).await);
    }
    progress::on_progress(&world.service, worker::progress(&lane[2], 0, 120));
    world.step(Step::Renew).await.unwrap().unwrap();
    world.hand.advance_us(3_000_000);
    progress::on_progress(&world.service, worker::progress(&lane[2], 60, 120));
    assert!(world.deliver_report(&worker::fail(&lane[3], FailureKind::Internal)).await);
    (world, video)
}

fn app(world: &World) -> Router {
    world.service.router().split_for_parts().0
}

async fn get(world: &World, path: &str, key: bool) -> (u16, Value) {
    ask(world, "GET", path, key).await
}

async fn post(world: &World, path: &str, key: bool) -> (u16, Value) {
    ask(world, "POST", path, key).await
}

async fn ask(world: &World, method: &str, path: &str, key: bool) -> (u16, Value) {
    let mut request = axum::http::Request::builder().method(method).uri(path);
    if key {
        request = request.header("authorization", format!("Bearer {}", world.key.expose()));
    }
    let response = app(world).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// The same without what differs from run to run.
fn without_ids(mut body: Value) -> Value {
    for key in ["id", "video"] {
        if let Some(id) = body.get_mut(key) {
            *id = "[uuid]".into();
        }
    }
    body
}

#[tokio::test]
async fn progress_of_a_video_in_work() {
    let (world, video) = busy().await;
    let (status, body) = get(&world, &format!("/api/v1/videos/{video}/progress"), true).await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(without_ids(body));
}

#[tokio::test]
async fn who_may_not_watch_does_not_learn_that_there_is_something() {
    let (world, video) = busy().await;
    let path = format!("/api/v1/videos/{video}/progress");
    let seconds = BEGINNING_US / 1_000_000;
    let token = |expiry| mint_token(&token_key(), video, expiry);
    assert_eq!(get(&world, &path, false).await.0, 404);
    assert_eq!(get(&world, &format!("{path}?token={}", token(seconds + 99)), false).await.0, 200);
    assert_eq!(get(&world, &format!("{path}?token={}", token(seconds)), false).await.0, 403);
    let unknown = kinora_db::new_video_id();
    assert_eq!(get(&world, &format!("/api/v1/videos/{unknown}/progress"), true).await.0, 404);
    assert_eq!(get(&world, "/api/v1/jobs", false).await.0, 401);
}

#[tokio::test]
async fn jobs_are_listed_newest_first_page_by_page() {
    let (world, video) = busy().await;
    let (_, all) = get(&world, "/api/v1/jobs?limit=100", true).await;
    let all = all["items"].as_array().unwrap().clone();
    let mut paged = Vec::new();
    let mut path = "/api/v1/jobs?limit=3".to_owned();
    loop {
        let (_, page) = get(&world, &path, true).await;
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/jobs?limit=3&cursor={cursor}");
    }
    assert_eq!(paged, all);
    let state = |state| format!("/api/v1/jobs?video={video}&state={state}");
    assert_eq!(get(&world, &state("running"), true).await.1["items"].as_array().unwrap().len(), 1);
    assert_eq!(get(&world, &state("lost"), true).await.0, 400);
    let other = kinora_db::new_video_id();
    let (_, none) = get(&world, &format!("/api/v1/jobs?video={other}"), true).await;
    assert_eq!(none["items"], Value::Array(vec![]));

    let find = |state: &str| all.iter().find(|job| job["state"] == state).unwrap();
    let failed = all.iter().find(|job| !job["error"].is_null()).unwrap();
    insta::assert_json_snapshot!([find("running"), failed].map(|job| without_ids(job.clone())));
    let id = find("running")["id"].as_str().unwrap();
    assert_eq!(get(&world, &format!("/api/v1/jobs/{id}"), true).await.1, *find("running"));
    assert_eq!(get(&world, &format!("/api/v1/jobs/{other}"), true).await.0, 404);
}

#[tokio::test]
async fn why_says_what_holds_things_up() {
    let (world, video) = busy().await;
    let (_, of_video) = get(&world, &format!("/api/v1/why/{video}"), true).await;
    let (_, jobs) = get(&world, "/api/v1/jobs?limit=100", true).await;
    let jobs = jobs["items"].as_array().unwrap().clone();
    let mut said = vec![of_video["because"].clone()];
    for state in ["running", "waiting"] {
        let job = jobs.iter().rfind(|job| job["state"] == state).unwrap();
        let (_, why) =
            get(&world, &format!("/api/v1/why/{}", job["id"].as_str().unwrap()), true).await;
        assert_eq!(why["subject"], "job");
        said.push(why["because"].clone());
    }
    insta::assert_json_snapshot!(said);
    let unknown = kinora_db::new_video_id();
    assert_eq!(get(&world, &format!("/api/v1/why/{unknown}"), true).await.0, 404);
}

#[tokio::test]
async fn why_tells_of_graphics_processors() {
    let mut world = World::new().await;
    let video = world.upload(Film::Rendered(40), false);
    world.round().await;
    world.no_devices = true;
    world.round().await;
    let path = format!("/api/v1/why/{video}");
    let because = async |world: &World| get(world, &path, true).await.1["because"].to_string();
    let queued = because(&world).await;
    assert!(queued.contains("workers that have a graphics processor (fake)"), "{queued}");
    assert!(queued.contains("for 10 min, the CPU encodes it"), "{queued}");
    world.hand.advance_us(601_000_000);
    world.step(Step::Leases).await.unwrap().unwrap();
    let switched = because(&world).await;
    assert!(switched.contains("took it for 10 min: the CPU encodes it."), "{switched}");
    assert!(switched.contains("No worker with the graphics processor was left"), "{switched}");
    assert!(!switched.contains("0 of its tries"), "{switched}");
}

#[tokio::test]
async fn events_follow_a_video_to_its_end() {
    let mut world = World::new().await;
    let video = world.upload(Film::Talkie(10), false);
    let uploaded = world.events.pop().unwrap();
    assert!(world.deliver_event(uploaded).await);
    let request = axum::http::Request::builder()
        .uri(format!("/api/v1/videos/{video}/progress/events"))
        .header("authorization", format!("Bearer {}", world.key.expose()));
    let response = app(&world).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.starts_with(b"event: progress\ndata: {"), "{first:?}");
    world.drain().await;
    let rest = body.collect().await.unwrap().to_bytes();
    let rest = String::from_utf8(rest.to_vec()).unwrap();
    let last = rest.trim_end().lines().next_back().unwrap().strip_prefix("data: ").unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    assert_eq!((&last["state"], &last["percent"]), (&"ready".into(), &100.0.into()));
}

#[test]
fn the_openapi_document_names_every_route() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let document = world.service.router().split_for_parts().1;
    let paths: Vec<_> = document.paths.paths.keys().collect();
    insta::assert_json_snapshot!(paths);
}

#[tokio::test]
async fn why_tells_of_the_analysis() {
    let mut world = World::new().await;
    let video = world.upload(Film::Measured(40), false);
    world.round().await;
    let path = format!("/api/v1/why/{video}");
    let (_, waiting) = get(&world, &path, true).await;
    let because = waiting["because"][0].as_str().unwrap();
    assert!(because.contains("the analysis of samples"), "{waiting}");
    world.drain().await;
    let (_, ready) = get(&world, &path, true).await;
    let saved = ready["because"][1].as_str().unwrap();
    assert!(saved.contains("% fewer bits") && !saved.contains("about"), "{ready}");
}

#[tokio::test]
async fn an_encode_is_cancelled_by_its_owner_once() {
    let (mut world, video) = busy().await;
    let cancel = format!("/api/v1/videos/{video}/cancel");
    assert_eq!(post(&world, &cancel, false).await.0, 401);
    assert_eq!(post(&world, &cancel, true).await.0, 204);
    let told = world.queue.told.lock().unwrap().last().cloned();
    assert_eq!(told, Some(Control::CancelVideo { video }));
    let (status, problem) = post(&world, &cancel, true).await;
    assert_eq!((status, &problem["code"]), (409, &"not_encoding".into()));
    let unknown = "/api/v1/videos/01900000-0000-7000-8000-000000000000/cancel";
    assert_eq!(post(&world, unknown, true).await.0, 404);
    world.drain().await;
    let (_, progress) = get(&world, &format!("/api/v1/videos/{video}/progress"), true).await;
    assert_eq!(
        (&progress["state"], &progress["reason"]["code"]),
        (&"failed".into(), &"cancelled".into())
    );
}

/// Its place in the queue, and how long it waits.
async fn place(world: &World, video: VideoId) -> Option<(u64, Option<f64>)> {
    let (_, body) = get(world, &format!("/api/v1/videos/{video}/progress"), true).await;
    let queue = body["queue"].as_object()?;
    Some((queue["position"].as_u64().unwrap(), queue["wait_s"].as_f64()))
}

#[tokio::test]
async fn who_waits_is_told_of_its_place_and_its_turn() {
    let mut world = World::with(|config| config.max_in_flight = 1).await;
    let videos: Vec<_> = (0..4).map(|_| world.upload(Film::Silent(60), false)).collect();
    for event in std::mem::take(&mut world.events) {
        assert!(world.deliver_event(event).await);
        world.hand.advance_us(1);
    }
    let mut places = Vec::new();
    for video in &videos {
        places.push(place(&world, *video).await);
    }
    // Nobody works, so nobody can say when.
    assert_eq!(places, [1, 2, 3, 4].map(|position| Some((position, None))));

    world.step(Step::Dispatch).await.unwrap().unwrap();
    assert_eq!(place(&world, videos[0]).await, None);
    assert_eq!(place(&world, videos[1]).await, Some((1, None)));
    let lane = std::mem::take(&mut *world.queue.lane.lock().unwrap());
    progress::on_progress(&world.service, worker::progress(&lane[0], 0, 1));
    world.step(Step::Renew).await.unwrap().unwrap();
    // It is looked up anew only after some seconds.
    world.hand.advance_us(6_000_000);
    // Each examination takes five seconds as long as nobody knows better.
    assert_eq!(place(&world, videos[0]).await, None);
    assert_eq!(place(&world, videos[1]).await, Some((1, Some(0.0))));
    assert_eq!(place(&world, videos[3]).await, Some((3, Some(10.0))));

    world.drain().await;
    for video in videos {
        assert_eq!(place(&world, video).await, None);
    }
}

#[tokio::test]
async fn dead_jobs_are_put_away_by_their_owner() {
    let mut world = World::new().await;
    let video = world.upload(Film::Talkie(10), false);
    let uploaded = world.events.pop().unwrap();
    assert!(world.deliver_event(uploaded).await);
    world.step(Step::Dispatch).await.unwrap().unwrap();
    let lane = std::mem::take(&mut *world.queue.lane.lock().unwrap());
    assert!(world.deliver_report(&worker::fail(&lane[0], FailureKind::Input)).await);
    let dead = "/api/v1/jobs?state=failed";
    let (_, before) = get(&world, dead, true).await;
    assert_eq!(before["items"].as_array().unwrap().len(), 1);

    assert_eq!(post(&world, "/api/v1/jobs/purge", false).await.0, 401);
    let purge = async |query: &str| {
        let (status, body) = post(&world, &format!("/api/v1/jobs/purge{query}"), true).await;
        assert_eq!(status, 200, "{body}");
        body["jobs"].as_u64().unwrap()
    };
    let other = kinora_db::new_video_id();
    assert_eq!(purge(&format!("?video={other}")).await, 0);
    world.hand.advance_us(59_000_000);
    assert_eq!(purge("?older_than_s=60").await, 0);
    world.hand.advance_us(1_000_000);
    *world.queue.dead.lock().unwrap() = 2;
    assert_eq!(purge(&format!("?older_than_s=60&video={video}")).await, 1);
    let (_, all) = post(&world, "/api/v1/jobs/purge?older_than_s=0", true).await;
    assert_eq!((&all["jobs"], &all["letters"]), (&0.into(), &2.into()));
    assert_eq!(purge("").await, 0);
    let (_, after) = get(&world, dead, true).await;
    assert_eq!(after["items"], Value::Array(vec![]));
    // What it ended with is known still, and so is why its video failed.
    let id = before["items"][0]["id"].as_str().unwrap();
    let (_, job) = get(&world, &format!("/api/v1/jobs/{id}"), true).await;
    assert_eq!((&job["state"], &job["error"]), (&"cancelled".into(), &before["items"][0]["error"]));
    let (_, progress) = get(&world, &format!("/api/v1/videos/{video}/progress"), true).await;
    assert_eq!(progress["state"], "failed");
}
