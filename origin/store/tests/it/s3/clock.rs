//! Hosts whose clocks are wrong: this program once more, under libfaketime, against a server whose clock is
//! right and which looks at it.

use std::time::SystemTime;

use bytes::Bytes;
use futures::future::join_all;
use kinora_store::{Condition, ObjectStore, Put};
use kinora_testing::{S3s, wrong_clock};
use tempfile::TempDir;

use super::{file, key, store};

/// Where the server is, and what time it is there, seconds since 1970.
const SERVER: &str = "STORE_TEST_SERVER";
const TIME: &str = "STORE_TEST_TIME";

fn now_s() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn a_host_whose_clock_is_wrong_reads_and_writes() {
    for by in ["+1h", "-1h", "-40d"] {
        let server = S3s::start().await;
        let child = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "s3::clock::reads_and_writes", "--ignored", "--nocapture"])
            .envs(wrong_clock(by))
            .env(SERVER, server.address().to_string())
            .env(TIME, now_s().to_string())
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success(), "{by}: {said}{}", String::from_utf8_lossy(&child.stderr));
        assert!(said.contains("1 passed"), "{said}");
    }
}

#[tokio::test]
#[ignore = "the test above runs it, with another clock"]
async fn reads_and_writes() {
    let time: u64 = std::env::var(TIME).unwrap().parse().unwrap();
    assert!(time.abs_diff(now_s()) > 3000, "the clock is right");
    let store = store(std::env::var(SERVER).unwrap().parse().unwrap());
    // Several at once: one of them learns of it first, all go through.
    let keys: Vec<_> = (0..4).map(|number| key(&format!("clock/{number}"))).collect();
    let body = Bytes::from_static(b"on time");
    let puts = keys.iter().map(|key| store.put(key, body.clone(), Condition::Absent));
    for put in join_all(puts).await {
        assert!(matches!(put, Ok(Put::Stored { .. })), "{put:?}");
    }
    assert_eq!(store.get(&keys[0]).await.unwrap().unwrap().1, body);
    let folder = TempDir::new().unwrap();
    let (large, long) = (file(folder.path(), &vec![7; 1 << 20]), key("clock/file"));
    store.put_file(&long, &large, Condition::Absent).await.unwrap();
    let found = store.head(&long).await.unwrap().unwrap();
    // How old an object is, the server says.
    let modified_s = found.modified_at_us.unsigned_abs() / 1_000_000;
    assert!(modified_s.abs_diff(time) < 1800, "{modified_s} instead of {time}");
    assert_eq!(store.list("clock/", None, 10).await.unwrap().len(), 5);
    assert!(store.delete(&long).await.unwrap());
}
