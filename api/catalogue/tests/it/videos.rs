//! Videos as their owner sees them.

use kinora_queue::{EventBus, EventData};
use serde_json::{Value, json};

use crate::support::House;

const VIDEOS: &str = "/api/v1/videos";

/// Ids are new in every run.
pub(crate) fn without_ids(mut value: Value) -> Value {
    for key in ["id", "video", "request_id"] {
        if let Some(id) = value.get_mut(key) {
            *id = json!("[id]");
        }
    }
    if let Some(url) = value.pointer_mut("/upload/url") {
        *url = json!("/api/v1/uploads/[id]");
    }
    value
}

#[tokio::test]
async fn a_created_video_awaits_its_upload() {
    let house = House::new().await;
    let body = r#"{"title":" Holiday ","visibility":"public","file_name":"a/b.mp4"}"#;
    let answer = house.ada("POST", VIDEOS, body).await;
    assert_eq!(answer.status, 201);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("{VIDEOS}/{id}"));
    assert_eq!(house.video(id.parse().unwrap()).await, answer.json());
    insta::assert_json_snapshot!(without_ids(answer.json()));
}

#[tokio::test]
async fn a_video_under_way_says_where_its_upload_stands() {
    let house = House::new().await;
    let (path, video) = house.upload(10).await;
    house.patch(&path, 0, b"0123").await;
    let row = house.video(video).await;
    assert_eq!(row["upload"]["url"], path);
    insta::assert_json_snapshot!(without_ids(row));
}

