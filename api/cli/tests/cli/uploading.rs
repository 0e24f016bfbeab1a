//! Uploads that succeed.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::fake::{self, Fake, Fault};
use crate::run::Home;

fn same(left: &[u8], right: &[u8]) -> bool {
    Sha256::digest(left) == Sha256::digest(right)
}

#[tokio::test]
async fn without_a_terminal_ids_go_to_stdout_and_plain_lines_to_stderr() {
    let (home, fake) = Home::with_server().await;
    let (_, bytes) = home.file("film.mp4", 200_000);
    let run = home.run(&["upload", "film.mp4"]).await.ended(0);
    let id: Uuid = run.stdout.trim_end().parse().unwrap();
    assert!(same(&fake.stored(), &bytes));
    let lines: Vec<_> = run.stderr.lines().collect();
    let expected = [
        "film.mp4: uploaded after 0:".to_owned(),
        "film.mp4: playable after 0:".to_owned(),
        "film.mp4: plays through after 0:".to_owned(),
        "film.mp4: ready after 0:".to_owned(),
        format!("film.mp4: HLS http://127.0.0.1/media/{id}/1/hls.m3u8"),
        format!("film.mp4: DASH http://127.0.0.1/media/{id}/1/dash.mpd"),
    ];
    assert_eq!(lines.len(), expected.len(), "{}", run.stderr);
    for (line, begin) in lines.iter().zip(&expected) {
        assert!(line.starts_with(begin), "{line}");
    }
    assert!(lines[1].ends_with(&format!(": watch at http://127.0.0.1/watch/{id}")), "{}", lines[1]);
    assert_eq!(home.remembered(), Vec::<Value>::new());
}

/// Ids, times and speeds differ from run to run; everything else is a promise.
fn steady(mut line: Value, id: &str) -> Value {
    for (key, value) in line.as_object_mut().unwrap() {
        if ["elapsed_s", "bytes_per_s", "eta_s"].contains(&key.as_str()) && value.is_number() {
            *value = json!("[number]");
        }
        if let Value::String(text) = value {
            *text = text.replace(id, "[id]");
        }
    }
    line
}

#[tokio::test]
async fn json_lines_keep_their_shape() {
    let (home, fake) = Home::with_server().await;
    home.file("film.mp4", 100_000);
    fake.world().pace = Duration::from_millis(400);
    let run = home.run(&["upload", "film.mp4", "--json", "--title", "A film"]).await.ended(0);
    let lines = run.json();
    let id = lines[0]["video"].as_str().unwrap().to_owned();
    // How many progress lines there are is a matter of time: one of each kind stands for them.
    let mut kinds = BTreeSet::new();
    let kept: Vec<_> = lines
        .into_iter()
        .filter(|line| {
            let encode = line["frames_total"].is_number();
            line["event"] != "progress" || kinds.insert(encode)
        })
        .map(|mut line| {
            if line["event"] == "progress" && line["frames_total"].is_number() {
                for key in [
                    "state",
                    "percent",
                    "eta_s",
                    "fps",
                    "speed",
                    "encoded_us",
                    "published_us",
                    "frames_done",
                ] {
                    assert!(line.get(key).is_some());
                    line[key] = json!("[moves]");
                }
            }
            serde_json::to_string(&steady(line, &id)).unwrap()
        })
        .collect();
    insta::assert_snapshot!(kept.join("\n"));
}

#[tokio::test]
async fn json_progress_comes_at_most_once_a_second() {
    let (home, fake) = Home::with_server().await;
    home.file("film.mp4", 1_000);
    fake.world().pace = Duration::from_millis(10);
    let mut script = fake.world().script.clone();
    let encoding = script[2].clone();
    script.splice(2..2, std::iter::repeat_n(encoding, 100));
    fake.world().script = script;
    let run = home.run(&["upload", "film.mp4", "--json"]).await.ended(0);
    let elapsed = run.json().last().unwrap()["elapsed_s"].as_f64().unwrap();
    let progress = run.json().iter().filter(|line| line["event"] == "progress").count();
    assert!(progress as f64 <= elapsed + 1.0, "{progress} in {elapsed} s");
}

#[tokio::test]
async fn the_goal_decides_where_it_ends() {
    let (home, _fake) = Home::with_server().await;
    for (goal, events) in [
        ("uploaded", vec!["created", "uploaded"]),
        ("playable", vec!["created", "uploaded", "playable"]),
        ("ready", vec!["created", "uploaded", "playable", "plays_through", "ready"]),
    ] {
        home.file("film.mp4", 1_000);
        let run = home.run(&["upload", "film.mp4", "--json", "--wait", goal]).await.ended(0);
        let lines = run.json();
        let named: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        let named: Vec<_> = named.into_iter().filter(|event| *event != "progress").collect();
        assert_eq!(named, events);
        let last = lines.last().unwrap();
        assert_eq!(last["watch_url"].is_string(), goal != "uploaded");
    }
}

