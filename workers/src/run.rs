//! The worker: slots that each run one job at a time.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use kinora_plan::job::JobClass;
use kinora_queue::{JobDelivery, JobQueue, QueueError};
use kinora_store::ObjectStore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    WorkerConfig,
    cancel::{self, Running},
    gpu::Gpus,
    job,
    room::Room,
    sandbox,
    scratch::Scratch,
    series::Place,
    source_cache::SourceCache,
};

/// Between two tries of a queue that does not answer.
pub(crate) const QUEUE_PAUSE: Duration = Duration::from_secs(1);

/// What every job of this worker shares.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) config: WorkerConfig,
    pub(crate) queue: Arc<dyn JobQueue>,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) scratch: Scratch,
    pub(crate) room: Room,
    pub(crate) gpus: Gpus,
    pub(crate) sources: Arc<SourceCache>,
    pub(crate) running: Arc<Running>,
    /// Whether a child may wait for another chunk while its results are stored: only where the
    /// kernel keeps it from putting links in their place.
    pub(crate) in_series: bool,
    pub(crate) shutdown: CancellationToken,
}

/// Works until `shutdown`, then kills the children, hands their jobs back and returns.
///
/// # Errors
/// The configuration does not fit this host: no encoder, no scratch folder, or one that another
/// worker of this name uses. Failures of jobs, queue and store are no errors here.
pub async fn run(
    mut config: WorkerConfig,
    queue: Arc<dyn JobQueue>,
    store: Arc<dyn ObjectStore>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    ensure!(config.slots >= 1, "a worker needs at least one slot");
    // Children run in folders of their own: relative paths would lead elsewhere.
    config.encoder = config
        .encoder
        .canonicalize()
        .with_context(|| format!("find the encoder {}", config.encoder.display()))?;
    let scratch = Scratch::open(&config.scratch_dir, &config.worker_name)?;
    let in_series = sandbox::check(&config, scratch.registry()).await?;
    let gpus = Gpus::find(&config, scratch.registry()).await?;
    let controls = queue.subscribe_control();
    let host = Arc::new(Host {
        sources: Arc::new(SourceCache::new(Arc::clone(&store), config.source_cache_mib)),
        room: Room::new(&config.scratch_dir, config.scratch_reserve_mib),
        gpus,
        config,
        queue,
        store,
        scratch,
        running: Arc::default(),
        in_series,
        shutdown,
    });

    let mut tasks = JoinSet::new();
    tasks.spawn(cancel::listen(Arc::clone(&host.running), controls, host.shutdown.clone()));
    tasks.spawn(Arc::clone(&host.sources).sweep(host.shutdown.clone()));
    for _ in 0..host.config.slots {
        tasks.spawn(slot(Arc::clone(&host)));
    }
    tracing::info!(
        worker.name = host.config.worker_name,
        worker.slots = host.config.slots,
        "the worker is ready"
    );
    while let Some(ended) = tasks.join_next().await {
        ended.context("a task of the worker died")?;
    }
    Ok(())
}

/// Takes one job after the other.
async fn slot(host: Arc<Host>) {
    let place = Arc::<Place>::default();
    while let Some(received) = receive(&host, &place).await {
        match received {
            Ok(delivery) => job::handle(&host, &place, delivery).await,
            Err(QueueError::Closed) => break,
            Err(error) => {
                tracing::warn!(error = %error, "the queue gives no jobs; trying again");
                host.shutdown.run_until_cancelled(tokio::time::sleep(QUEUE_PAUSE)).await;
            }
        }
    }
    place.end().await;
}

/// The next job; `None` when the worker shuts down. Meanwhile the slot's child waits, but not for
/// long.
async fn receive(host: &Host, place: &Place) -> Option<Result<JobDelivery, QueueError>> {
    let (classes, devices) = (JobClass::ALL, host.gpus.families());
    let received = host.shutdown.run_until_cancelled(host.queue.receive(&classes, &devices));
    let waiting = async {
        place.expire().await;
        std::future::pending().await
    };
    tokio::select! {
        biased;
        received = received => received,
        never = waiting => never,
    }
}
