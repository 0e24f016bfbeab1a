//! Listings, details, deletion.

use serde_json::json;

use crate::fake::{self, Fake};
use crate::run::Home;

fn video(fake: &Fake, title: &str) -> String {
    let video = fake.world().create_video(&json!({ "title": title }));
    video["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn videos_are_listed_shown_and_deleted() {
    let (home, fake) = Home::with_server().await;
    let run = home.run(&["videos"]).await.ended(0);
    assert!(run.stderr.contains("kinora upload FILE"));
    assert_eq!(run.stdout, "");

    let id = video(&fake, "A \u{1b}[31mred\u{202e} film");
    let run = home.run(&["videos"]).await.ended(0);
    let header = "ID                                    TITLE           STATE            LENGTH";
    assert!(run.stdout.starts_with(header), "{}", run.stdout);
    assert!(run.stdout.contains(&format!("{id}  A [31mred film  awaiting upload")));

    let shown = home.run(&["videos", "show", &id]).await.ended(0).stdout;
    insta::assert_snapshot!(shown.replace(&id, "[id]"));

    let refused = home.run(&["videos", "delete", &id]).await.ended(2);
    assert!(refused.stderr.contains("--yes"));
    home.run(&["videos", "delete", &id, "--yes"]).await.ended(0);
    assert!(fake.world().videos.is_empty());
    let gone = home.run(&["videos", "show", &id]).await.ended(1);
    assert!(gone.stderr.contains("nothing with this id"), "{}", gone.stderr);
}

#[tokio::test]
async fn what_a_quality_target_saved_is_shown() {
    let (home, fake) = Home::with_server().await;
    let id = video(&fake, "Film");
    let mut ready = fake::watch::event("ready", 100.0, true, true);
    ready["quality"] = json!({
        "target": 80, "score": 81.4, "fixed_score": 90.2, "samples": 8, "crf_raise": 5,
        "left_out": ["v720", "v480"], "fixed_bytes": 200_000_000, "bytes": 90_000_000,
        "produced": true, "saved_percent": 55,
    });
    {
        let mut world = fake.world();
        world.script = vec![ready];
        let film = world.videos.values_mut().next().unwrap();
        (film["state"], film["duration_us"]) = (json!("ready"), json!(20_000_000));
    }
    let shown = home.run(&["videos", "show", &id]).await.ended(0).stdout;
    let line = shown.lines().find(|line| line.contains("quality")).unwrap();
    assert!(line.contains("55 % saved, without v720, v480 (score 81, target 80)"), "{line}");
    let json = home.run(&["videos", "show", &id, "--json"]).await.ended(0).json();
    assert_eq!(json[0]["quality"]["saved_percent"], 55);
    assert_eq!(json[0]["title"], "Film");
}

#[tokio::test]
async fn listings_page_until_the_limit() {
    let (home, fake) = Home::with_server().await;
    for number in 0..130 {
        video(&fake, &format!("Film {number}"));
    }
    let run = home.run(&["videos", "list", "--json", "--limit=120"]).await.ended(0);
    assert_eq!(run.json().len(), 120);
    assert_eq!(run.json()[0]["title"], "Film 129");
    assert_eq!(fake.count("GET /api/v1/videos?"), 2);
    let run = home.run(&["videos", "--limit=3"]).await.ended(0);
    assert!(run.stderr.contains("--limit"), "{}", run.stderr);
    let run = home.run(&["videos", "--state=ready", "--json"]).await.ended(0);
    assert_eq!(run.json().len(), 0);
}

#[tokio::test]
async fn jobs_are_listed_and_shown() {
    let (home, fake) = Home::with_server().await;
    let id = video(&fake, "Film");
    let run = home.run(&["jobs", "--video", &id]).await.ended(0);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[1].contains("encode chunk 1  running  25 %  1/3  worker-1"), "{}", lines[1]);

    let failed = home.run(&["jobs", "list", "--state=failed", "--json"]).await.ended(0).json();
    assert_eq!(failed.len(), 1);
    let job = failed[0]["id"].as_str().unwrap();
    let shown = home.run(&["jobs", "show", job]).await.ended(0).stdout;
    insta::assert_snapshot!(shown.replace(&id, "[video]"));
}

