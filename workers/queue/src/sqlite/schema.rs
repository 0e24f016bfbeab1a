//! The file's tables, and what is read from them at start.

use sqlx::{ConnectOptions, Row, SqliteConnection, sqlite::SqliteConnectOptions};

use super::lanes::{Lane, Lanes};
use crate::QueueError;

/// Kept in `PRAGMA user_version`.
const FORMAT: i64 = 1;

/// `AUTOINCREMENT`: an id is never used twice, so ids are the order of arrival.
const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        lane TEXT NOT NULL,
        payload TEXT NOT NULL
    ) STRICT",
    "CREATE TABLE IF NOT EXISTS event_lanes (
        lane TEXT NOT NULL PRIMARY KEY
    ) STRICT",
    "CREATE TABLE IF NOT EXISTS dead_letters (
        id INTEGER PRIMARY KEY,
        lane TEXT NOT NULL,
        payload TEXT NOT NULL,
        reason TEXT NOT NULL,
        set_aside_at_us INTEGER NOT NULL
    ) STRICT",
];

/// Opens the one connection that writes, and tells `lanes` what lies in the file: everything is
/// free, because whoever claimed it is dead.
pub(super) async fn open(
    options: &SqliteConnectOptions,
    lanes: &Lanes,
) -> Result<SqliteConnection, QueueError> {
    let mut connection = options.connect().await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await?;
    if found > FORMAT {
        return Err(QueueError::Format { found, supported: FORMAT });
    }
    for table in TABLES {
        sqlx::query(table).execute(&mut connection).await?;
    }
    sqlx::query("PRAGMA user_version = 1").execute(&mut connection).await?;
    load(&mut connection, lanes).await?;
    Ok(connection)
}

async fn load(connection: &mut SqliteConnection, lanes: &Lanes) -> Result<(), QueueError> {
    let declared: Vec<String> = sqlx::query_scalar("SELECT lane FROM event_lanes ORDER BY lane")
        .fetch_all(&mut *connection)
        .await?;
    for lane in declared.iter().filter_map(|text| known(text)) {
        lanes.declare(lane);
    }
    let rows =
        sqlx::query("SELECT id, lane FROM messages ORDER BY id").fetch_all(connection).await?;
    for row in rows {
        if let Some(lane) = known(row.try_get("lane")?) {
            lanes.add(lane, row.try_get("id")?);
        }
    }
    Ok(())
}

fn known(text: &str) -> Option<Lane> {
    let lane = text.parse().ok();
    if lane.is_none() {
        tracing::warn!(lane = text, "the queue file has a lane of another version; it is left be");
    }
    lane
}
