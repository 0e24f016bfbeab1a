//! Everything of one store in another.

use bytes::Bytes;
use kinora_store::{
    Condition, FsStore, Key, ObjectMeta, ObjectStore, Put,
    transfer::{self, Outcome, TransferError},
};
use kinora_testing::{Fault, FaultProxy, S3s};

use crate::s3::{key, store};

const LARGE: usize = 20 << 20;

async fn put(store: &dyn ObjectStore, at: &str, body: impl Into<Bytes>) {
    let put = store.put(&key(at), body.into(), Condition::Absent).await.unwrap();
    assert!(matches!(put, Put::Stored { .. }));
}

/// A folder with objects of every kind.
async fn filled() -> (tempfile::TempDir, FsStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = FsStore::open(folder.path().join("store")).unwrap();
    put(&store, "sources/a/original", vec![7; LARGE]).await;
    put(&store, "media/a/1/index/head.json", "{}").await;
    for chunk in 0..30 {
        put(&store, &format!("media/a/1/v360/{chunk:05}-1.m4s"), vec![chunk; 1000]).await;
    }
    (folder, store)
}

async fn all(store: &dyn ObjectStore) -> Vec<ObjectMeta> {
    let mut found: Vec<ObjectMeta> = Vec::new();
    loop {
        let next = transfer::page(store, found.last().map(|object| &object.key)).await.unwrap();
        if next.is_empty() {
            return found;
        }
        found.extend(next);
    }
}

async fn copy_all(
    from: &dyn ObjectStore,
    to: &dyn ObjectStore,
) -> Result<Vec<Outcome>, TransferError> {
    let scratch = tempfile::tempdir().unwrap();
    let mut outcomes = Vec::new();
    for object in all(from).await {
        outcomes.push(transfer::copy(from, to, &object, scratch.path()).await?);
    }
    assert_eq!(scratch.path().read_dir().unwrap().count(), 0, "what was on its way is gone");
    Ok(outcomes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_cut_off_goes_on_and_ends_with_the_same_bytes() {
    let (_folder, files) = filled().await;
    let server = S3s::start().await;
    let proxy = FaultProxy::start(server.address()).await;
    let bucket = store(proxy.address());
    // More often than a write is tried.
    proxy.fault("PUT", "00017-1", 5, Fault::Answer(503));
    assert!(matches!(copy_all(&files, &bucket).await, Err(TransferError::Store(_))));

    let outcomes = copy_all(&files, &bucket).await.unwrap();
    let count = |which| outcomes.iter().filter(|outcome| **outcome == which).count();
    assert_eq!((count(Outcome::There), count(Outcome::Copied)), (18, 14), "{outcomes:?}");
    let names = |objects: Vec<ObjectMeta>| {
        objects.into_iter().map(|object| (object.key, object.size)).collect::<Vec<_>>()
    };
    assert_eq!(names(all(&bucket).await), names(all(&files).await));
    for object in all(&files).await {
        assert!(transfer::compare(&files, &bucket, &object).await.unwrap(), "{}", object.key);
    }

    // And back.
    let back = tempfile::tempdir().unwrap();
    let back = FsStore::open(back.path().join("store")).unwrap();
    copy_all(&bucket, &back).await.unwrap();
    assert_eq!(names(all(&back).await), names(all(&files).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_follow_and_other_differences_are_named() {
    let (_folder, files) = filled().await;
    let (_other_folder, other) = filled().await;
    let head = key("media/a/1/index/head.json");
    let etag = files.head(&head).await.unwrap().unwrap().etag;
    files.put(&head, "{\"next\":1}".into(), Condition::Matches(etag)).await.unwrap();
    let outcomes = copy_all(&files, &other).await.unwrap();
    assert_eq!(outcomes.iter().filter(|o| **o == Outcome::Replaced).count(), 1);
    assert_eq!(&other.get(&head).await.unwrap().unwrap().1[..], b"{\"next\":1}");

    let chunk: Key = key("media/a/1/v360/00003-1.m4s");
    other.delete(&chunk).await.unwrap();
    put(&other, chunk.as_str(), vec![9; 1000]).await;
    let object = files.head(&chunk).await.unwrap().unwrap();
    assert!(!transfer::compare(&files, &other, &object).await.unwrap());
    other.delete(&chunk).await.unwrap();
    assert!(!transfer::compare(&files, &other, &object).await.unwrap());
    put(&other, chunk.as_str(), "short").await;
    let refused = copy_all(&files, &other).await.unwrap_err();
    assert!(matches!(&refused, TransferError::Differs(which) if *which == chunk), "{refused}");
}
