//! The embedded adapter: one SQLite file, one process.
//!
//! The file is the durable log of messages that nobody finished. Which of them are claimed is
//! known in memory alone: a process that dies forgets its claims, and so gives every delivery
//! back. That makes a claim and a release free, and a finish one `DELETE`.

mod events;
mod jobs;
mod lanes;
mod reports;
mod schema;
mod writer;

use std::{fmt, path::Path, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use kinora_plan::{
    device::EncoderFamily,
    job::{Control, JobClass, JobMessage, JobProgress, JobReport},
};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::sync::broadcast;

use self::{
    lanes::{Lane, Lanes},
    writer::{Write, Writer},
};
use crate::{JobDelivery, JobQueue, QueueError, Receipt, ReportDelivery};

/// How many signs of life a slow reader may be behind.
const PROGRESS_BACKLOG: usize = 1024;
/// How many control words a slow worker may be behind.
const CONTROL_BACKLOG: usize = 256;

/// [`JobQueue`] and [`crate::EventBus`] over one SQLite file.
///
/// One process may have it open: claims live in memory. Dropping it, like a crash, gives every
/// delivery that was not finished back to the next [`SqliteQueue::open`].
pub struct SqliteQueue {
    path: PathBuf,
    reader: SqlitePool,
    writer: Writer,
    lanes: Arc<Lanes>,
    progress: broadcast::Sender<JobProgress>,
    control: broadcast::Sender<Control>,
}

impl SqliteQueue {
    /// Opens the queue in `path`, creating the file where there is none.
    ///
    /// # Errors
    /// The file cannot be opened or written, is no database, or is of a newer format.
    pub async fn open(path: &Path) -> Result<Self, QueueError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let lanes = Arc::new(Lanes::default());
        let connection = schema::open(&options, &lanes).await?;
        let reader = SqlitePoolOptions::new().max_connections(2).connect_with(options).await?;
        Ok(Self {
            path: path.to_owned(),
            reader,
            writer: Writer::start(connection, Arc::clone(&lanes)),
            lanes,
            progress: broadcast::channel(PROGRESS_BACKLOG).0,
            control: broadcast::channel(CONTROL_BACKLOG).0,
        })
    }

    /// Lets writes under way end, then closes the file. Who waits for a message, and every later
    /// call that writes, gets [`QueueError::Closed`].
    pub async fn close(&self) {
        self.lanes.close();
        self.writer.close().await;
        self.reader.close().await;
    }

    /// Waits for the oldest message of `lanes` and claims it.
    ///
    /// Cancel-safe: a message whose delivery was not seen goes back to its lane. A payload this
    /// version cannot read is set aside instead of coming back for ever.
    async fn next<T: DeserializeOwned>(
        &self,
        what: &'static str,
        lanes: &[Lane],
    ) -> Result<(T, Receipt), QueueError> {
        loop {
            let claim = self.lanes.claim(lanes).await?;
            let row: Option<String> =
                sqlx::query_scalar("SELECT payload FROM messages WHERE id = $1")
                    .bind(claim.id())
                    .fetch_optional(&self.reader)
                    .await?;
            let Some(payload) = row else {
                claim.forget();
                continue;
            };
            match serde_json::from_str(&payload) {
                Ok(value) => return Ok((value, claim.keep())),
                Err(source) => {
                    let error = QueueError::Payload { what, source };
                    tracing::error!(
                        message.id = claim.id(),
                        error = %error,
                        "set a message aside: see the table dead_letters of the queue file"
                    );
                    let reason = error.to_string();
                    let (receipt, id) = (claim.receipt(), claim.id());
                    self.writer.write(Write::SetAside { receipt, id, reason }).await?;
                }
            }
        }
    }

    async fn add<T: Serialize>(
        &self,
        what: &'static str,
        lane: Lane,
        message: &T,
    ) -> Result<(), QueueError> {
        let payload = to_json(what, message)?;
        self.writer.write(Write::Add { lane, payload }).await
    }

    /// Takes a claimed message out of the file. A receipt that is not (or no longer) good says
    /// that somebody else has the message: nothing to do.
    async fn take_off(&self, receipt: &Receipt) -> Result<(), QueueError> {
        match self.lanes.held(receipt) {
            Some((receipt, id)) => self.writer.write(Write::Remove { receipt, id }).await,
            None => Ok(()),
        }
    }
}

fn to_json<T: Serialize>(what: &'static str, message: &T) -> Result<String, QueueError> {
    serde_json::to_string(message).map_err(|source| QueueError::Payload { what, source })
}

impl fmt::Debug for SqliteQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteQueue").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl JobQueue for SqliteQueue {
    async fn dispatch(&self, message: &JobMessage) -> Result<(), QueueError> {
        jobs::dispatch(self, message).await
    }

    async fn receive(
        &self,
        classes: &[JobClass],
        devices: &[EncoderFamily],
    ) -> Result<JobDelivery, QueueError> {
        jobs::receive(self, classes, devices).await
    }

    async fn report(&self, report: &JobReport) -> Result<(), QueueError> {
        reports::report(self, report).await
    }

    async fn finish(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.take_off(&receipt).await
    }

    async fn release(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.lanes.release(&receipt);
        Ok(())
    }

    async fn receive_report(&self) -> Result<ReportDelivery, QueueError> {
        reports::receive(self).await
    }

    async fn finish_report(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.take_off(&receipt).await
    }

    async fn release_report(&self, receipt: Receipt) -> Result<(), QueueError> {
        self.lanes.release(&receipt);
        Ok(())
    }

    async fn purge_dead(&self) -> Result<u64, QueueError> {
        let sql = "SELECT COUNT(*), COALESCE(MAX(id), 0) FROM dead_letters";
        let (count, last): (i64, i64) = sqlx::query_as(sql).fetch_one(&self.reader).await?;
        self.writer.write(Write::PurgeDead { last }).await?;
        Ok(count.unsigned_abs())
    }

    async fn publish_progress(&self, progress: &JobProgress) -> Result<(), QueueError> {
        // An error means that nobody listens: progress may be lost.
        let _ = self.progress.send(progress.clone());
        Ok(())
    }

    fn subscribe_progress(&self) -> broadcast::Receiver<JobProgress> {
        self.progress.subscribe()
    }

    async fn publish_control(&self, control: &Control) -> Result<(), QueueError> {
        // An error means that no worker runs here: control may be lost.
        let _ = self.control.send(control.clone());
        Ok(())
    }

    fn subscribe_control(&self) -> broadcast::Receiver<Control> {
        self.control.subscribe()
    }
}
