//! All tables as text, and back: one snapshot, whichever database it comes from or goes to.
//!
//! A line of JSON a row, `{"table": …, "row": {…}}` without what is null; before them a line that
//! says what this is, after them one that says how many there were. Names and types of columns are
//! the same in all dialects, so a backup moves an installation from one to another, too.

use std::{
    collections::BTreeMap,
    io::{BufRead, Write},
};

use futures::TryStreamExt;
use serde_json::{Map, Number, Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Column, Row, ValueRef, any::AnyRow};

use crate::{Database, DbError, Dialect};

/// The format of backups.
const FORMAT: u64 = 1;

/// Why tables could not be written down, or read back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The file could not be read or written.
    #[error("the backup: {0}")]
    File(#[from] std::io::Error),
    /// It is no backup, or not all of one.
    #[error("line {line} of the backup: {what}")]
    Damaged {
        /// From 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// It was made by another version.
    #[error(
        "the backup has schema {found}, this version has {ours}: restore it with the version that \
         made it, and upgrade then"
    )]
    Schema {
        /// The backup's.
        found: i64,
        /// Ours.
        ours: i64,
    },
    /// There is something in the way.
    #[error("the database is not empty: '{0}' has rows; restore into a new one")]
    NotEmpty(String),
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Writes all tables as they are at one moment, while others go on writing; how many rows.
///
/// # Errors
/// The database or `out` fails.
pub async fn write(db: &Database, out: &mut impl Write) -> Result<u64, BackupError> {
    let mut rows = 0;
    let begin = match db.dialect() {
        Dialect::Sqlite => "BEGIN",
        Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    };
    let mut tx = db.read().begin_with(begin).await.map_err(DbError::from)?;
    if db.dialect() == Dialect::Postgres {
        // A table takes as long as it takes.
        sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *tx).await?;
    }
    let head = json!({ "kinora_backup": FORMAT, "schema": schema(db) });
    writeln!(out, "{head}")?;
    for table in tables(db.dialect(), &mut tx).await? {
        let sql = AssertSqlSafe(format!("SELECT * FROM {}", quoted(&table)));
        let mut found = sqlx::query(sql).fetch(&mut *tx);
        while let Some(row) = found.try_next().await? {
            writeln!(out, "{}", json!({ "table": table, "row": cells(&row)? }))?;
            rows += 1;
        }
    }
    writeln!(out, "{}", json!({ "end": rows }))?;
    Ok(rows)
}

/// Fills an empty database from a backup, all of it or nothing; how many rows. Events go out once
/// more: what was on its way at the moment of the backup is not lost, and who has seen one ignores
/// it.
///
/// # Errors
/// The backup is damaged or of another version, or the database is not empty.
pub async fn restore(db: &Database, backup: impl BufRead) -> Result<u64, BackupError> {
    let mut tx = db.begin_write().await?;
    let known = tables(db.dialect(), &mut tx).await?;
    for table in &known {
        let sql = AssertSqlSafe(format!("SELECT COUNT(*) FROM {}", quoted(table)));
        let rows: i64 = sqlx::query_scalar(sql).fetch_one(&mut *tx).await?;
        if rows > 0 {
            return Err(BackupError::NotEmpty(table.clone()));
        }
    }
    let (mut rows, mut ended) = (0_u64, false);
    for (line, text) in (1..).zip(backup.lines()) {
        let damaged = |what: &str| BackupError::Damaged { line, what: what.to_owned() };
        let value: Value =
            serde_json::from_str(&text?).map_err(|error| damaged(&error.to_string()))?;
        if line == 1 {
            check_head(db, &value).ok_or_else(|| damaged("this is no backup of Kinora"))??;
            continue;
        }
        if ended {
            return Err(damaged("there is something after its end"));
        }
        if let Some(count) = value["end"].as_u64() {
            if count != rows {
                return Err(damaged(&format!("{rows} rows were before its end, not {count}")));
            }
            ended = true;
            continue;
        }
        let (Some(table), Some(row)) = (value["table"].as_str(), value["row"].as_object()) else {
            return Err(damaged("this is no row"));
        };
        if !known.iter().any(|name| name == table) {
            return Err(damaged(&format!("there is no table '{table}'")));
        }
        insert(&mut tx, table, row).await.map_err(|error| match error {
            Some(error) => BackupError::from(error),
            None => damaged("it has a value of no known kind"),
        })?;
        rows += 1;
    }
    if !ended {
        let what = "it ends before its end: the file was cut off".to_owned();
        return Err(BackupError::Damaged { line: rows + 2, what });
    }
    sqlx::query("UPDATE outbox SET published_at_us = NULL").execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(rows)
}

/// `None` where it is no head at all.
fn check_head(db: &Database, head: &Value) -> Option<Result<(), BackupError>> {
    if head["kinora_backup"].as_u64()? != FORMAT {
        return None;
    }
    let (found, ours) = (head["schema"].as_i64()?, schema(db));
    Some(if found == ours { Ok(()) } else { Err(BackupError::Schema { found, ours }) })
}

/// The newest migration, which the database has: it was opened.
fn schema(db: &Database) -> i64 {
    db.dialect().migrations().iter().map(|one| one.version).max().unwrap_or(0)
}