#[tokio::test]
async fn json_is_asked_for_before_or_behind_a_command() {
    let (home, fake) = Home::with_server().await;
    let id = video(&fake, "Film");
    let anywhere: [&[&str]; 6] = [
        &["jobs", "dead"],
        &["jobs", "list", "--state=failed"],
        &["jobs", "why", &id],
        &["videos", "list"],
        &["videos", "show", &id],
        &["profiles", "list"],
    ];
    for words in anywhere {
        for place in 0..=words.len() {
            let mut words = words.to_vec();
            words.insert(place, "--json");
            let said = home.run(&words).await.ended(0).json();
            assert!(said.iter().all(serde_json::Value::is_object), "{words:?}: {said:?}");
            assert!(!said.is_empty(), "{words:?}");
        }
    }
    // A filter there would be passed over.
    for misplaced in [["jobs", "--state=failed", "dead"], ["videos", "--limit=3", "list"]] {
        let run = home.run(&misplaced).await.ended(2);
        assert!(run.stderr.contains("behind the command"), "{}", run.stderr);
    }
}

#[tokio::test]
async fn why_speaks_in_sentences() {
    let (home, fake) = Home::with_server().await;
    let id = video(&fake, "Film");
    let run = home.run(&["jobs", "why", &id]).await.ended(0);
    let expected = "This video is queued.\n  No worker is running.\n  Three chunks wait for one.\n";
    assert_eq!(run.stdout, expected);
    let run = home.run(&["jobs", "why", &id, "--json"]).await.ended(0);
    assert_eq!(run.json()[0]["because"][0], "No worker is running.");
}

#[tokio::test]
async fn verify_tells_faults_from_what_is_pending() {
    let (home, fake) = Home::with_server().await;
    let run = home.run(&["admin", "verify"]).await.ended(0);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("0 videos, 0 objects, 0 B: 0 faults, 0 pending"), "{}", run.stderr);

    let finding = |severity: &str, code: &str| {
        json!({ "video": null, "version": null, "severity": severity, "code": code,
            "message": "v1/00000-1.m4s is not in the store" })
    };
    let page = |findings: serde_json::Value, next: Option<&str>| json!({ "videos": 2, "objects": 7, "bytes": 2048, "findings": findings, "next": next });
    let pending = page(json!([finding("pending", "unfinished")]), None);
    fake.world().verified = vec![pending];
    home.run(&["admin", "verify"]).await.ended(0);
    home.run(&["admin", "verify", "--settled"]).await.ended(1);

    let next = "01900000-0000-7000-8000-000000000000";
    let first = page(json!([finding("fault", "missing_object")]), Some(next));
    fake.world().verified = vec![first, page(json!([]), None)];
    let run = home.run(&["admin", "verify"]).await.ended(1);
    insta::assert_snapshot!(run.stdout);
    assert!(run.stderr.contains("4 videos, 14 objects, 4.1 kB: 1 fault,"), "{}", run.stderr);
    assert_eq!(fake.count(&format!("GET /api/v1/admin/verify?after={next}")), 1);
    let run = home.run(&["admin", "verify", "--json"]).await.ended(1);
    assert_eq!(run.json()[0]["findings"][0]["code"], "missing_object");

    // The catalogue's half counts as well, and its videos are the same.
    fake.world().verified = vec![page(json!([]), None)];
    fake.world().catalogue_findings = vec![finding("fault", "no_presentation")];
    let run = home.run(&["admin", "verify"]).await.ended(1);
    assert!(run.stdout.contains("no_presentation"), "{}", run.stdout);
    assert!(run.stderr.contains("2 videos, 7 objects, 2.0 kB: 1 fault,"), "{}", run.stderr);
}

