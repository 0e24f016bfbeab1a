//! The roles of a process: opens the adapters they need, puts the parts on them, and lets go in the
//! order that loses nothing.

use std::{io, sync::Arc, time::Duration};

use anyhow::Context;
use kinora_origin::{CmcdSink, Live, Metrics, Notices, OriginConfig, serve_ingest};
use sd_notify::NotifyState;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Config,
    data_dir::{DataDir, Running},
    front::{self, Front, Ground},
    handover::{Predecessor, Successor, notify},
    leaving, metrics, players,
    queue::Queue,
    reload::Reload,
    roles::Roles,
    sockets::Sockets,
    store::Store,
};

/// How long requests and children may take to end after they were told to.
const DRAIN: Duration = Duration::from_secs(15);

/// How long the clients of an origin may take to come back for another answer, which tells them that
/// it leaves: where its successor serves already, and where that waits for this process to end.
const LINGER_BESIDE: Duration = Duration::from_secs(90);
const LINGER: Duration = Duration::from_millis(500);
/// How long a predecessor may take to end: more than [`DRAIN`], and what databases and brokers take.
const TURN: Duration = Duration::from_secs(60);

/// Runs until SIGTERM, Ctrl-C or, at SIGUSR2, until a successor runs; or until a part cannot go on.
pub(crate) async fn serve(
    config: Config,
    roles: Roles,
    mut sockets: Sockets,
    predecessor: Option<Predecessor>,
    mut reload: Reload,
) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let data = Arc::new(open_data(&config, roles, predecessor.as_ref()).await?);
    // A worker opens nothing, and signs nothing.
    if roles.has_playback_keys() {
        reload.read_keys(&data)?;
    }
    if roles.are_asked() || roles.ask_others() {
        reload.read_cluster_keys()?;
    }
    let up = tokio::select! {
        up = start(&config, roles, &data, &mut sockets, &mut reload) => up?,
        // Whatever it waits for.
        () = signals.stop() => return Ok(()),
    };
    let Up { mut parts, queue, front, origin_url } = up;
    let (folder, stop) = (Arc::clone(&data), parts.stop.clone());
    parts.spawn("signals to read again", async move { reload.run(&folder, stop).await });

    let (gateway, origin) = (front.gateway.as_deref(), origin_url.as_deref());
    let services = front.services.as_deref();
    data.announce(&Running { gateway, services, origin, pid: std::process::id() })?;
    notify(&[NotifyState::Ready]);
    if let Some(predecessor) = predecessor {
        predecessor.relieve();
        let (data, stop) = (Arc::clone(&data), parts.stop.clone());
        parts.spawn("the data folder", async move {
            stop.run_until_cancelled(data.take_over()).await;
            stop.cancelled().await;
            Ok(())
        });
    }
    tracing::info!(gateway, services, origin, ?roles, "kinorad is up");
    let ended = run(&mut parts, &mut signals, &mut sockets, roles).await;
    data.withdraw();
    // All at once: what one hands back another need not take now, for the queue keeps it.
    parts.end().await;
    if let Some(queue) = queue {
        queue.close().await;
    }
    if let Some(db) = front.db {
        db.close().await;
    }
    tracing::info!("kinorad has stopped");
    ended
}

/// What runs, and what it stands on.
struct Up {
    parts: Group,
    queue: Option<Queue>,
    front: Front,
    origin_url: Option<String>,
}

/// Opens what the roles need, once it is there, and starts them.
async fn start(
    config: &Config,
    roles: Roles,
    data: &DataDir,
    sockets: &mut Sockets,
    reload: &mut Reload,
) -> anyhow::Result<Up> {
    let store = match roles.has_store() {
        true => Some(Store::open_or_upstream(config, &reload.keys).await?),
        false => None,
    };
    let queue = match roles.has_queue() {
        true => Some(Queue::open(config).await?),
        false => None,
    };
    let mut parts = Group::default();
    let notices = Notices::default();
    let mut sources = metrics::Sources::default();
    // Origins first: the gateway tells players where they are.
    let origin_url = match &store {
        Some(store) if roles.origin => {
            let metrics = sources.origin.insert(Metrics::default()).clone();
            let (notices, parts) = (notices.clone(), &mut parts);
            let url = spawn_origin(config, reload, store, notices, metrics, sockets, parts);
            Some(url.await?)
        }
        _ => config.origin.public_url.as_deref().map(|url| url.trim_end_matches('/').to_owned()),
    };
    let mut front = Front::default();
    if roles.gateway || roles.has_database() {
        let ground = Ground {
            config,
            roles,
            data,
            tokens: reload.keys.clone(),
            cluster: reload.cluster.clone(),
            queue: queue.as_ref(),
            store: store.as_ref(),
            notices,
            origin_url: origin_url.as_deref(),
        };
        front = front::open(ground, sockets, &mut parts).await?;
        sources.transcoding = front.transcoding.clone();
    }
    if let (true, Some(queue), Some(store)) = (roles.worker, &queue, &store) {
        let (config, stop) = (config.to_worker()?, parts.stop.clone());
        let (queue, store) = (queue.jobs(), store.objects());
        parts.spawn("worker", kinora_workers::run(config, queue, store, stop));
    }
    spawn_metrics(config, sources, sockets, &mut parts)?;
    sockets.close_rest();
    Ok(Up { parts, queue, front, origin_url })
}