/// Ours, without what migrations remember.
async fn tables(
    dialect: Dialect,
    connection: &mut AnyConnection,
) -> Result<Vec<String>, BackupError> {
    let sql = match dialect {
        Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
        Dialect::Postgres => {
            "SELECT CAST(tablename AS TEXT) AS name FROM pg_tables \
             WHERE schemaname = current_schema() ORDER BY name"
        }
    };
    let names: Vec<String> = sqlx::query_scalar(sql).fetch_all(connection).await?;
    let ours = |name: &String| !name.starts_with("_sqlx") && !name.starts_with("sqlite_");
    Ok(names.into_iter().filter(ours).collect())
}

/// What is not null, by column.
fn cells(row: &AnyRow) -> Result<BTreeMap<&str, Value>, sqlx::Error> {
    let mut cells = BTreeMap::new();
    for column in row.columns() {
        let (name, at) = (column.name(), column.ordinal());
        if row.try_get_raw(at)?.is_null() {
            continue;
        }
        let value = if let Ok(number) = row.try_get::<i64, _>(at) {
            Value::from(number)
        } else if let Ok(number) = row.try_get::<f64, _>(at) {
            Number::from_f64(number).map_or(Value::Null, Value::Number)
        } else {
            Value::from(row.try_get::<String, _>(at)?)
        };
        cells.insert(name, value);
    }
    Ok(cells)
}

/// An error is `None` where a value is of no kind that a column has.
async fn insert(
    connection: &mut AnyConnection,
    table: &str,
    row: &Map<String, Value>,
) -> Result<(), Option<sqlx::Error>> {
    let columns: Vec<_> = row.keys().map(|name| quoted(name)).collect();
    let places: Vec<_> = (1..=row.len()).map(|nth| format!("${nth}")).collect();
    let (columns, places) = (columns.join(", "), places.join(", "));
    let sql = format!("INSERT INTO {} ({columns}) VALUES ({places})", quoted(table));
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in row.values() {
        query = match value {
            Value::String(text) => query.bind(text.clone()),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => query.bind(whole),
                (None, Some(broken)) => query.bind(broken),
                (None, None) => return Err(None),
            },
            _ => return Err(None),
        };
    }
    query.execute(connection).await.map_err(Some)?;
    Ok(())
}

/// A name as SQL has it, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use kinora_testing::TestDatabase;

    use super::*;

    async fn filled() -> (TestDatabase, Database) {
        let home = TestDatabase::new().await;
        let db = Database::open(home.url()).await.unwrap();
        let mut tx = db.begin_write().await.unwrap();
        sqlx::query(
            "INSERT INTO videos (id, account, title, visibility, size, state, state_rank, \
             created_at_us, updated_at_us, cleanup) \
             VALUES ('v', 'ada', 'A \"film\" — ünïcode', 'private', 9007199254740993, 'queued', 1, 2, 3, 0)",
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO outbox (id, producer, video, aggregate_version, occurred_at_us, event, \
             published_at_us) VALUES ('e', 'catalogue', 'v', 1, 2, '{}', 3)",
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        (home, db)
    }

    async fn backup(db: &Database) -> String {
        let mut text = Vec::new();
        write(db, &mut text).await.unwrap();
        String::from_utf8(text).unwrap()
    }

    async fn restored(text: &str) -> Result<(TestDatabase, Database), BackupError> {
        let home = TestDatabase::new().await;
        let db = Database::open(home.url()).await.unwrap();
        restore(&db, text.as_bytes()).await?;
        Ok((home, db))
    }

    #[tokio::test]
    async fn what_comes_back_is_what_was_there_but_events_go_out_again() {
        let (_home, db) = filled().await;
        let text = backup(&db).await;
        assert!(text.contains("9007199254740993") && text.contains("ünïcode"), "{text}");
        let (_other, copy) = restored(&text).await.unwrap();
        let again = backup(&copy).await;
        assert_eq!(again, text.replace(",\"published_at_us\":3", ""));
        let refused = restore(&copy, text.as_bytes()).await.unwrap_err().to_string();
        assert!(refused.contains("is not empty"), "{refused}");
    }

    #[tokio::test]
    async fn a_damaged_backup_leaves_the_database_empty() {
        let (_home, db) = filled().await;
        let text = backup(&db).await;
        let lines: Vec<_> = text.lines().collect();
        let cut = lines[..lines.len() - 1].join("\n");
        let short = [&lines[..1], &lines[2..]].concat().join("\n");
        let newer = text.replacen("\"schema\":", "\"schema\":9", 1);
        for (damaged, why) in [
            (cut, "was cut off"),
            (short, "rows were before its end"),
            (newer, "restore it with the version that made it"),
            (text.replace("\"videos\"", "\"elsewhere\""), "no table 'elsewhere'"),
            (text.replace("\"queued\"", "[]"), "no known kind"),
            ("{}\n".to_owned(), "no backup of Kinora"),
            (String::new(), "was cut off"),
            (format!("{text}{{}}"), "after its end"),
        ] {
            let home = TestDatabase::new().await;
            let db = Database::open(home.url()).await.unwrap();
            let error = restore(&db, damaged.as_bytes()).await.unwrap_err().to_string();
            assert!(error.contains(why), "{why}: {error}");
            assert_eq!(backup(&db).await.lines().count(), 2, "{why}: nothing came of it");
        }
    }
}
