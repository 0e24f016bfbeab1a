//! Every role in one process: opens the adapters, puts the services on them, and lets go in the
//! order that loses nothing.

use std::{net::SocketAddr, num::NonZeroUsize, sync::Arc, time::Duration};

use anyhow::Context;
use kinora_catalogue::{Catalogue, CatalogueConfig, CatalogueDeps};
use kinora_db::{Clock, Database};
use kinora_http::Authenticator;
use kinora_media::{AccountId, playback::TokenKey};
use kinora_origin::{CmcdSink, Live, Metrics, Notices, OriginConfig, serve_ingest};
use kinora_queue::{EventBus, JobQueue, SqliteQueue};
use kinora_transcoding::{Transcoding, TranscodingDeps};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    data_dir::{DataDir, Running},
    metrics, players, profiles,
    store::{self, Store},
};

/// How long requests and children may take to end after they were told to.
const DRAIN: Duration = Duration::from_secs(15);
/// The tenant of a server without a users service.
const ACCOUNT: &str = "default";

/// Runs until SIGTERM or Ctrl-C, or until a part cannot go on.
pub(crate) async fn serve(config: Config) -> anyhow::Result<()> {
    let data = DataDir::open(&config.data_dir)?;
    let adapters = Adapters::open(&config).await?;
    let gateway = listen("server.listen", config.server.listen).await?;
    let tls = config.origin_tls()?;
    let origin = kinora_origin::listen(&config.origin.listen, config.origin.threads)
        .with_context(|| taken("origin.listen", &config.origin.listen))?;
    let gateway_url = config.gateway_url(gateway.local_addr()?);
    let origin_url = config.origin_url(&origin[0].address()?);
    let secrets = Secrets::open(&data)?;
    let notices = Notices::default();
    let services =
        Services::new(&config, &adapters, &secrets, &notices, &gateway_url, &origin_url)?;
    services.recover().await?;

    let mut parts = Group::default();
    let metrics = Metrics::default();
    if let Some(address) = config.metrics.listen {
        let listener = listen("metrics.listen", address).await?;
        let router = metrics::router(metrics.clone());
        let stop = parts.stop.clone();
        parts.spawn("metrics", async move {
            Ok(axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await?)
        });
    }
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
        token_keys: secrets.tokens,
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
        let (store, stop) = (adapters.store.objects(), parts.stop.clone());
        async move { Ok(kinora_origin::serve(origin, origin_config, store, stop).await?) }
    });
    let router = kinora_gateway::router(services.routers(), &origin_url);
    parts.spawn("gateway", {
        let stop = parts.stop.clone();
        async move {
            Ok(axum::serve(gateway, router).with_graceful_shutdown(stop.cancelled_owned()).await?)
        }
    });
    parts.spawn("worker", {
        let (queue, store) =
            (Arc::clone(&adapters.queue) as Arc<dyn JobQueue>, adapters.store.objects());
        let (config, stop) = (config.to_worker()?, parts.stop.clone());
        kinora_workers::run(config, queue, store, stop)
    });
    services.spawn(&mut parts, &adapters);
    if let Store::S3(store) = &adapters.store {
        let (store, clock) = (store.clone(), adapters.clock.clone());
        let stop = parts.stop.clone();
        parts.spawn("store", async move {
            store::abort_abandoned(store, clock, stop).await;
            Ok(())
        });
    }

    data.announce(&Running {
        gateway: &gateway_url,
        origin: &origin_url,
        pid: std::process::id(),
    })?;
    tracing::info!(gateway = %gateway_url, origin = %origin_url, "kinorad is up");
    let ended = tokio::select! {
        signal = stop_signal() => signal,
        failed = parts.first_end() => failed,
    };
    data.withdraw();
    // All at once: what one hands back another need not take now, for the queue keeps it.
    parts.end().await;
    adapters.close().await;
    tracing::info!("kinorad has stopped");
    ended
}

/// What the services stand on.
struct Adapters {
    db: Database,
    queue: Arc<SqliteQueue>,
    store: Store,
    clock: Clock,
}

