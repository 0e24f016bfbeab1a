//! What any S3 server must see and say.

use bytes::Bytes;
use kinora_store::{Condition, ObjectStore, Put, S3Store, StoreError, contract};
use kinora_testing::{Fault, FaultProxy, Moto, S3s};

use super::{config, handle, key, store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract_where_signatures_are_checked() {
    let server = S3s::start().await;
    let open = async || handle(server.address());
    contract::one_at_a_time(&open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract_and_loses_no_race() {
    let server = Moto::start().await;
    contract::run(async || handle(server.address())).await;
}

#[tokio::test]
async fn a_wrong_secret_is_an_error_and_not_an_absent_object() {
    let server = S3s::start().await;
    let mut config = config(server.address());
    config.credentials.secret_access_key = "wrong".to_owned();
    let store = S3Store::new(config).unwrap();
    let object = key("a/b");
    let error = store.put(&object, Bytes::from("x"), Condition::Absent).await.unwrap_err();
    assert!(error.to_string().contains("403 SignatureDoesNotMatch"), "{error}");
    assert!(store.head(&object).await.is_err() && store.delete(&object).await.is_err());
    assert!(store.list("a/", None, 9).await.is_err());
}

#[tokio::test]
async fn two_folders_of_a_bucket_are_two_stores() {
    let server = S3s::start().await;
    let mut beside = config(server.address());
    beside.location.prefix = "kinora/".to_owned();
    let (ours, beside) = (store(server.address()), S3Store::new(beside).unwrap());
    ours.put(&key("a/b"), Bytes::from("x"), Condition::Absent).await.unwrap();
    assert_eq!(beside.head(&key("a/b")).await.unwrap(), None);
    assert_eq!(beside.list("tests/", None, 9).await.unwrap()[0].key, key("tests/a/b"));
    assert_eq!(ours.list("a/", None, 9).await.unwrap()[0].key, key("a/b"));
}

#[tokio::test]
async fn a_bucket_is_checked_before_it_is_used() {
    let (server, strict) = (Moto::start().await, S3s::start().await);
    for server in [server.address(), strict.address()] {
        store(server).check().await.unwrap();
        assert!(store(server).list("check/", None, 9).await.unwrap().is_empty());
    }

    let mut elsewhere = config(server.address());
    elsewhere.location.bucket = "no-such-bucket".to_owned();
    let error = S3Store::new(elsewhere).unwrap().check().await.unwrap_err();
    assert!(error.to_string().contains("NoSuchBucket"), "{error}");

    let proxy = FaultProxy::start(server.address()).await;
    proxy.fault("PUT", "check/", usize::MAX, Fault::Unconditional);
    let error = store(proxy.address()).check().await.unwrap_err();
    assert!(error.to_string().contains("ignores If-None-Match"), "{error}");
    assert!(store(server.address()).list("check/", None, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn objects_of_other_tools_are_read_and_strange_names_left_out() {
    let server = S3s::start().await;
    let folder = server.root().join(kinora_testing::BUCKET).join("kinora/tests/a");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("copied"), "by hand").unwrap();
    std::fs::write(folder.join("a b"), "no key").unwrap();
    let store = store(server.address());
    let (meta, body) = store.get(&key("a/copied")).await.unwrap().unwrap();
    assert_eq!(body, "by hand");
    assert_eq!(store.list("a/", None, 9).await.unwrap(), std::slice::from_ref(&meta));
    let swap = Condition::Matches(meta.etag);
    let put = store.put(&key("a/copied"), Bytes::from("ours"), swap).await.unwrap();
    assert!(matches!(put, Put::Stored { .. }));
}

#[tokio::test]
async fn nobody_there_is_an_error_that_shows_no_signature() {
    let server = S3s::start().await;
    let address = server.address();
    drop(server);
    // The port may be anybody's now; nobody on it is an S3 server.
    let error = store(address).get(&key("a/b")).await.unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    let said = error.to_string();
    assert!(said.starts_with("a/b: read: ") && !said.contains("Signature"), "{said}");
}