#[tokio::test]
async fn sweep_lists_and_removes_only_when_it_is_told() {
    let (home, fake) = Home::with_server().await;
    let run = home.run(&["admin", "sweep"]).await.ended(0);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("2 videos: 0 strays of 0 B, 1 too young"), "{}", run.stderr);

    let stray = |kind: &str, name: &str, bytes: Option<u64>| {
        json!({ "kind": kind, "video": null, "name": name, "bytes": bytes, "removed": false,
            "since": "2026-11-01T00:00:00Z", "message": "nothing names it" })
    };
    fake.world().strays = vec![
        stray("object", "media/v/1/v360/00001-2.m4s", Some(1000)),
        stray("source", "sources/v/original", Some(1_000_000)),
        stray("write", "kinora/sources/w/original", None),
        stray("spool", "0190-upload", Some(48)),
    ];
    let run = home.run(&["admin", "sweep"]).await.ended(0);
    assert!(run.stderr.contains("4 strays of 1.0 MB"), "{}", run.stderr);
    assert!(run.stderr.contains("--apply removes them"), "{}", run.stderr);
    let run = home.run(&["admin", "sweep", "--apply", "--older-than=1"]).await.ended(0);
    insta::assert_snapshot!(run.stdout);
    assert!(run.stderr.contains("3 removed"), "{}", run.stderr);
    assert_eq!(fake.count("POST /api/v1/admin/sweep?apply=true&older_than_s=3600"), 2);
    let run = home.run(&["admin", "sweep", "--json"]).await.ended(0);
    assert_eq!(run.json()[0]["strays"][1]["kind"], "source");
    assert_eq!(run.json()[0]["strays"][1]["removed"], false);
}

#[tokio::test]
async fn a_failed_video_is_tried_again() {
    let (home, fake) = Home::with_server().await;
    let id = video(&fake, "Film");
    let refused = home.run(&["videos", "retry", &id]).await.ended(1);
    assert!(refused.stderr.contains("Only a video that failed"), "{}", refused.stderr);
    fake.update(id.parse().unwrap(), |video| video["state"] = json!("failed"));
    let run = home.run(&["videos", "retry", &id]).await.ended(0);
    assert!(run.stderr.contains("trying Film again"), "{}", run.stderr);
    fake.update(id.parse().unwrap(), |video| video["state"] = json!("failed"));
    let run = home.run(&["videos", "retry", &id, "--json"]).await.ended(0);
    assert_eq!(run.json()[0]["state"], "queued");
}

#[tokio::test]
async fn dead_jobs_are_listed_replayed_and_cancelled_by_their_id_or_their_videos() {
    let (home, fake) = Home::with_server().await;
    let id = video(&fake, "Film");
    let run = home.run(&["jobs", "dead"]).await.ended(0);
    insta::assert_snapshot!(run.stdout.replace(&id, "[video]"));
    let run = home.run(&["jobs", "dead", "--json"]).await.ended(0).json();
    let job = run[0]["id"].as_str().unwrap().to_owned();
    assert_eq!((run.len(), &run[0]["state"]), (1, &json!("failed")));

    let run = home.run(&["jobs", "cancel", &job]).await.ended(0);
    assert!(run.stderr.contains(&format!("kinora videos retry {id}")), "{}", run.stderr);
    assert_eq!(fake.count(&format!("POST /api/v1/videos/{id}/cancel")), 1);
    for named in [&job, &id] {
        fake.update(id.parse().unwrap(), |video| video["state"] = json!("failed"));
        home.run(&["jobs", "replay", named]).await.ended(0);
    }
    assert_eq!(fake.count(&format!("POST /api/v1/videos/{id}/retry")), 2);
    home.run(&["jobs", "cancel", "01900000-0000-7000-8000-0000000000ff"]).await.ended(1);

    let run = home.run(&["jobs", "purge"]).await.ended(0);
    assert!(run.stderr.contains("1 dead job and 3 dead letters put away"), "{}", run.stderr);
    let args = ["jobs", "purge", "--video", &id, "--older-than", "7", "--json"];
    assert_eq!(home.run(&args).await.ended(0).json(), [json!({ "purged": 0, "letters": 0 })]);
    let asked = format!("POST /api/v1/jobs/purge?older_than_s=604800&video={id}");
    assert_eq!(fake.count(&asked), 1);
    home.run(&["jobs", "purge", "--older-than", "soon"]).await.ended(2);
}

#[tokio::test]
async fn a_video_that_is_tried_again_is_followed_past_its_first_failure() {
    let (home, fake) = Home::with_server().await;
    let id = video(&fake, "Film");
    let mut before = fake::failed("cancelled", "It was cancelled.");
    before["stale"] = json!(true);
    fake.world().script.insert(0, before);
    fake.update(id.parse().unwrap(), |video| video["state"] = json!("queued"));
    let run = home.run(&["watch", &id]).await.ended(0);
    assert!(!run.stderr.contains("It was cancelled"), "{}", run.stderr);
}
