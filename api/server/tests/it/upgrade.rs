//! A program that was rolled back: its database has been brought further by a later one.

use sqlx::AssertSqlSafe;

use crate::support::{Server, sample, text};

#[tokio::test]
async fn a_later_schema_is_served_and_worked_with() {
    let mut server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "3", "--size", "320x180"]);
    let before = server.upload_file(&clip).await;
    assert_eq!(server.wait_until_over(&before).await["state"], "ready");
    let (_, ended) = server.stop();
    assert!(ended.success(), "{ended}");
    bring_further(&server).await;

    server.start_again().await;
    let after = server.upload_file(&clip).await;
    for video in [&before, &after] {
        let ready = server.wait_until_over(video).await;
        assert_eq!(ready["state"], "ready", "{ready:#}");
        let url = ready["playback"]["hls_url"].as_str().unwrap();
        assert!(text(url).await.contains("EXT-X-STREAM-INF"));
    }
    let deleted = server.request(reqwest::Method::DELETE, &format!("/api/v1/videos/{before}"));
    assert!(deleted.send().await.unwrap().status().is_success());
    crate::invariant::holds(&server).await;
}

/// As a later version may: columns with defaults in every table, and a migration that this one
/// never heard of.
async fn bring_further(server: &Server) {
    let file = server.data().join("kinora.sqlite");
    assert!(file.exists(), "{} is not there", file.display());
    let db = kinora_db::Database::open(&format!("sqlite://{}", file.display())).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_master WHERE type = 'table'
         AND name NOT LIKE 'sqlite%' AND name NOT LIKE '_sqlx%'",
    )
    .fetch_all(db.read())
    .await
    .unwrap();
    assert!(tables.len() > 10, "{tables:?}");
    let mut tx = db.begin_write().await.unwrap();
    for table in tables {
        let sql = format!("ALTER TABLE {table} ADD COLUMN later BIGINT NOT NULL DEFAULT 1");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    }
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         SELECT 999999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    db.close().await;
}
