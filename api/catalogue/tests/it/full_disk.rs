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

#[tokio::test]
async fn what_the_disk_cannot_hold_is_refused_before_a_byte_comes() {
    // More than any disk has; a size within the limit of one file.
    let house = House::with(|config| config.max_upload_bytes = u64::MAX >> 1).await;
    let create = async |bytes: u64| {
        let length = bytes.to_string();
        house.tus("POST", "/api/v1/uploads", &[("upload-length", &*length)], b"").await
    };
    let answer = create(1 << 60).await;
    assert_eq!((answer.status, &*answer.code()), (507, "storage_full"));
    assert_eq!(create(1000).await.status, 201);

    // What is promised to one upload is not promised to another.
    let disk = rustix::fs::statvfs("/").unwrap();
    let free = disk.f_bavail * disk.f_frsize;
    let house = House::with(|config| {
        config.max_upload_bytes = u64::MAX >> 1;
        config.upload_reserve_bytes = 0;
    })
    .await;
    if house.spool_disk() != free_disk("/") {
        eprintln!("SKIPPED: temporary files lie on another disk");
        return;
    }
    let create = async |bytes: u64| {
        let length = bytes.to_string();
        house.tus("POST", "/api/v1/uploads", &[("upload-length", &*length)], b"").await.status
    };
    assert_eq!(create(free / 3 * 2).await, 201);
    assert_eq!(create(free / 3 * 2).await, 507);
    assert_eq!(create(1000).await, 201);
}

fn free_disk(path: &str) -> u64 {
    rustix::fs::stat(path).unwrap().st_dev
}
