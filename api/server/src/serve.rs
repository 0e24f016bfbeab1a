//! The roles of a process: opens the adapters they need, puts the parts on them, and lets go in the
//! order that loses nothing.

use std::{net::SocketAddr, num::NonZeroUsize, time::Duration};

use anyhow::Context;
use kinora_origin::{CmcdSink, Live, Metrics, Notices, OriginConfig, Tls, serve_ingest};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    data_dir::{DataDir, Running},
    metrics, players,
    queue::Queue,
    roles::Roles,
    services::{Adapters, Secrets, Services},
    store::{self, Store},
};

/// How long requests and children may take to end after they were told to.
const DRAIN: Duration = Duration::from_secs(15);

/// Runs until SIGTERM or Ctrl-C, or until a part cannot go on.
pub(crate) async fn serve(config: Config, roles: Roles) -> anyhow::Result<()> {
    let data = DataDir::open(&config.data_dir)?;
    let store = Store::open(&config).await?;
    let queue = match roles.services || roles.worker {
        true => Some(Queue::open(&config).await?),
        false => None,
    };
    let mut parts = Group::default();
    let notices = Notices::default();
    // Origins first: the gateway tells players where they are.
    let origin_url = match roles.origin {
        true => Some(spawn_origin(&config, &data, &store, notices.clone(), &mut parts).await?),
        false => {
            config.origin.public_url.as_deref().map(|url| url.trim_end_matches('/').to_owned())
        }
    };
    let (mut gateway_url, mut db) = (None, None);
    if let (true, Some(queue), Some(origin_url)) = (roles.services, &queue, &origin_url) {
        let adapters = Adapters::open(&config, queue, &store).await?;
        let url = spawn_services(&config, &data, &adapters, notices, origin_url, &mut parts);
        gateway_url = Some(url.await?);
        db = Some(adapters.db);
    }
    if let (true, Some(queue)) = (roles.worker, &queue) {
        let (config, stop) = (config.to_worker()?, parts.stop.clone());
        let (queue, store) = (queue.jobs(), store.objects());
        parts.spawn("worker", kinora_workers::run(config, queue, store, stop));
    }

    let (gateway, origin) = (gateway_url.as_deref(), origin_url.as_deref());
    data.announce(&Running { gateway, origin, pid: std::process::id() })?;
    tracing::info!(gateway, origin, ?roles, "kinorad is up");
    let ended = tokio::select! {
        signal = stop_signal() => signal,
        failed = parts.first_end() => failed,
    };
    data.withdraw();
    // All at once: what one hands back another need not take now, for the queue keeps it.
    parts.end().await;
    if let Some(queue) = queue {
        queue.close().await;
    }
    if let Some(db) = db {
        db.close().await;
    }
    tracing::info!("kinorad has stopped");
    ended
}

/// Serves media; where.
async fn spawn_origin(
    config: &Config,
    data: &DataDir,
    store: &Store,
    notices: Notices,
    parts: &mut Group,
) -> anyhow::Result<String> {
    let tls = config.origin_tls()?;
    let origin = kinora_origin::listen(&config.origin.listen, config.origin.threads)
        .with_context(|| taken("origin.listen", &config.origin.listen))?;
    let url = config.origin_url(&origin[0].address()?);
    let metrics = Metrics::default();
    if let Some(address) = config.metrics.listen {
        let listener = listen("metrics.listen", address).await?;
        let router = metrics::router(metrics.clone());
        let stop = parts.stop.clone();
        parts.spawn("metrics", async move {
            Ok(axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await?)
        });
    }
    parts.spawn("signals to read again", {
        let (tls, stop) = (tls.clone(), parts.stop.clone());
        async move { read_again(tls, stop).await }
    });
    let live = Live::default();
    if let Some(address) = &config.origin.ingest_listen {
        let taken = || taken("origin.ingest_listen", address);
        let listeners = kinora_origin::listen(address, NonZeroUsize::MIN).with_context(taken)?;
        for listener in listeners {
            let ingest = serve_ingest(listener, live.clone(), parts.stop.clone());
            parts.spawn("live media", async move { Ok(ingest.await?) });
        }
    }
    let (cmcd, reports) = CmcdSink::channel(players::WAITING);
    let origin_config = OriginConfig {
        token_keys: data.token_keys(config.playback.key_file.as_deref())?,
        notices,
        cmcd,
        metrics,
        live,
        caches: config.to_origin_caches(),
        limits: config.to_origin_limits(),
        tls,
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
    parts.spawn("origin", {
        let (store, stop) = (store.objects(), parts.stop.clone());
        async move { Ok(kinora_origin::serve(origin, origin_config, store, stop).await?) }
    });
    Ok(url)
}

/// Repairs what the last process left, then serves the API; where.
async fn spawn_services(
    config: &Config,
    data: &DataDir,
    adapters: &Adapters<'_>,
    notices: Notices,
    origin_url: &str,
    parts: &mut Group,
) -> anyhow::Result<String> {
    let gateway = listen("server.listen", config.server.listen).await?;
    let url = config.gateway_url(gateway.local_addr()?);
    let secrets = Secrets::open(data, data.token_keys(config.playback.key_file.as_deref())?)?;
    let services = Services::new(config, adapters, &secrets, &notices, &url, origin_url)?;
    services.recover(adapters.queue).await?;
    let router = kinora_gateway::router(services.routers(), origin_url);
    let stop = parts.stop.clone();
    parts.spawn("gateway", async move {
        Ok(axum::serve(gateway, router).with_graceful_shutdown(stop.cancelled_owned()).await?)
    });
    services.spawn(parts, adapters);
    if let Store::S3(store) = adapters.store {
        let (store, clock) = (store.clone(), adapters.clock.clone());
        let stop = parts.stop.clone();
        parts.spawn("store", async move {
            store::abort_abandoned(store, clock, stop).await;
            Ok(())
        });
    }
    Ok(url)
}

/// Tasks that run and end together.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
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

async fn listen(setting: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| taken(setting, address))
}

fn taken(setting: &str, address: impl std::fmt::Display) -> String {
    format!("cannot listen on {address}: choose another address with {setting}")
}

/// Reads the origin's certificate again on SIGHUP, which otherwise would end the process.
async fn read_again(tls: Option<Tls>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut hangups = signal(SignalKind::hangup())?;
    while stop.run_until_cancelled(hangups.recv()).await.is_some() {
        match tls.as_ref().map(Tls::reload) {
            Some(Err(error)) => tracing::error!(%error, "kept the certificate"),
            Some(Ok(())) => {}
            None => tracing::info!("SIGHUP: there is nothing to read again"),
        }
    }
    Ok(())
}

async fn stop_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
