//! A database of every earlier version is brought up to date with all that is in it, and one of a
//! later version is served.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use kinora_db::{Database, new_video_id, outbox};
use kinora_media::AccountId;
use kinora_queue::EventData;
use kinora_testing::TestDatabase;
use sqlx::migrate::Migrator;
use sqlx::{AnyPool, AssertSqlSafe};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Columns of a table with their types.
type Tables = BTreeMap<String, Vec<(String, String)>>;

fn migrations(url: &str) -> &'static Migrator {
    if url.starts_with("postgres") { &POSTGRES } else { &SQLITE }
}

async fn connect(url: &str) -> AnyPool {
    sqlx::any::install_default_drivers();
    let url = if url.starts_with("sqlite") { format!("{url}?mode=rwc") } else { url.to_owned() };
    AnyPool::connect(&url).await.unwrap()
}

async fn tables(pool: &AnyPool, url: &str) -> Tables {
    let sql = if url.starts_with("postgres") {
        "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT)
         FROM information_schema.columns WHERE table_schema = 'public' ORDER BY ordinal_position"
    } else {
        "SELECT m.name, c.name, c.type FROM sqlite_master m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY c.cid"
    };
    let columns: Vec<(String, String, String)> = sqlx::query_as(sql).fetch_all(pool).await.unwrap();
    let mut tables = Tables::new();
    for (table, column, kind) in columns.into_iter().filter(|(t, ..)| t != "_sqlx_migrations") {
        tables.entry(table).or_default().push((column, kind.to_uppercase()));
    }
    tables
}

/// Three rows in every table.
async fn fill(pool: &AnyPool, tables: &Tables) {
    for (table, columns) in tables {
        for row in 1..=3 {
            let value = |(place, (column, kind)): (usize, &(String, String))| match kind.as_str() {
                "TEXT" => format!("'{column} {row}'"),
                "BIGINT" | "INTEGER" => (1000 * row + place).to_string(),
                "DOUBLE" | "DOUBLE PRECISION" => format!("{row}.5"),
                other => panic!("a column of type {other}: say what to put there"),
            };
            let values: Vec<String> = columns.iter().enumerate().map(value).collect();
            let names: Vec<&str> = columns.iter().map(|(name, _)| &name[..]).collect();
            let sql = format!(
                "INSERT INTO {table} ({}) VALUES ({})",
                names.join(", "),
                values.join(", ")
            );
            sqlx::query(AssertSqlSafe(sql)).execute(pool).await.unwrap();
        }
    }
}

/// All that is in these columns, row by row.
async fn contents(pool: &AnyPool, tables: &Tables) -> BTreeMap<String, Vec<String>> {
    let mut contents = BTreeMap::new();
    for (table, columns) in tables {
        let texts: Vec<String> =
            columns.iter().map(|(name, _)| format!("CAST({name} AS TEXT)")).collect();
        let sql = format!("SELECT {} FROM {table} ORDER BY 1", texts.join(" || '|' || "));
        let rows: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap();
        contents.insert(table.clone(), rows);
    }
    contents
}

#[tokio::test]
async fn a_filled_database_of_every_version_keeps_all_that_is_in_it() {
    let versions: Vec<i64> = SQLITE.iter().map(|migration| migration.version).collect();
    for newest in versions {
        let home = TestDatabase::new().await;
        let known = migrations(home.url()).iter().filter(|m| m.version <= newest).cloned();
        let pool = connect(home.url()).await;
        Migrator::with_migrations(known.collect()).run(&pool).await.unwrap();
        let tables = tables(&pool, home.url()).await;
        fill(&pool, &tables).await;
        let before = contents(&pool, &tables).await;
        assert!(before.values().all(|rows| rows.len() == 3));
        pool.close().await;

        let db = Database::open(home.url()).await.unwrap();
        assert_eq!(contents(db.read(), &tables).await, before, "from version {newest}");
        db.close().await;
    }
}

#[tokio::test]
async fn a_database_of_a_later_version_is_served() {
    let home = TestDatabase::new().await;
    Database::open(home.url()).await.unwrap().close().await;
    let pool = connect(home.url()).await;
    for table in tables(&pool, home.url()).await.keys() {
        let sql = format!("ALTER TABLE {table} ADD COLUMN later BIGINT NOT NULL DEFAULT 1");
        sqlx::query(AssertSqlSafe(sql)).execute(&pool).await.unwrap();
    }
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 SELECT 999999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    sqlx::query(later).execute(&pool).await.unwrap();
    pool.close().await;

    let db = Database::open(home.url()).await.unwrap();
    let mut tx = db.begin_write().await.unwrap();
    let account: AccountId = "somebody".parse().unwrap();
    outbox::append(&mut tx, "test", &account, new_video_id(), EventData::Deleted, None, 1)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let kept: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM outbox").fetch_one(db.read()).await.unwrap();
    assert_eq!(kept, 1);
    db.close().await;
}
