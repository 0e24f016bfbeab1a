//! The one writer: a task that owns the writing connection.
//!
//! It gathers what came in while it was busy and commits that as one transaction, so that many
//! publishers share one flush to disk. A write that was handed over happens, also if its caller
//! goes away meanwhile; only after the commit do consumers see its message.

use std::{
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use sqlx::{Connection, Row, SqliteConnection};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::JoinHandle,
};
use uuid::Uuid;

use super::lanes::{Lane, Lanes};
use crate::QueueError;

/// Writes of one transaction.
const BATCH: usize = 128;

/// A change of the file.
#[derive(Debug)]
pub(super) enum Write {
    Add {
        lane: Lane,
        payload: String,
    },
    Publish {
        payload: String,
    },
    Declare {
        lane: Lane,
    },
    Remove {
        receipt: Uuid,
        id: i64,
    },
    SetAside {
        receipt: Uuid,
        id: i64,
        reason: String,
    },
    /// Removes what was set aside up to this one.
    PurgeDead {
        last: i64,
    },
}

/// What consumers learn once a write is committed.
enum Effect {
    Added(Vec<(Lane, i64)>),
    Declared(Lane),
    Gone(Uuid),
    Nothing,
}

struct Command {
    write: Write,
    done: oneshot::Sender<Result<(), sqlx::Error>>,
}

/// The way to the writing task, which ends when this is dropped.
pub(super) struct Writer {
    commands: mpsc::Sender<Command>,
    closing: Arc<Notify>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: SqliteConnection, lanes: Arc<Lanes>) -> Self {
        let (commands, receiver) = mpsc::channel(BATCH);
        let closing = Arc::new(Notify::new());
        let task = tokio::spawn(run(connection, lanes, receiver, Arc::clone(&closing)));
        Self { commands, closing, task: Mutex::new(Some(task)) }
    }

    /// Durable when it returns.
    pub(super) async fn write(&self, write: Write) -> Result<(), QueueError> {
        let (done, answer) = oneshot::channel();
        self.commands.send(Command { write, done }).await.map_err(|_| QueueError::Closed)?;
        Ok(answer.await.map_err(|_| QueueError::Closed)??)
    }

    /// Writes what is under way, then lets go of the file.
    pub(super) async fn close(&self) {
        self.closing.notify_one();
        let task = self.task.lock().expect("nothing panics while it holds this lock").take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(error = %error, "the queue's writer did not end well");
        }
    }
}

async fn run(
    mut connection: SqliteConnection,
    lanes: Arc<Lanes>,
    mut commands: mpsc::Receiver<Command>,
    closing: Arc<Notify>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            biased;
            () = closing.notified() => commands.close(),
            count = commands.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    break;
                }
                write_all(&mut connection, &lanes, &mut batch).await;
            }
        }
    }
    if let Err(error) = connection.close().await {
        tracing::warn!(error = %error, "closing the queue file");
    }
}

/// One transaction for all; if that fails one for each, so that each caller hears of its own.
async fn write_all(connection: &mut SqliteConnection, lanes: &Lanes, batch: &mut Vec<Command>) {
    let writes: Vec<&Write> = batch.iter().map(|command| &command.write).collect();
    if let Ok(effects) = commit(connection, &writes).await {
        effects.into_iter().for_each(|effect| tell(lanes, effect));
        batch.drain(..).for_each(|command| answer(command, Ok(())));
        return;
    }
    for command in batch.drain(..) {
        let result = commit(connection, &[&command.write]).await;
        let result = result.map(|effects| {
            effects.into_iter().for_each(|effect| tell(lanes, effect));
        });
        answer(command, result);
    }
}

fn answer(command: Command, result: Result<(), sqlx::Error>) {
    // A caller that went away does not want to know.
    let _ = command.done.send(result);
}

fn tell(lanes: &Lanes, effect: Effect) {
    match effect {
        Effect::Added(messages) => messages.into_iter().for_each(|(lane, id)| lanes.add(lane, id)),
        Effect::Declared(lane) => lanes.declare(lane),
        Effect::Gone(receipt) => lanes.forget(receipt),
        Effect::Nothing => {}
    }
}

async fn commit(
    connection: &mut SqliteConnection,
    writes: &[&Write],
) -> Result<Vec<Effect>, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut effects = Vec::with_capacity(writes.len());
    for write in writes {
        effects.push(apply(&mut transaction, write).await?);
    }
    transaction.commit().await?;
    Ok(effects)
}

async fn apply(connection: &mut SqliteConnection, write: &Write) -> Result<Effect, sqlx::Error> {
    match write {
        Write::Add { lane, payload } => add(connection, lane, payload).await,
        Write::Publish { payload } => publish(connection, payload).await,
        Write::Declare { lane } => {
            sqlx::query("INSERT INTO event_lanes (lane) VALUES ($1) ON CONFLICT DO NOTHING")
                .bind(lane.to_string())
                .execute(connection)
                .await?;
            Ok(Effect::Declared(lane.clone()))
        }
        Write::Remove { receipt, id } => {
            remove(connection, *id).await?;
            Ok(Effect::Gone(*receipt))
        }
        Write::SetAside { receipt, id, reason } => {
            set_aside(connection, *id, reason).await?;
            Ok(Effect::Gone(*receipt))
        }
        Write::PurgeDead { last } => {
            let sql = "DELETE FROM dead_letters WHERE id <= $1";
            sqlx::query(sql).bind(last).execute(connection).await?;
            Ok(Effect::Nothing)
        }
    }
}

async fn add(
    connection: &mut SqliteConnection,
    lane: &Lane,
    payload: &str,
) -> Result<Effect, sqlx::Error> {
    let id =
        sqlx::query_scalar("INSERT INTO messages (lane, payload) VALUES ($1, $2) RETURNING id")
            .bind(lane.to_string())
            .bind(payload)
            .fetch_one(connection)
            .await?;
    Ok(Effect::Added(vec![(lane.clone(), id)]))
}

async fn publish(connection: &mut SqliteConnection, payload: &str) -> Result<Effect, sqlx::Error> {
    let rows = sqlx::query(
        "INSERT INTO messages (lane, payload) SELECT lane, $1 FROM event_lanes RETURNING id, lane",
    )
    .bind(payload)
    .fetch_all(connection)
    .await?;
    let mut copies = Vec::with_capacity(rows.len());
    for row in rows {
        let lane: &str = row.try_get("lane")?;
        if let Ok(lane) = lane.parse() {
            copies.push((lane, row.try_get("id")?));
        }
    }
    Ok(Effect::Added(copies))
}

async fn remove(connection: &mut SqliteConnection, id: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM messages WHERE id = $1").bind(id).execute(connection).await?;
    Ok(())
}

async fn set_aside(
    connection: &mut SqliteConnection,
    id: i64,
    reason: &str,
) -> Result<(), sqlx::Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    sqlx::query(
        "INSERT INTO dead_letters (id, lane, payload, reason, set_aside_at_us)
         SELECT id, lane, payload, $2, $3 FROM messages WHERE id = $1",
    )
    .bind(id)
    .bind(reason)
    .bind(i64::try_from(now).unwrap_or(i64::MAX))
    .execute(&mut *connection)
    .await?;
    remove(connection, id).await
}
