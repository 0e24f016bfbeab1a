//! Clients that race, break the rules of tus, send other bytes than they meant or never come back.

use reqwest::{Method, RequestBuilder, StatusCode};

use crate::{
    invariant,
    support::{Server, sample},
};

/// What the account may have in all, and what each of those who race for it wants.
const QUOTA: u64 = 10 << 20;
const SHARE: u64 = 900 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_and_quotas_stay_true_whatever_clients_do() {
    let quota = QUOTA.to_string();
    let mut server = Server::start_with(&[("KINORA_UPLOAD_QUOTA_BYTES", &quota)]).await;
    let uploads = race_for_the_quota(&server).await;
    expire_all(&mut server).await;
    for upload in &uploads {
        assert_eq!(offset(&server, upload).await, Err(StatusCode::GONE));
    }
    assert_eq!(spooled(&server), 0);
    invariant::holds(&server).await;

    // All of the quota is there again.
    let whole = server.create_upload("whole.mp4", QUOTA).await;
    assert_eq!(whole.status(), StatusCode::CREATED);
    let whole = whole.headers()["Location"].to_str().unwrap().to_owned();
    let given_up = tus(&server, Method::DELETE, &whole).send().await.unwrap();
    assert_eq!(given_up.status(), StatusCode::NO_CONTENT);

    let folder = tempfile::tempdir().unwrap();
    let film = std::fs::read(sample(folder.path(), &["--seconds", "2", "--size", "320x180"]));
    let video = arrives_by_fits_and_starts(&server, &film.unwrap()).await;
    let ready = server.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
}

/// Fifty who want to upload at once; the addresses of those who may.
async fn race_for_the_quota(server: &Server) -> Vec<String> {
    let all = (0..50).map(|_| server.create_upload("film.mp4", SHARE));
    let mut uploads = Vec::new();
    for answer in futures::future::join_all(all).await {
        match answer.status() {
            StatusCode::CREATED => {
                uploads.push(answer.headers()["Location"].to_str().unwrap().to_owned());
            }
            status => assert_eq!(status, StatusCode::FORBIDDEN),
        }
    }
    assert_eq!(uploads.len() as u64, QUOTA / SHARE);
    // One of them sends something, and is not heard of again.
    let begun = server.patch(&uploads[0], 0, vec![7; 1000]).await;
    assert_eq!(begun.status(), StatusCode::NO_CONTENT);
    uploads
}

/// As if nobody had come back for longer than uploads are kept.
async fn expire_all(server: &mut Server) {
    let (_, ended) = server.stop();
    assert!(ended.success(), "{ended}");
    let url = format!("sqlite://{}", server.data().join("kinora.sqlite").display());
    let db = kinora_db::Database::open(&url).await.unwrap();
    let mut tx = db.begin_write().await.unwrap();
    let expired = sqlx::query("UPDATE uploads SET expires_at_us = 1").execute(&mut *tx).await;
    assert!(expired.unwrap().rows_affected() > 1);
    tx.commit().await.unwrap();
    db.close().await;
    server.start_again().await;
}

/// Uploads a film against every rule there is; its video.
async fn arrives_by_fits_and_starts(server: &Server, film: &[u8]) -> String {
    let negative = tus(server, Method::POST, "/api/v1/uploads").header("Upload-Length", "-1");
    assert_eq!(negative.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    let created = server.create_upload("film.mp4", film.len() as u64).await;
    let header = |name| created.headers()[name].to_str().unwrap().to_owned();
    let (video, upload) = (header("Kinora-Video"), header("Location"));
    // What is refused unread is small, so that its answer is not lost with its connection.
    let (piece, rest) = film.split_at(1000);

    // The digest of nothing, over bytes of which one flipped.
    let flipped = patch(server, &upload, "0", piece)
        .header("Upload-Checksum", "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=")
        .send();
    assert_eq!(flipped.await.unwrap().status().as_u16(), 460);
    for (offset, status) in [("-1", StatusCode::BAD_REQUEST), ("7", StatusCode::CONFLICT)] {
        let answer = patch(server, &upload, offset, piece).send().await.unwrap();
        assert_eq!(answer.status(), status, "{offset}");
    }
    assert_eq!(offset(server, &upload).await, Ok(0));

    let twice = || async { patch(server, &upload, "0", piece).send().await.unwrap() };
    let (one, other) = tokio::join!(twice(), twice());
    let mut statuses = [one.status().as_u16(), other.status().as_u16()];
    statuses.sort_unstable();
    assert!(statuses[0] == 204 && [409, 423].contains(&statuses[1]), "{statuses:?}");
    assert_eq!(offset(server, &upload).await, Ok(1000));
    too_long(server).await;
    let last = server.patch(&upload, 1000, rest.to_vec()).await;
    assert_eq!(last.status(), StatusCode::NO_CONTENT);
    video
}

/// More than was announced: none of it counts.
async fn too_long(server: &Server) {
    let created = server.create_upload("short.mp4", 10).await;
    let upload = created.headers()["Location"].to_str().unwrap().to_owned();
    let answer = patch(server, &upload, "0", &[7; 11]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(offset(server, &upload).await, Ok(0));
    let given_up = tus(server, Method::DELETE, &upload).send().await.unwrap();
    assert_eq!(given_up.status(), StatusCode::NO_CONTENT);
}

fn tus(server: &Server, method: Method, url: &str) -> RequestBuilder {
    server.request(method, url).header("Tus-Resumable", "1.0.0")
}

fn patch(server: &Server, url: &str, offset: &str, body: &[u8]) -> RequestBuilder {
    tus(server, Method::PATCH, url)
        .header("Upload-Offset", offset)
        // The server may close after a refusal: the next request must not find such a connection.
        .header("Connection", "close")
        .header("Content-Type", "application/offset+octet-stream")
        .body(body.to_vec())
}

/// How much of an upload is durable, or why nobody says.
async fn offset(server: &Server, url: &str) -> Result<u64, StatusCode> {
    let answer = tus(server, Method::HEAD, url).send().await.unwrap();
    match answer.status() {
        StatusCode::OK => Ok(answer.headers()["Upload-Offset"].to_str().unwrap().parse().unwrap()),
        status => Err(status),
    }
}

/// Bytes of uploads in the server's spool.
fn spooled(server: &Server) -> u64 {
    let spool = std::fs::read_dir(server.data().join("uploads")).unwrap().flatten();
    spool.map(|entry| entry.metadata().unwrap().len()).sum()
}