#[tokio::test]
async fn title_visibility_and_captions_arrive_before_the_bytes() {
    let (home, fake) = Home::with_server().await;
    home.file("film.mp4", 1_000);
    std::fs::write(home.path().join("a.vtt"), "WEBVTT\n\n00:00.000 --> 00:01.000\nA\n").unwrap();
    std::fs::write(home.path().join("b.srt"), "1\n00:00:00,000 --> 00:00:01,000\nB\n").unwrap();
    let args = ["upload", "film.mp4", "--title", "A film", "--public"];
    let captions = ["--captions", "en=a.vtt", "--captions", "de=b.srt"];
    home.run(&[&args[..], &captions].concat()).await.ended(0);
    let world = fake.world();
    let video = world.videos.values().next().unwrap();
    assert_eq!((&video["title"], &video["visibility"]), (&json!("A film"), &json!("public")));
    let languages: Vec<_> =
        video["captions"].as_array().unwrap().iter().map(|it| it["language"].clone()).collect();
    assert_eq!(languages, ["en", "de"]);
    let first = |prefix: &str| world.requests.iter().position(|it| it.starts_with(prefix));
    assert!(first("PUT") < first("PATCH"));
}

#[tokio::test]
async fn several_files_go_one_after_the_other() {
    let (home, fake) = Home::with_server().await;
    for name in ["a.mp4", "b.mp4", "c.mp4"] {
        home.file(name, 1_000);
    }
    let run = home.run(&["upload", "a.mp4", "b.mp4", "c.mp4", "--wait=uploaded"]).await.ended(0);
    assert_eq!(run.stdout.lines().count(), 3);
    assert!(run.stderr.contains("all 3 files are done"));
    assert_eq!(fake.world().uploads.len(), 3);
}

#[tokio::test]
async fn faults_that_pass_are_sat_out_and_told() {
    let (home, fake) = Home::with_server().await;
    let (_, bytes) = home.file("film.mp4", 200_000);
    fake.world().faults.extend([Fault::Status(503, None), Fault::CutAfter(50_000)]);
    let run = home.run(&["upload", "film.mp4", "--wait=uploaded"]).await.ended(0);
    assert!(same(&fake.stored(), &bytes));
    assert_eq!(run.stderr.matches("trying again in").count(), 2, "{}", run.stderr);
}

#[tokio::test]
async fn until_progress_is_known_the_catalogue_has_to_do() {
    let (home, fake) = Home::with_server().await;
    home.file("film.mp4", 1_000);
    fake.world().unknown_progress = 1;
    let run = home.run(&["upload", "film.mp4", "--json"]).await.ended(0);
    let states: Vec<_> = run.json().iter().map(|line| line["state"].clone()).collect();
    assert_eq!(states.last(), Some(&json!("ready")));
}

#[tokio::test]
async fn what_waits_says_why() {
    let (home, fake) = Home::with_server().await;
    home.file("film.mp4", 1_000);
    fake.world().pace = Duration::from_millis(6_500);
    fake.world().script.drain(..5);
    let run = home.run(&["upload", "film.mp4", "--json"]).await.ended(0);
    let waits = run.json().iter().any(|line| line["because"] == "No worker is running.");
    assert!(waits, "{}", run.stdout);
}

#[tokio::test]
async fn an_empty_file_is_uploaded_all_the_same() {
    let (home, fake) = Home::with_server().await;
    home.file("film.mp4", 0);
    home.run(&["upload", "film.mp4", "--wait=uploaded"]).await.ended(0);
    assert_eq!(fake.stored(), Vec::<u8>::new());
}

#[tokio::test]
async fn following_alone_reports_the_same_milestones() {
    let (home, fake) = Home::with_server().await;
    let id = create(&fake);
    let run = home.run(&["watch", &id, "--json"]).await.ended(0);
    let lines = run.json();
    let named: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert!(named.ends_with(&["plays_through", "ready"]), "{named:?}");
    assert_eq!(lines.last().unwrap()["video"], id);
}

fn create(fake: &Fake) -> String {
    let video = fake.world().create_video(&json!({ "title": "Film" }));
    video["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_turn_is_waited_for_and_a_place_in_the_queue_is_told() {
    let (home, fake) = Home::with_server().await;
    home.file("a.mp4", 1_000);
    fake.world().not_yet = 2;
    let mut waiting = fake::event("queued", 0.0, false, false);
    waiting["queue"] = json!({ "position": 12, "wait_s": 224.2 });
    // Longer than a line is apart from the next.
    fake.world().script.splice(..5, vec![waiting; 4]);
    fake.world().pace = Duration::from_millis(400);
    let run = home.run(&["upload", "a.mp4", "--json"]).await.ended(0);
    let told = "3 of your videos are on their way already; trying again in 0:01";
    assert_eq!(run.stderr.matches(told).count(), 2, "{}", run.stderr);
    let lines = run.json();
    let placed = lines.iter().find(|line| !line["queue_position"].is_null()).unwrap();
    assert_eq!((&placed["queue_position"], &placed["queue_wait_s"]), (&json!(12), &json!(224.2)));

    // Whoever does not want to wait for ever is told to come back, and begins where it was.
    home.file("b.mp4", 1_000);
    fake.world().not_yet = 2;
    let run = home.run(&["upload", "b.mp4", "--retries=1"]).await.ended(5);
    assert!(run.stderr.contains("3 of your videos are on their way already"), "{}", run.stderr);
    home.run(&["upload", "b.mp4"]).await.ended(0);
    assert_eq!(fake.world().videos.len(), 2);
}