impl Adapters {
    async fn open(config: &Config) -> anyhow::Result<Self> {
        let db = Database::open_with(&config.database_url(), config.database.connections)
            .await
            .with_context(|| format!("cannot open the database {}", config.database_name()))?;
        let queue = config.queue_path();
        let queue = SqliteQueue::open(&queue)
            .await
            .with_context(|| format!("cannot open the queue {}", queue.display()))?;
        let store = Store::open(config).await?;
        Ok(Self { db, queue: Arc::new(queue), store, clock: Clock::system() })
    }

    fn bus(&self) -> Arc<dyn EventBus> {
        Arc::clone(&self.queue) as Arc<dyn EventBus>
    }

    async fn close(&self) {
        self.queue.close().await;
        self.db.close().await;
    }
}

/// What opens the API and private videos.
struct Secrets {
    authenticator: Authenticator,
    /// The first signs, all open.
    tokens: Vec<TokenKey>,
}

impl Secrets {
    fn open(data: &DataDir) -> anyhow::Result<Self> {
        let account = AccountId::new(ACCOUNT).context("the account's name")?;
        let authenticator = Authenticator::new(vec![data.admin_key(account)?]);
        Ok(Self { authenticator, tokens: data.token_keys()? })
    }
}

/// The services of the API.
struct Services {
    catalogue: Catalogue,
    transcoding: Arc<Transcoding>,
}

impl Services {
    fn new(
        config: &Config,
        adapters: &Adapters,
        secrets: &Secrets,
        notices: &Notices,
        gateway_url: &str,
        origin_url: &str,
    ) -> anyhow::Result<Self> {
        let profiles = Arc::new(profiles::load(&config.transcoding)?);
        let token_keys = secrets.tokens.clone();
        let mut catalogue =
            CatalogueConfig::new(config.upload_dir(), origin_url, gateway_url, token_keys.clone());
        catalogue.max_upload_bytes = config.upload.max_bytes;
        catalogue.upload_reserve_bytes = config.upload.reserve_bytes;
        catalogue.store_dir = adapters.store.folder();
        let catalogue = Catalogue::new(CatalogueDeps {
            db: adapters.db.clone(),
            bus: adapters.bus(),
            store: adapters.store.objects(),
            clock: adapters.clock.clone(),
            authenticator: secrets.authenticator.clone(),
            config: catalogue,
            profiles: Arc::clone(&profiles),
        })?;
        let notices = notices.clone();
        let transcoding = Transcoding::new(TranscodingDeps {
            db: adapters.db.clone(),
            queue: Arc::clone(&adapters.queue) as Arc<dyn JobQueue>,
            bus: adapters.bus(),
            store: adapters.store.objects(),
            clock: adapters.clock.clone(),
            config: config.to_transcoding(),
            profiles,
            on_head_change: Arc::new(move |video, version| notices.notify_head(video, version)),
            authenticator: secrets.authenticator.clone(),
            playback_keys: token_keys.into(),
        });
        Ok(Self { catalogue, transcoding })
    }

    /// Repairs what the last process left, before anything is served.
    async fn recover(&self) -> anyhow::Result<()> {
        self.catalogue.recover().await.context("cannot repair uploads")?;
        let jobs = self.transcoding.recover().await.context("cannot recover jobs")?;
        if jobs > 0 {
            tracing::info!(jobs, "jobs that were running when the last process ended go out again");
        }
        Ok(())
    }

    fn routers(&self) -> Vec<utoipa_axum::router::OpenApiRouter> {
        vec![self.catalogue.router(), self.transcoding.router()]
    }

    fn spawn(&self, group: &mut Group, adapters: &Adapters) {
        let stop = group.stop.clone();
        let catalogue = self.catalogue.clone();
        group.spawn("catalogue", {
            let stop = stop.clone();
            async move { Ok(catalogue.run(stop).await?) }
        });
        let transcoding = Arc::clone(&self.transcoding);
        group.spawn("transcoding", {
            let stop = stop.clone();
            async move { Ok(transcoding.run(stop).await?) }
        });
        let (db, bus, clock) = (adapters.db.clone(), adapters.bus(), adapters.clock.clone());
        group.spawn("outbox relay", async move {
            kinora_db::outbox::relay(db, bus, clock, stop).await;
            Ok(())
        });
    }
}

/// Tasks that run and end together.
#[derive(Default)]
struct Group {
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Group {
    fn spawn(
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

async fn stop_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
