//! A server and a network that fail now and then, or for good.

use std::time::Duration;

use bytes::Bytes;
use kinora_store::{ByteRange, Condition, ObjectStore, Put, S3Store, StoreError};
use kinora_testing::{Fault, FaultProxy, S3s};

use super::{TRIES, config, key, store};

async fn world() -> (S3s, FaultProxy, S3Store) {
    let server = S3s::start().await;
    let proxy = FaultProxy::start(server.address()).await;
    let store = store(proxy.address());
    (server, proxy, store)
}

async fn create(store: &S3Store, name: &str, body: &'static str) -> String {
    match store.put(&key(name), Bytes::from(body), Condition::Absent).await.unwrap() {
        Put::Stored { etag } => etag,
        Put::ConditionFailed => panic!("{name} exists"),
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let (_server, proxy, store) = world().await;
    for (method, status) in [("PUT", 503), ("HEAD", 500), ("GET", 429), ("DELETE", 504)] {
        proxy.fault(method, "", TRIES - 1, Fault::Answer(status));
    }
    create(&store, "a/b", "0123456789").await;
    assert!(store.head(&key("a/b")).await.unwrap().is_some());
    let range = ByteRange { offset: 2, length: 3 };
    assert_eq!(store.get_range(&key("a/b"), range).await.unwrap().unwrap(), "234");
    assert!(store.delete(&key("a/b")).await.unwrap());
    for method in ["PUT", "GET", "DELETE"] {
        assert_eq!(proxy.seen(method, "a/b"), TRIES, "{method}");
    }
}

#[tokio::test]
async fn a_broken_server_is_given_up_on_with_its_words() {
    let (_server, proxy, store) = world().await;
    for method in ["PUT", "HEAD", "GET"] {
        proxy.fault(method, "", usize::MAX, Fault::Answer(500));
    }
    let object = key("a/b");
    let error = store.put(&object, Bytes::from("x"), Condition::Absent).await.unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert!(error.to_string().contains("a/b: write: the server answered 500"), "{error}");
    assert_eq!(proxy.seen("PUT", "a/b"), TRIES);
    assert!(store.get(&object).await.unwrap_err().to_string().contains("500"));
    assert!(store.list("a/", None, 9).await.unwrap_err().to_string().contains("500"));
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    let (_server, proxy, store) = world().await;
    proxy.fault("PUT", "", 1, Fault::Answer(403));
    let error = store.put(&key("a/b"), Bytes::from("x"), Condition::Absent).await.unwrap_err();
    assert!(error.to_string().contains("403"), "{error}");
    assert_eq!(proxy.seen("PUT", ""), 1);
}

#[tokio::test]
async fn a_slow_server_is_not_waited_for_for_ever() {
    let server = S3s::start().await;
    let proxy = FaultProxy::start(server.address()).await;
    let mut impatient = config(proxy.address());
    impatient.timeouts.answer = Duration::from_millis(500);
    let store = S3Store::new(impatient).unwrap();
    create(&store, "a/b", "x").await;

    proxy.fault("GET", "a/b", 1, Fault::Delay(Duration::from_secs(60)));
    assert_eq!(store.get(&key("a/b")).await.unwrap().unwrap().1, "x", "the second try answers");
    proxy.fault("GET", "a/b", usize::MAX, Fault::Delay(Duration::from_secs(60)));
    let error = store.get(&key("a/b")).await.unwrap_err();
    assert!(error.to_string().contains("longer than 500ms"), "{error}");
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_found() {
    let (_server, proxy, store) = world().await;
    proxy.fault("PUT", "a/b", 1, Fault::CutAnswer);
    let first = create(&store, "a/b", "first").await;
    assert_eq!(proxy.seen("PUT", "a/b"), 2, "the second try met the first's object");

    proxy.fault("PUT", "a/b", 1, Fault::CutAnswer);
    let swap = Condition::Matches(first.clone());
    let put = store.put(&key("a/b"), Bytes::from("second"), swap).await.unwrap();
    let found = store.head(&key("a/b")).await.unwrap().unwrap();
    assert_eq!(put, Put::Stored { etag: found.etag });
    assert_eq!(store.get(&key("a/b")).await.unwrap().unwrap().1, "second");

    // Every answer is lost: what is there is still looked at.
    proxy.fault("PUT", "a/c", usize::MAX, Fault::CutAnswer);
    create(&store, "a/c", "x").await;
}

#[tokio::test]
async fn a_write_that_lost_to_another_is_told_from_one_whose_answer_was_lost() {
    let (server, proxy, store) = world().await;
    let other = super::store(server.address());
    let theirs = create(&other, "a/b", "theirs").await;
    // The same bytes, but another's write.
    proxy.fault("PUT", "a/b", 1, Fault::CutAnswer);
    let put = store.put(&key("a/b"), Bytes::from("theirs"), Condition::Absent).await.unwrap();
    assert_eq!(put, Put::ConditionFailed);

    // The first try is lost on its way; the object is another's meanwhile.
    let swap = |etag: &str| Condition::Matches(etag.to_owned());
    proxy.fault("PUT", "a/b", 1, Fault::CutRequest);
    other.put(&key("a/b"), Bytes::from("newer"), swap(&theirs)).await.unwrap();
    let unknown = store.put(&key("a/b"), Bytes::from("ours"), swap(&theirs)).await.unwrap_err();
    assert!(unknown.to_string().contains("learn of a write"), "{unknown}");
    assert_eq!(store.get(&key("a/b")).await.unwrap().unwrap().1, "newer");
}

#[tokio::test]
async fn damaged_bytes_are_read_again_and_never_handed_on() {
    let (_server, proxy, store) = world().await;
    create(&store, "a/b", "0123456789").await;
    proxy.fault("GET", "a/b", 1, Fault::Corrupt);
    assert_eq!(store.get(&key("a/b")).await.unwrap().unwrap().1, "0123456789");
    proxy.fault("GET", "a/b", usize::MAX, Fault::Corrupt);
    let error = store.get(&key("a/b")).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}
