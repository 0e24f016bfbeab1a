//! The policies of `deploy/s3`: enough for what each process does, and for nothing else.

use std::net::SocketAddr;

use kinora_store::{Condition, ObjectStore, Put, S3Store, StoreError};
use kinora_testing::{BUCKET, S3s};
use tempfile::TempDir;

use super::{config, key, long_file};

const WORKER: &str = include_str!("../../../../../deploy/s3/worker.json");
const ORIGIN: &str = include_str!("../../../../../deploy/s3/origin.json");

fn store_of(user: &str, server: SocketAddr) -> S3Store {
    let mut config = config(server);
    config.location = format!("s3://{BUCKET}/kinora").parse().unwrap();
    config.credentials.access_key_id = user.to_owned();
    S3Store::new(config).unwrap()
}

async fn put(store: &S3Store, name: &str) -> Result<Put, StoreError> {
    store.put(&key(name), name.to_owned().into(), Condition::Absent).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_and_origins_may_do_what_they_must_and_nothing_else() {
    let server = S3s::start_for(&[("worker", WORKER), ("origin", ORIGIN)]).await;
    let [services, worker, origin] =
        ["tests", "worker", "origin"].map(|user| store_of(user, server.address()));
    let (source, head) = ("sources/1/original", "media/1/1/index/head.json");
    put(&services, source).await.unwrap();
    put(&services, head).await.unwrap();

    worker.check().await.unwrap();
    assert!(worker.get(&key(source)).await.unwrap().is_some());
    assert!(matches!(put(&worker, "media/1/1/v1/00000-1.m4s").await, Ok(Put::Stored { .. })));
    let again = put(&worker, "media/1/1/v1/00000-1.m4s").await.unwrap();
    assert_eq!(again, Put::ConditionFailed);
    let folder = TempDir::new().unwrap();
    let (file, _) = long_file(&folder);
    let parts = worker.put_file(&key("media/1/1/v1/00001-1.m4s"), &file, Condition::Absent).await;
    assert!(matches!(parts, Ok(Put::Stored { .. })), "{parts:?}");
    for refused in ["sources/2/original", "media/1/1/index/page-0000.json", head, "elsewhere"] {
        put(&worker, refused).await.unwrap_err();
    }
    worker.delete(&key(source)).await.unwrap_err();
    worker.delete(&key(head)).await.unwrap_err();
    worker.list("media/", None, 10).await.unwrap_err();

    origin.check().await.unwrap();
    assert!(origin.get(&key(head)).await.unwrap().is_some());
    origin.get(&key(source)).await.unwrap_err();
    put(&origin, "media/1/1/v1/00002-1.m4s").await.unwrap_err();
    origin.delete(&key(head)).await.unwrap_err();

    assert!(services.get(&key(head)).await.unwrap().is_some(), "nothing was lost");
    store_of("stranger", server.address()).get(&key(head)).await.unwrap_err();
}
