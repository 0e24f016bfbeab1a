//! Caption files.

use kinora_queue::{EventData, UploadedCaptions};
use kinora_store::{ObjectStore, keys};
use serde_json::json;

use crate::support::House;

const VTT: &[u8] = b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n";
const SRT: &[u8] = b"1\r\n00:00:01,000 --> 00:00:02,000\r\nHello\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nthere\r\n";

async fn video(house: &House) -> String {
    let created = house.ada("POST", "/api/v1/videos", "{}").await.json();
    created["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn both_formats_become_webvtt_and_travel_with_the_upload() {
    let house = House::new().await;
    let id = video(&house).await;
    let answer = house.put_captions(&id, "pt-BR?name=Portugu%C3%AAs", "text/vtt", VTT).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json(), json!({"language": "pt-br", "name": "Portugu\u{ea}s", "cues": 1}));
    let answer = house.put_captions(&id, "en", "application/x-subrip; charset=utf-8", SRT).await;
    assert_eq!((answer.status, &answer.json()["cues"]), (201, &2.into()));
    let answer = house.put_captions(&id, "en?name=English", "text/vtt", VTT).await;
    assert_eq!((answer.status, &answer.json()["cues"]), (200, &1.into()));
    let row = house.video(id.parse().unwrap()).await;
    let listed = json!([
        {"language": "en", "name": "English"},
        {"language": "pt-br", "name": "Portugu\u{ea}s"},
    ]);
    assert_eq!(row["captions"], listed);
    let english = kinora_media::TrackId::new("en").unwrap();
    let key = keys::source_captions(id.parse().unwrap(), &english);
    let (_, stored) = house.store.get(&key).await.unwrap().unwrap();
    assert!(stored.starts_with(b"WEBVTT\n") && stored.ends_with(b"Hello\n"), "{stored:?}");

    house.finish_upload(&id).await;
    let late = house.put_captions(&id, "de", "text/vtt", VTT).await;
    assert_eq!((late.status, &*late.code()), (409, "upload_finished"));
    let events = house.events(id.parse().unwrap()).await;
    let [EventData::Uploaded { captions, .. }] = &events[..] else { panic!("{events:?}") };
    let sent = |language: &str, name: &str| UploadedCaptions {
        language: language.into(),
        name: name.into(),
        key: format!("sources/{id}/captions/{language}.vtt"),
    };
    assert_eq!(*captions, [sent("en", "English"), sent("pt-br", "Portugu\u{ea}s")]);
}

#[tokio::test]
async fn what_is_no_caption_file_is_refused() {
    let house = House::new().await;
    let id = video(&house).await;
    let huge = vec![b'x'; (5 << 20) + 1];
    let cases: &[(&str, &str, &[u8], u16, &str)] = &[
        ("en", "text/plain", VTT, 415, "unsupported_media_type"),
        ("en", "", VTT, 415, "unsupported_media_type"),
        ("en", "text/vtt", SRT, 422, "invalid_captions"),
        ("en", "text/vtt", b"WEBVTT\n\n00:02.000 --> 00:01.000\nx\n", 422, "invalid_captions"),
        ("en", "text/vtt", b"", 422, "invalid_captions"),
        ("en", "application/x-subrip", b"\xff\xfe1", 422, "invalid_captions"),
        ("en", "text/vtt", &huge, 413, "body_too_large"),
        ("e", "text/vtt", VTT, 422, "invalid_value"),
        ("..%2fx", "text/vtt", VTT, 422, "invalid_value"),
        ("en?name=", "text/vtt", VTT, 422, "invalid_value"),
    ];
    for (language, content_type, body, status, code) in cases {
        let answer = house.put_captions(&id, language, content_type, body).await;
        let got = (answer.status, &*answer.code());
        assert_eq!(got, (*status, *code), "{language} {content_type}: {answer:?}");
    }
    let body = b"WEBVTT\n\n00:02.000 --> 00:01.000\nx\n";
    let answer = house.put_captions(&id, "en", "text/vtt", body).await;
    assert!(answer.json()["detail"].as_str().unwrap().contains("line 3"), "{answer:?}");
    assert!(house.objects(&id).await.is_empty());
    let nowhere = "01890a5d-ac96-774b-bcce-b302099a8057";
    assert_eq!(house.put_captions(nowhere, "en", "text/vtt", VTT).await.status, 404);
}

#[tokio::test]
async fn a_video_has_at_most_32_caption_files() {
    let house = House::new().await;
    let id = video(&house).await;
    for n in 0..32 {
        let answer = house.put_captions(&id, &format!("en-x{n}"), "text/vtt", VTT).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let answer = house.put_captions(&id, "de", "text/vtt", VTT).await;
    assert_eq!((answer.status, &*answer.code()), (409, "too_many_captions"));
    assert_eq!(house.put_captions(&id, "en-x7", "text/vtt", VTT).await.status, 200);
}
