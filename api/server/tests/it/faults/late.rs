//! Servers that are there later than kinorad: it waits, says for what, and ends only where waiting is in
//! vain.

use kinora_testing::Fault;

use crate::support::{Cluster, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kinorad_waits_for_its_bucket_its_broker_and_its_database() {
    let mut cluster = Cluster::start().await;
    let origin = cluster.origin().await;
    let mut services = cluster.services(&origin).await;
    services.stop();
    cluster.broker.kill();
    cluster.postgres.kill();

    // It can be stopped meanwhile.
    services.begin_again();
    services.until_logged("waiting for the broker of queue.url", 1).await;
    let (_, ended) = services.stop();
    assert!(ended.success(), "{ended}");

    // More than one look at the bucket tries.
    cluster.to_bucket.fault("PUT", "check/", 7, Fault::CutRequest);
    services.begin_again();
    services.until_logged("waiting for the bucket", 1).await;
    services.until_logged("the bucket is there", 1).await;
    services.until_logged("waiting for the broker of queue.url", 2).await;
    cluster.broker.start_again();
    services.until_logged("waiting for the database", 1).await;
    cluster.postgres.start_again();
    services.wait_until_up().await;
    services.until_logged("the database is there", 1).await;
    assert_eq!(services.get("/api/v1/videos").await["items"], serde_json::json!([]));
    services.stop();

    let broker = kinora_testing::RabbitMq::url_at(cluster.broker.address());
    let database = cluster.postgres.url();
    for (name, value, says) in [
        ("KINORA_QUEUE_URL", broker.replace("guest:guest", "guest:wrong"), "ACCESS_REFUSED"),
        ("KINORA_QUEUE_URL", broker.replace("%2f", "nowhere"), "NOT_ALLOWED"),
        ("KINORA_DATABASE_URL", format!("{database}/nowhere"), "does not exist"),
        ("KINORA_STORE_SECRET_ACCESS_KEY", "wrong".to_owned(), "SignatureDoesNotMatch"),
    ] {
        ends(&mut services, (name, &value), says).await;
    }
}

/// It ends at once, and says why.
async fn ends(server: &mut Server, (name, value): (&str, &str), says: &str) {
    let before = server.take_setting(name);
    server.set(name, value);
    let known = server.log().len();
    server.begin_again();
    assert!(!server.ended().await.success());
    let log = server.log()[known..].to_owned();
    assert!(log.contains(says) && !log.contains("waiting for"), "{name}:\n{log}");
    server.take_setting(name);
    server.set(name, &before);
}
