//! When a write or a removal happens.

use bytes::Bytes;

use super::{Handle, body, create, fresh, key};
use crate::{Condition, Put};

pub(super) async fn absent_creates_once(store: Handle) {
    let key = key(&fresh("absent"), "object");
    let etag = create(&store, &key, "first").await;
    let second = store.put(&key, Bytes::from("second"), Condition::Absent).await.expect("put");
    assert_eq!(second, Put::ConditionFailed);
    assert_eq!(body(&store, &key).await.expect("still there"), "first");
    let meta = store.head(&key).await.expect("head").expect("still there");
    assert_eq!(meta.etag, etag);
}

pub(super) async fn matches_replaces_only_what_it_names(store: Handle) {
    let folder = fresh("matches");
    let (object, missing) = (key(&folder, "object"), key(&folder, "missing"));
    let first = create(&store, &object, "first").await;

    let swap = |etag: &str| Condition::Matches(etag.to_owned());
    let put = store.put(&object, Bytes::from("second"), swap(&first)).await.expect("put");
    let Put::Stored { etag: second } = put else { panic!("the ETag matched") };
    assert_ne!(first, second, "other bytes, another ETag");

    let stale = store.put(&object, Bytes::from("third"), swap(&first)).await.expect("put");
    assert_eq!(stale, Put::ConditionFailed);
    assert_eq!(body(&store, &object).await.expect("there"), "second");

    let nothing = store.put(&missing, Bytes::from("x"), swap(&second)).await.expect("put");
    assert_eq!(nothing, Put::ConditionFailed);
    assert_eq!(store.head(&missing).await.expect("head"), None);
}

pub(super) async fn a_file_is_put_under_the_same_conditions(store: Handle) {
    let folder = fresh("file");
    let scratch = tempfile::tempdir().expect("scratch");
    let path = scratch.path().join("file");
    let object = key(&folder, "object");
    let bytes: Vec<u8> = (0..700_000_u32).map(|n| (n % 251) as u8).collect();

    std::fs::write(&path, &bytes).expect("write");
    let put = store.put_file(&object, &path, Condition::Absent).await.expect("put");
    let Put::Stored { etag } = put else { panic!("there was none") };
    assert_eq!(body(&store, &object).await.expect("there"), bytes);
    assert_eq!(etag, create(&store, &key(&folder, "same"), bytes.clone()).await);

    std::fs::write(&path, "second").expect("write");
    let refused = store.put_file(&object, &path, Condition::Absent).await.expect("put");
    assert_eq!(refused, Put::ConditionFailed);
    assert_eq!(std::fs::read(&path).expect("a refused file stays ours"), b"second");
    assert_eq!(body(&store, &object).await.expect("there"), bytes, "and the object as it was");

    let put = store.put_file(&object, &path, Condition::Matches(etag)).await.expect("put");
    assert!(matches!(put, Put::Stored { .. }));
    assert_eq!(body(&store, &object).await.expect("there"), "second");

    let absent = scratch.path().join("absent");
    let missing = key(&folder, "missing");
    assert!(store.put_file(&missing, &absent, Condition::Absent).await.is_err());
    assert_eq!(store.head(&missing).await.expect("head"), None);
}

pub(super) async fn delete_is_idempotent(store: Handle) {
    let key = key(&fresh("delete"), "deep/object");
    assert!(!store.delete(&key).await.expect("delete"), "there was none");
    create(&store, &key, "x").await;
    assert!(store.delete(&key).await.expect("delete"));
    assert!(!store.delete(&key).await.expect("delete"), "it is gone already");
    assert_eq!(store.head(&key).await.expect("head"), None);
    assert_eq!(body(&store, &key).await, None);
    create(&store, &key, "again").await;
}
