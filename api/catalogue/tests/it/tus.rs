//! The protocol as its specification has it.

use kinora_queue::EventData;

use crate::support::{House, PATCH_TYPE, pattern};

/// Headers, and the status and code they are answered with.
type Case<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);

const UPLOADS: &str = "/api/v1/uploads";

#[tokio::test]
async fn a_file_arrives_in_pieces_and_sets_the_pipeline_going() {
    let house = House::new().await;
    let bytes = pattern(1_500_000);
    let (path, video) = house.upload(bytes.len()).await;
    assert_eq!(house.video(video).await["state"], "uploading");
    for (from, to) in [(0, 1), (1, 700_000), (700_000, 1_500_000)] {
        assert_eq!(house.offset(&path).await, from);
        let answer = house.patch(&path, from, &bytes[from..to]).await;
        assert_eq!((answer.status, answer.header("upload-offset")), (204, &*to.to_string()));
        assert_eq!(answer.header("tus-resumable"), "1.0.0");
    }
    assert_eq!(house.source(video).await.unwrap(), bytes);
    assert!(!house.spool(&path).exists());
    let row = house.video(video).await;
    assert_eq!((&row["state"], &row["size"]), (&"queued".into(), &1_500_000.into()));
    assert!(row["upload"].is_null());
    let uploaded = EventData::Uploaded {
        source_key: format!("sources/{video}/original"),
        size: 1_500_000,
        signed: true,
        captions: Vec::new(),
        profile: Some("default".to_owned()),
        priority: kinora_media::Priority::Interactive,
        version: 1,
    };
    assert_eq!(house.events(video).await, [uploaded]);
    // Both may be asked again after a lost answer.
    assert_eq!(house.offset(&path).await, bytes.len());
    assert_eq!(house.patch(&path, bytes.len(), b"").await.status, 204);
    assert_eq!(house.events(video).await.len(), 1);
    assert_eq!(house.tus("DELETE", &path, &[], b"").await.code(), "upload_finished");
}

#[tokio::test]
async fn discovery_needs_no_key() {
    let house = House::with(|config| config.max_upload_bytes = 1000).await;
    let answer = house.raw("OPTIONS", UPLOADS, &[], b"").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("tus-version"), "1.0.0");
    assert_eq!(answer.header("tus-extension"), "creation,termination,expiration,checksum");
    assert_eq!(answer.header("tus-checksum-algorithm"), "sha1,sha256");
    assert_eq!(answer.header("tus-max-size"), "1000");
}