#[tokio::test]
async fn descriptions_that_make_no_sense_are_refused() {
    let house = House::new().await;
    let long = format!(r#"{{"title":"{}"}}"#, "x".repeat(201));
    let cases = [
        ("", 400, "invalid_request"),
        ("[]", 422, "invalid_value"),
        (r#"{"title":""}"#, 422, "invalid_value"),
        (r#"{"title":"a\nb"}"#, 422, "invalid_value"),
        (&long, 422, "invalid_value"),
        (r#"{"visibility":"secret"}"#, 422, "invalid_value"),
        (r#"{"titel":"x"}"#, 422, "invalid_value"),
    ];
    for (body, status, code) in cases {
        let answer = house.ada("POST", VIDEOS, body).await;
        assert_eq!((answer.status, &*answer.code()), (status, code), "{body} {answer:?}");
    }
    assert_eq!(house.ada("POST", VIDEOS, "{}").await.json()["title"], "Untitled video");
}

#[tokio::test]
async fn without_a_key_there_is_nothing_and_of_others_neither() {
    let house = House::new().await;
    let created = house.ada("POST", VIDEOS, "{}").await.json();
    let path = format!("{VIDEOS}/{}", created["id"].as_str().unwrap());
    let unknown = format!("{VIDEOS}/01890a5d-ac96-774b-bcce-b302099a8057");
    for (method, path) in [("GET", VIDEOS), ("POST", VIDEOS), ("GET", &path), ("DELETE", &path)] {
        let answer = house.raw(method, path, &[], b"").await;
        assert_eq!((answer.status, &*answer.code()), (401, "unauthenticated"), "{method} {path}");
    }
    for method in ["GET", "DELETE"] {
        let others = house.bob(method, &path, "").await;
        let none = house.bob(method, &unknown, "").await;
        assert_eq!((others.status, none.status), (404, 404));
        assert_eq!(without_ids(others.json()), without_ids(none.json()));
    }
    assert_eq!(house.ada("GET", &format!("{VIDEOS}/x"), "").await.status, 404);
    assert_eq!(house.ada("PUT", &path, "").await.status, 405);
    assert!(house.bob("GET", VIDEOS, "").await.json()["items"].as_array().unwrap().is_empty());
    insta::assert_json_snapshot!(without_ids(house.ada("GET", &unknown, "").await.json()));
}

#[tokio::test]
async fn lists_are_read_newest_first_in_pages() {
    let house = House::new().await;
    for n in 0..7 {
        // Pairs of the same microsecond.
        house.hand.advance_us(n % 2);
        house.ada("POST", VIDEOS, &format!(r#"{{"title":"{n}"}}"#)).await;
    }
    house.bob("POST", VIDEOS, r#"{"title":"bob's"}"#).await;
    house.upload(5).await;
    let titles = async |state: &str| {
        let mut titles = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("{VIDEOS}?limit=3{state}{cursor}");
            let page = house.ada("GET", &path, "").await.json();
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 3);
            titles.extend(items.iter().map(|item| item["title"].as_str().unwrap().to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { return titles };
            cursor = format!("&cursor={next}");
        }
    };
    assert_eq!(titles("").await, ["Untitled video", "6", "5", "4", "3", "2", "1", "0"]);
    assert_eq!(titles("&state=uploading").await, ["Untitled video"]);
    assert_eq!(titles("&state=awaiting_upload").await.len(), 7);
    assert!(titles("&state=ready").await.is_empty());
    for bad in ["limit=0", "limit=101", "limit=x", "cursor=x", "state=lost"] {
        assert_eq!(house.ada("GET", &format!("{VIDEOS}?{bad}"), "").await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_deleted_video_is_gone_and_the_others_hear_of_it() {
    let house = House::new().await;
    let (upload, video) = house.upload(3).await;
    house.patch(&upload, 0, b"abc").await;
    let path = format!("{VIDEOS}/{video}");
    assert_eq!(house.bob("DELETE", &path, "").await.status, 404);
    for _ in 0..2 {
        assert_eq!(house.ada("DELETE", &path, "").await.status, 204);
    }
    assert_eq!(house.ada("GET", &path, "").await.status, 404);
    assert_eq!(house.head(&upload).await.status, 410);
    assert!(house.ada("GET", VIDEOS, "").await.json()["items"].as_array().unwrap().is_empty());
    let events = house.events(video).await;
    assert!(matches!(&events[..], [EventData::Uploaded { .. }, EventData::Deleted]), "{events:?}");
    // It was handed over: transcoding removes it.
    assert!(house.source(video).await.is_some());
}

#[tokio::test]
async fn a_video_that_never_was_uploaded_leaves_nothing_behind() {
    let house = House::new().await;
    let created = house.ada("POST", VIDEOS, "{}").await.json();
    let id = created["id"].as_str().unwrap();
    house.put_captions(id, "en", "text/vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n").await;
    assert_eq!(house.objects(id).await.len(), 1);
    assert_eq!(house.ada("DELETE", &format!("{VIDEOS}/{id}"), "").await.status, 204);
    assert!(house.objects(id).await.is_empty());
    assert_eq!(house.events(id.parse().unwrap()).await, [EventData::Deleted]);
}

#[tokio::test]
async fn a_failed_video_is_encoded_again_as_a_new_version() {
    let house = House::new().await;
    let (path, video) = house.upload(4).await;
    let retry = format!("/api/v1/videos/{video}/retry");
    assert_eq!(house.ada("POST", &retry, "").await.code(), "not_failed");
    assert_eq!(house.patch(&path, 0, b"film").await.status, 204);
    let failed = EventData::Failed { code: "no_memory".into(), reason: "It was too much.".into() };
    house.queue.publish(&house.event(video, 1, failed)).await.unwrap();
    house.until(video, |video| video["state"] == "failed").await;
    assert_eq!(house.bob("POST", &retry, "").await.status, 404);

    let again = house.ada("POST", &retry, "").await;
    assert_eq!(again.status, 202);
    assert_eq!((&again.json()["state"], &again.json()["reason"]), (&"queued".into(), &Value::Null));
    let events = house.events(video).await;
    let versions: Vec<_> = events
        .iter()
        .map(|event| match event {
            EventData::Uploaded { version, size: 4, .. } => *version,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(versions, [1, 2]);
    // What the second one says goes on as if it were the first.
    let ready = EventData::Ready { version: 2, duration_us: 9, warnings: vec![], pictures: false };
    house.queue.publish(&house.event(video, 2, ready)).await.unwrap();
    house.until(video, |video| video["state"] == "ready").await;
    assert_eq!(house.ada("POST", &retry, "").await.code(), "not_failed");
}

#[tokio::test]
async fn what_was_never_uploaded_whole_is_not_tried_again() {
    let house = House::new().await;
    let (path, video) = house.upload(4).await;
    assert_eq!(house.tus("DELETE", &path, &[], b"").await.status, 204);
    house.until(video, |video| video["state"] == "failed").await;
    let retry = format!("/api/v1/videos/{video}/retry");
    assert_eq!(house.ada("POST", &retry, "").await.code(), "no_source");
}
