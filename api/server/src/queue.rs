//! The queue and event bus that are configured.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use kinora_queue::{AmqpQueue, EventBus, JobQueue, QueueError, SqliteQueue, Trust};

use crate::{
    config::{Config, QueueSection},
    wait,
};

/// What everything on a broker is named after.
pub(crate) const NAMESPACE: &str = "kinora";

/// The certificates of connections to the broker.
fn trust(queue: &QueueSection) -> anyhow::Result<Trust> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let authorities = queue.ca_file.as_deref().map(read).transpose()?;
    let identity = match (&queue.certificate, &queue.key) {
        (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
        _ => None,
    };
    Ok(Trust { authorities, identity })
}

/// Jobs and events in a file, or on a broker.
pub(crate) enum Queue {
    /// One process's own.
    Sqlite(Arc<SqliteQueue>),
    /// RabbitMQ.
    Amqp(Arc<AmqpQueue>),
}

impl Queue {
    /// Opens the one that `config` names.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        if let Some(url) = config.broker_url() {
            let trust = trust(&config.queue)?;
            let open = async || AmqpQueue::open(url, NAMESPACE, trust.clone()).await;
            let passes = |error: &QueueError| matches!(error, QueueError::Broker(_));
            let queue = wait::until_there("the broker of queue.url", open, passes).await;
            return Ok(Self::Amqp(Arc::new(queue.context("cannot use the broker of queue.url")?)));
        }
        let path = config.queue_path();
        let queue = SqliteQueue::open(&path).await;
        let queue = queue.with_context(|| format!("cannot open the queue {}", path.display()))?;
        Ok(Self::Sqlite(Arc::new(queue)))
    }

    /// As workers and the orchestrator know it.
    pub(crate) fn jobs(&self) -> Arc<dyn JobQueue> {
        match self {
            Self::Sqlite(queue) => Arc::clone(queue) as Arc<dyn JobQueue>,
            Self::Amqp(queue) => Arc::clone(queue) as Arc<dyn JobQueue>,
        }
    }

    /// As services that say and hear of events know it.
    pub(crate) fn bus(&self) -> Arc<dyn EventBus> {
        match self {
            Self::Sqlite(queue) => Arc::clone(queue) as Arc<dyn EventBus>,
            Self::Amqp(queue) => Arc::clone(queue) as Arc<dyn EventBus>,
        }
    }

    /// Whether other processes may be on it.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Amqp(_))
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(queue) => queue.close().await,
            Self::Amqp(queue) => queue.close().await,
        }
    }
}