#[tokio::test]
async fn creations_that_cannot_be_are_refused() {
    let house = House::with(|config| config.max_upload_bytes = 1000).await;
    let long = "x".repeat(9000);
    let cases: &[Case<'_>] = &[
        (&[], 400, "invalid_request"),
        (&[("upload-length", "-1")], 400, "invalid_request"),
        (&[("upload-length", "+1")], 400, "invalid_request"),
        (&[("upload-length", "1.0")], 400, "invalid_request"),
        (&[("upload-length", "99999999999999999999")], 400, "invalid_request"),
        (&[("upload-length", "9223372036854775808")], 400, "invalid_request"),
        (&[("upload-defer-length", "1")], 400, "invalid_request"),
        (&[("upload-length", "1001")], 413, "upload_too_large"),
        (&[("upload-length", "9"), ("upload-metadata", "filename ***")], 400, "invalid_request"),
        (&[("upload-length", "9"), ("upload-metadata", &long)], 400, "invalid_request"),
        (&[("upload-length", "9"), ("upload-metadata", "video eA==")], 404, "not_found"),
    ];
    for (headers, status, code) in cases {
        let answer = house.tus("POST", UPLOADS, headers, b"").await;
        assert_eq!((answer.status, &*answer.code()), (*status, *code), "{headers:?} {answer:?}");
        assert_eq!(answer.header("tus-resumable"), "1.0.0");
    }
    let answer = house.tus("POST", UPLOADS, &[("upload-length", "1001")], b"").await;
    assert_eq!(answer.header("tus-max-size"), "1000");
    let answer = house.tus("POST", UPLOADS, &[("upload-length", "1000")], b"").await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn pieces_that_do_not_fit_are_refused_and_change_nothing() {
    let house = House::new().await;
    let (path, _) = house.upload(10).await;
    assert_eq!(house.patch(&path, 0, b"0123").await.status, 204);
    let offset = |text| ("upload-offset", text);
    let cases: &[Case<'_>] = &[
        (&[PATCH_TYPE, offset("0")], 409, "offset_mismatch"),
        (&[PATCH_TYPE, offset("5")], 409, "offset_mismatch"),
        (&[PATCH_TYPE, offset("-4")], 400, "invalid_request"),
        (&[PATCH_TYPE, offset("four")], 400, "invalid_request"),
        (&[PATCH_TYPE], 400, "invalid_request"),
        (&[offset("4")], 415, "unsupported_media_type"),
        (&[("content-type", "text/plain"), offset("4")], 415, "unsupported_media_type"),
    ];
    for (headers, status, code) in cases {
        let answer = house.tus("PATCH", &path, headers, b"45").await;
        assert_eq!((answer.status, &*answer.code()), (*status, *code), "{headers:?} {answer:?}");
        assert_eq!(house.offset(&path).await, 4);
    }
    let answer = house.patch(&path, 0, b"").await;
    assert_eq!(answer.header("upload-offset"), "4");
    let answer = house.patch(&path, 4, b"4567890").await;
    assert_eq!((answer.status, &*answer.code()), (413, "upload_over_length"));
    assert_eq!(house.offset(&path).await, 4);
}

#[tokio::test]
async fn a_body_with_a_checksum_counts_whole_or_not_at_all() {
    // Of "0123456789", by sha1sum and sha256sum.
    const SHA1: &str = "sha1 h6zsF82dzSCnFsws9nQXtxyKcBY=";
    const SHA256: &str = "sha256 hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=";
    let house = House::new().await;
    let (path, video) = house.upload(20).await;
    let patch = async |offset: &str, sum: &str, body: &[u8]| {
        let headers = [PATCH_TYPE, ("upload-offset", offset), ("upload-checksum", sum)];
        house.tus("PATCH", &path, &headers, body).await
    };
    for bad in ["md5 AAAA", "sha1", "sha1 !", "sha1 AAAA", SHA256.trim_start_matches("sha256 ")] {
        let answer = patch("0", bad, b"0123456789").await;
        assert_eq!((answer.status, &*answer.code()), (400, "invalid_request"), "{bad}");
    }
    for sum in [SHA1, SHA256] {
        let flipped = patch("0", sum, b"0123456788").await;
        assert_eq!((flipped.status, &*flipped.code()), (460, "checksum_mismatch"));
        assert_eq!(flipped.header("upload-offset"), "0");
        assert_eq!(house.offset(&path).await, 0);
    }
    assert_eq!(patch("0", SHA1, b"0123456789").await.status, 204);
    assert_eq!(patch("10", SHA256, b"0123456789").await.status, 204);
    assert_eq!(house.source(video).await.unwrap(), b"01234567890123456789");
}

#[tokio::test]
async fn bodies_of_unknown_length_end_where_the_file_does() {
    let house = House::new().await;
    let (path, video) = house.upload(10).await;
    let headers = [PATCH_TYPE, ("upload-offset", "0"), ("transfer-encoding", "chunked")];
    let answer = house.tus("PATCH", &path, &headers, b"4\r\n0123\r\n0\r\n\r\n").await;
    assert_eq!((answer.status, answer.header("upload-offset")), (204, "4"));
    let headers = [PATCH_TYPE, ("upload-offset", "4"), ("transfer-encoding", "chunked")];
    let answer = house.tus("PATCH", &path, &headers, b"7\r\n4567890\r\n0\r\n\r\n").await;
    assert_eq!((answer.status, &*answer.code()), (413, "upload_over_length"));
    assert_eq!(house.offset(&path).await, 4);
    let answer = house.patch(&path, 4, b"456789").await;
    assert_eq!(answer.status, 204);
    assert_eq!(house.source(video).await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn another_version_of_the_protocol_is_refused() {
    let house = House::new().await;
    let (path, _) = house.upload(10).await;
    for (method, path) in
        [("POST", UPLOADS), ("HEAD", &*path), ("PATCH", &*path), ("DELETE", &*path)]
    {
        for headers in [&[("tus-resumable", "0.2.2")][..], &[]] {
            let answer = house.raw(method, path, headers, b"").await;
            assert_eq!((answer.status, answer.header("tus-version")), (412, "1.0.0"), "{method}");
        }
    }
}

#[tokio::test]
async fn uploads_belong_to_their_account() {
    let house = House::new().await;
    let (path, _) = house.upload(10).await;
    let unknown = format!("{UPLOADS}/01890a5d-ac96-774b-bcce-b302099a8057");
    let tus = ("tus-resumable", "1.0.0");
    for method in ["HEAD", "PATCH", "DELETE"] {
        let headers = [tus, PATCH_TYPE, ("upload-offset", "0")];
        assert_eq!(house.raw(method, &path, &headers, b"x").await.status, 401, "{method}");
        assert_eq!(house.tus(method, &unknown, &headers[1..], b"x").await.status, 404, "{method}");
        assert_eq!(house.bob_tus(method, &path, &headers, b"x").await.status, 404, "{method}");
    }
    assert_eq!(house.tus("HEAD", &format!("{UPLOADS}/..%2f..%2fx"), &[], b"").await.status, 404);
    assert_eq!(house.offset(&path).await, 0);
}

#[tokio::test]
async fn an_upload_may_be_for_a_video_that_is_there() {
    let house = House::new().await;
    let body = r#"{"title":"Holiday","visibility":"public"}"#;
    let created = house.ada("POST", "/api/v1/videos", body).await.json();
    let id = created["id"].as_str().unwrap();
    let metadata = format!("video {},filename ZmlsbS5tcDQ=", base64(id));
    let headers = [("upload-length", "3"), ("upload-metadata", &*metadata)];
    let answer = house.tus("POST", UPLOADS, &headers, b"").await;
    assert_eq!((answer.status, answer.header("kinora-video")), (201, id));
    let path = answer.header("location").to_owned();
    assert_eq!(house.head(&path).await.header("upload-metadata"), metadata);
    let again = house.tus("POST", UPLOADS, &headers, b"").await;
    assert_eq!((again.status, &*again.code()), (409, "upload_exists"));
    assert_eq!(again.header("location"), path);
    assert_eq!(house.patch(&path, 0, b"abc").await.status, 204);
    let late = house.tus("POST", UPLOADS, &headers, b"").await;
    assert_eq!((late.status, &*late.code()), (409, "upload_finished"));
    let video = house.video(id.parse().unwrap()).await;
    assert_eq!((&video["title"], &video["file_name"]), (&"Holiday".into(), &"film.mp4".into()));
    let events = house.events(id.parse().unwrap()).await;
    assert!(matches!(&events[..], [EventData::Uploaded { signed: false, .. }]), "{events:?}");
    assert_eq!(house.bob_tus("POST", UPLOADS, &headers, b"").await.status, 404);
}

#[tokio::test]
async fn an_empty_file_is_a_failed_video() {
    let house = House::new().await;
    let (path, video) = house.upload(0).await;
    assert_eq!(house.offset(&path).await, 0);
    let row = house.video(video).await;
    assert_eq!((&row["state"], &row["reason"]["code"]), (&"failed".into(), &"empty_file".into()));
    assert!(house.events(video).await.is_empty());
}

#[tokio::test]
async fn a_terminated_upload_is_gone_with_its_bytes() {
    let house = House::new().await;
    let (path, video) = house.upload(10).await;
    assert_eq!(house.patch(&path, 0, b"0123").await.status, 204);
    assert!(house.spool(&path).exists());
    assert_eq!(house.tus("DELETE", &path, &[], b"").await.status, 204);
    assert!(!house.spool(&path).exists());
    for method in ["HEAD", "DELETE"] {
        assert_eq!(house.tus(method, &path, &[], b"").await.status, 410, "{method}");
    }
    assert_eq!(house.patch(&path, 4, b"4").await.code(), "upload_gone");
    assert_eq!(house.video(video).await["reason"]["code"], "upload_terminated");
}

#[tokio::test]
async fn methods_may_travel_in_a_header() {
    let house = House::new().await;
    let (path, _) = house.upload(10).await;
    let headers = [PATCH_TYPE, ("upload-offset", "0"), ("x-http-method-override", "PATCH")];
    assert_eq!(house.tus("POST", &path, &headers, b"0123").await.status, 204);
    assert_eq!(house.offset(&path).await, 4);
    assert_eq!(house.tus("POST", &path, &[], b"").await.status, 405);
    let headers = [("x-http-method-override", "DELETE")];
    assert_eq!(house.tus("POST", &path, &headers, b"").await.status, 204);
    assert_eq!(house.head(&path).await.status, 410);
}

#[tokio::test]
async fn an_upload_without_progress_expires_and_frees_its_bytes() {
    let house = House::new().await;
    let (path, video) = house.upload(10).await;
    let (kept, _) = house.upload(10).await;
    let expires = house.patch(&path, 0, b"0123").await.header("upload-expires").to_owned();
    assert_eq!(expires, "Sat, 16 Jan 2027 08:00:00 GMT");
    house.hand.advance_us(23 * 3_600_000_000);
    assert_eq!(house.patch(&kept, 0, b"0").await.status, 204);
    assert_eq!(house.head(&path).await.status, 200);
    house.hand.advance_us(3_600_000_000);
    assert_eq!(house.head(&path).await.status, 410);
    assert_eq!(house.patch(&path, 4, b"4").await.status, 410);
    house.catalogue.recover().await.unwrap();
    assert!(!house.spool(&path).exists());
    assert_eq!(house.video(video).await["reason"]["code"], "upload_expired");
    assert_eq!(house.offset(&kept).await, 1);
    house.hand.advance_us(8 * 24 * 3_600_000_000);
    house.catalogue.recover().await.unwrap();
    assert_eq!(house.head(&path).await.status, 404);
}

#[tokio::test]
async fn an_account_has_so_many_uploads_at_once() {
    let house = House::with(|config| config.max_active_uploads = 2).await;
    let (path, _) = house.upload(10).await;
    house.upload(10).await;
    let headers = [("upload-length", "10")];
    let answer = house.tus("POST", UPLOADS, &headers, b"").await;
    assert_eq!((answer.status, &*answer.code()), (429, "too_many_uploads"));
    assert_eq!(house.tus("DELETE", &path, &[], b"").await.status, 204);
    house.upload(10).await;
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}
