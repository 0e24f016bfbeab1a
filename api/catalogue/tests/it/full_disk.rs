//! A full disk: the system refuses to let a file grow, as a quota does.

use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use crate::support::{House, pattern};

const ROOM: u64 = 3 << 20;
const CHILD: &str = "KINORA_TEST_FULL_DISK";
/// SIGXFSZ, which would end the process.
const FILE_TOO_LARGE: i32 = 25;

/// The limit is one of the process, so the test runs in one of its own.
#[test]
fn a_full_disk_costs_nothing_that_was_acknowledged() {
    if std::env::var_os(CHILD).is_some() {
        tokio::runtime::Runtime::new().unwrap().block_on(fill());
        return;
    }
    let name = "full_disk::a_full_disk_costs_nothing_that_was_acknowledged";
    let child = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    let errors = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && output.contains("1 passed"), "{output}{errors}");
}

async fn fill() {
    let _caught = signal(SignalKind::from_raw(FILE_TOO_LARGE)).unwrap();
    let house = House::new().await;
    let bytes = pattern(8 << 20);
    let (path, video) = house.upload(bytes.len()).await;
    let unlimited = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: Some(ROOM), ..unlimited }).unwrap();
    let answer = house.patch(&path, 0, &bytes).await;
    assert_eq!((answer.status, &*answer.code()), (507, "storage_full"));
    let offset = house.offset(&path).await;
    assert_eq!(offset as u64, ROOM);
    assert_eq!(std::fs::read(house.spool(&path)).unwrap(), bytes[..offset]);
    // It answers others meanwhile, and goes on once there is room.
    assert_eq!(house.patch(&path, offset, &bytes[offset..]).await.status, 507);
    assert_eq!(house.video(video).await["state"], "uploading");
    setrlimit(Resource::Fsize, unlimited).unwrap();
    assert_eq!(house.patch(&path, offset, &bytes[offset..]).await.status, 204);
    assert_eq!(house.source(video).await.unwrap(), bytes);
}