/// The data folder, when it is this process's turn to have it.
async fn open_data(
    config: &Config,
    roles: Roles,
    predecessor: Option<&Predecessor>,
) -> anyhow::Result<DataDir> {
    let Some(predecessor) = predecessor else { return DataDir::open(&config.data_dir) };
    let data = DataDir::beside(&config.data_dir)?;
    if roles.share_nothing() {
        return Ok(data);
    }
    // What can be wrong is found while the other can still go on.
    if config.origin.upstream.is_none() {
        config.store()?;
    }
    config.origin_tls()?;
    if roles.are_asked() || roles.ask_others() {
        config.cluster_keys()?;
    }
    if roles.worker {
        config.to_worker()?;
    }
    predecessor.make_way();
    let turn = tokio::time::timeout(TURN, data.take_over()).await;
    turn.map_err(|_| anyhow::anyhow!("the kinorad that hands over does not end"))?;
    Ok(data)
}

/// Until it is time to end.
async fn run(
    parts: &mut Group,
    signals: &mut Signals,
    sockets: &mut Sockets,
    roles: Roles,
) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::Stop => break,
                Asked::HandOver => {}
            },
            failed = parts.first_end() => return failed,
        }
        let successor = tokio::select! {
            () = signals.stop() => break,
            failed = parts.first_end() => return failed,
            successor = Successor::start(sockets, roles) => successor,
        };
        match successor {
            Ok(successor) => {
                successor.introduce();
                sockets.forget();
                let linger = if roles.share_nothing() { LINGER_BESIDE } else { LINGER };
                tokio::select! {
                    () = signals.stop() => {}
                    () = parts.leave(linger) => {}
                }
                break;
            }
            Err(error) => tracing::error!("not handed over, goes on here: {error:#}"),
        }
    }
    Ok(())
}

/// Serves media; where.
async fn spawn_origin(
    config: &Config,
    reload: &mut Reload,
    store: &Store,
    notices: Notices,
    metrics: Metrics,
    sockets: &mut Sockets,
    parts: &mut Group,
) -> anyhow::Result<String> {
    reload.tls = config.origin_tls()?;
    let origin = sockets.origin(&config.origin.listen, config.origin.threads)?;
    let url = config.origin_url(&origin[0].address()?);
    let live = Live::default();
    if let Some(address) = &config.origin.ingest_listen {
        for listener in sockets.ingest(address)? {
            let ingest = serve_ingest(listener, live.clone(), parts.leave.clone());
            parts.serve("live media", async move { Ok(ingest.await?) });
        }
    }
    let (cmcd, reports) = CmcdSink::channel(players::WAITING);
    let origin_config = OriginConfig {
        token_keys: reload.keys.clone(),
        public_url: url.clone(),
        adjust: reload.adjust.clone(),
        notices,
        cmcd,
        metrics,
        live,
        leaving: parts.leave.clone(),
        caches: config.to_origin_caches(),
        limits: config.to_origin_limits(),
        tls: reload.tls.clone(),
        proxies: config.origin_proxies()?,
        ..OriginConfig::default()
    };
    parts.spawn("reports of players", {
        let stop = parts.stop.clone();
        async move {
            players::log(reports, stop).await;
            Ok(())
        }
    });
    parts.serve("origin", {
        let (store, stop) = (store.objects(), parts.stop.clone());
        async move { Ok(kinora_origin::serve(origin, origin_config, store, stop).await?) }
    });
    Ok(url)
}

/// Tells what operators measure, where they asked for it.
fn spawn_metrics(
    config: &Config,
    sources: metrics::Sources,
    sockets: &mut Sockets,
    parts: &mut Group,
) -> anyhow::Result<()> {
    let Some(address) = config.metrics.listen else { return Ok(()) };
    let listener = sockets.metrics(address)?;
    let leave = parts.leave.clone();
    parts.serve("metrics", async move {
        Ok(leaving::serve(listener, metrics::router(sources), leave).await?)
    });
    Ok(())
}

/// Tasks that run and end together.
pub(crate) struct Group {
    pub(crate) stop: CancellationToken,
    /// No more clients are taken: another process does. What is told to stop leaves too.
    pub(crate) leave: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
    /// Those of them that clients ask.
    serving: TaskTracker,
}

impl Default for Group {
    fn default() -> Self {
        let stop = CancellationToken::new();
        let leave = stop.child_token();
        Self { stop, leave, tasks: JoinSet::new(), serving: TaskTracker::new() }
    }
}

impl Group {
    pub(crate) fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.tasks.spawn(async move { task.await.context(name) });
    }

    /// Waits for a task to end, which none should before it is told to.
    async fn first_end(&mut self) -> anyhow::Result<()> {
        match self.tasks.join_next().await {
            Some(Ok(Ok(()))) => anyhow::bail!("a part of kinorad ended by itself"),
            Some(Ok(Err(error))) => Err(error),
            Some(Err(panic)) => Err(panic).context("a part of kinorad panicked"),
            None => std::future::pending().await,
        }
    }

    /// The same for one that clients ask, which ends when it is told to leave.
    pub(crate) fn serve(
        &mut self,
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        let task = self.serving.track_future(task);
        self.spawn(name, task);
    }

    /// Takes no more clients, and waits for those that are there to go, as long as `patience`.
    async fn leave(&self, patience: Duration) {
        self.leave.cancel();
        self.serving.close();
        let _ = tokio::time::timeout(patience, self.serving.wait()).await;
    }

    /// Tells all to end, and waits a while for it.
    async fn end(&mut self) {
        self.stop.cancel();
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                match ended {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!("while stopping: {error:#}"),
                    Err(error) => tracing::warn!(%error, "a task failed"),
                }
            }
        };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "not everything ended in time");
            self.tasks.abort_all();
        }
    }
}

/// What the outside asks of this process. From its start on: unheard, each would end it.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hand_over: Signal,
}

enum Asked {
    Stop,
    HandOver,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hand_over: signal(SignalKind::user_defined2())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hand_over.recv() => Asked::HandOver,
        }
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
