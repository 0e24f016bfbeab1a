//! Files that travel in parts: whole or not at all, and no part stays behind.

use std::path::Path;

use kinora_store::{ByteRange, Condition, ObjectStore, Put, S3Config, S3Store};
use kinora_testing::{Fault, FaultProxy, Moto, S3s};
use tempfile::TempDir;

use super::{TRIES, key, long_file, store};

/// How many uploads nobody ended: all are abandoned at the end of time.
async fn left(store: &S3Store) -> usize {
    store.abort_abandoned(i64::MAX).await.unwrap()
}

async fn put(store: &S3Store, name: &str, file: &Path) -> Result<Put, kinora_store::StoreError> {
    store.put_file(&key(name), file, Condition::Absent).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_file_arrives_whole_where_digests_are_checked() {
    let (server, folder) = (S3s::start().await, TempDir::new().unwrap());
    let proxy = FaultProxy::start(server.address()).await;
    let store = store(proxy.address());
    let (file, bytes) = long_file(&folder);
    proxy.fault("PUT", "partNumber=2", 2, Fault::Answer(503));
    let stored = put(&store, "a/b", &file).await.unwrap();
    let (meta, read) = store.get(&key("a/b")).await.unwrap().unwrap();
    assert_eq!(stored, Put::Stored { etag: meta.etag });
    assert!(read == bytes, "other bytes");
    assert!(!file.exists(), "it belongs to the store now");
    assert_eq!(proxy.seen("PUT", "partNumber="), 3 + 2);

    // A range is a range on the wire too: the seam of two parts.
    let range = ByteRange { offset: (16 << 20) - 2, length: 4 };
    let seam = store.get_range(&key("a/b"), range).await.unwrap().unwrap();
    assert_eq!(seam, bytes[(16 << 20) - 2..(16 << 20) + 2]);

    let (file, _) = long_file(&folder);
    assert_eq!(put(&store, "a/b", &file).await.unwrap(), Put::ConditionFailed);
    assert!(file.exists() && proxy.seen("PUT", "partNumber=") == 5, "no part was sent in vain");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_completing_fails_the_file_is_there_or_no_part_is() {
    let (server, folder) = (Moto::start().await, TempDir::new().unwrap());
    let proxy = FaultProxy::start(server.address()).await;
    let store = store(proxy.address());
    let direct = super::store(server.address());
    let (file, bytes) = long_file(&folder);

    for (name, times, fault) in [
        ("once-before", 1, Fault::CutRequest),
        ("once-after", 1, Fault::CutAnswer),
        ("always-after", usize::MAX, Fault::CutAnswer),
    ] {
        let (file, _) = long_file(&folder);
        complete_fault(&proxy, name, times, fault);
        let stored = put(&store, name, &file).await.unwrap();
        let meta = direct.head(&key(name)).await.unwrap().unwrap();
        assert_eq!(stored, Put::Stored { etag: meta.etag }, "{name}");
        assert_eq!(meta.size, bytes.len() as u64, "{name}");
        assert_eq!(left(&direct).await, 0, "{name}");
    }

    long_file(&folder);
    complete_fault(&proxy, "always-before", usize::MAX, Fault::CutRequest);
    put(&store, "always-before", &file).await.unwrap_err();
    assert_eq!(direct.head(&key("always-before")).await.unwrap(), None);
    assert!(file.exists(), "what was not stored stays ours");
    assert_eq!(left(&direct).await, 0, "aborted");

    // Somebody else is faster, between the early look and the end.
    proxy.fault("PUT", "raced partNumber=3", 1, Fault::Hold);
    let raced = async {
        proxy.until_seen("PUT", "raced partNumber=3").await;
        let theirs = direct.put(&key("raced"), "theirs".into(), Condition::Absent).await.unwrap();
        proxy.release();
        theirs
    };
    let (ours, theirs) = tokio::join!(put(&store, "raced", &file), raced);
    assert_eq!(ours.unwrap(), Put::ConditionFailed);
    let meta = direct.head(&key("raced")).await.unwrap().unwrap();
    assert_eq!(theirs, Put::Stored { etag: meta.etag });
    assert_eq!(left(&direct).await, 0, "aborted");
}

fn complete_fault(proxy: &FaultProxy, name: &str, times: usize, fault: Fault) {
    // The other POST of an upload says `uploads`.
    proxy.fault("POST", &format!("{name} uploadId="), times, fault);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_who_gave_up_are_removed() {
    let (server, folder) = (Moto::start().await, TempDir::new().unwrap());
    let proxy = FaultProxy::start(server.address()).await;
    let store = store(proxy.address());
    let direct = super::store(server.address());
    let (file, _) = long_file(&folder);

    proxy.fault("PUT", "refused partNumber=2", usize::MAX, Fault::Answer(403));
    put(&store, "refused", &file).await.unwrap_err();
    proxy.fault("PUT", "cancelled partNumber=2", usize::MAX, Fault::Hold);
    tokio::select! {
        _ = put(&store, "cancelled", &file) => panic!("part 2 is held"),
        () = proxy.until_seen("PUT", "cancelled partNumber=2") => {}
    }
    // Both were dropped: what they left is aborted behind their backs.
    proxy.until_seen("DELETE", "refused uploadId=").await;
    proxy.until_seen("DELETE", "cancelled uploadId=").await;

    // A process that dies cannot; nor can one that never learned the id.
    proxy.fault("POST", "orphan uploads=", usize::MAX, Fault::CutAnswer);
    put(&store, "orphan", &file).await.unwrap_err();
    assert_eq!(store.abort_abandoned(0).await.unwrap(), 0, "they began after 1970");
    assert_eq!(left(&direct).await, TRIES);
    assert_eq!(left(&direct).await, 0);
}

/// A process that is killed drops nothing: its runtime is gone before anything could be aborted.
#[test]
fn what_a_killed_process_left_is_aborted_at_its_next_start() {
    let (folder, runtime) = (TempDir::new().unwrap(), || tokio::runtime::Runtime::new().unwrap());
    let outside = runtime();
    let (_server, proxy) = outside.block_on(async {
        let server = Moto::start().await;
        let proxy = FaultProxy::start(server.address()).await;
        (server, proxy)
    });
    let (file, _) = long_file(&folder);
    let notes = folder.path().join("notes");
    let process = |address| {
        let config = S3Config { journal: Some(notes.clone()), ..super::config(address) };
        S3Store::new(config).unwrap()
    };
    let noted = || std::fs::read_dir(&notes).unwrap().count();

    let killed = runtime();
    proxy.fault("PUT", "killed partNumber=2", usize::MAX, Fault::Hold);
    let store = process(proxy.address());
    let path = file.clone();
    killed.spawn(async move { put(&store, "killed", &path).await });
    outside.block_on(proxy.until_seen("PUT", "killed partNumber=2"));
    assert_eq!(noted(), 1);
    killed.shutdown_background();
    assert_eq!(proxy.seen("DELETE", "killed uploadId="), 0, "it was killed");

    proxy.mend();
    outside.block_on(async {
        let next = process(proxy.address());
        assert_eq!(next.abort_noted().await.unwrap(), 1);
        assert_eq!((next.abort_noted().await.unwrap(), noted()), (0, 0));
        assert_eq!(left(&next).await, 0);
        assert!(matches!(put(&next, "killed", &file).await.unwrap(), Put::Stored { .. }));
        assert_eq!(noted(), 0, "it is over");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_many_files_at_once_take_turns() {
    let (server, folder) = (S3s::start().await, TempDir::new().unwrap());
    let proxy = FaultProxy::start(server.address()).await;
    let store = store(proxy.address());
    proxy.fault("PUT", "partNumber=", usize::MAX, Fault::Hold);
    let puts: Vec<_> = (0..9)
        .map(|n| {
            let (store, path) = (store.clone(), folder.path().join(format!("file-{n}")));
            // Two parts, of which the second is short.
            std::fs::File::create(&path).unwrap().set_len((16 << 20) + 1).unwrap();
            tokio::spawn(async move { put(&store, &format!("file-{n}"), &path).await })
        })
        .collect();
    // Eighteen parts, of which sixteen are on their way until one has arrived.
    let seen = || proxy.seen("PUT", "partNumber=");
    for arrived in 0..18 {
        while seen() < (arrived + 16).min(18) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert!(seen() <= arrived + 16, "{} parts were sent when {arrived} had arrived", seen());
        proxy.release();
    }
    for put in puts {
        assert!(matches!(put.await.unwrap().unwrap(), Put::Stored { .. }));
    }
}
