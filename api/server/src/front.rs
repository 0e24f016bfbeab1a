//! What this process answers of the API: to people, as the gateway, or to the gateway of another
//! process.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    middleware::{self, Next},
    response::Response,
};
use kinora_catalogue::Catalogue;
use kinora_db::{Clock, Database, Exclusive};
use kinora_gateway::{Passage, Remote};
use kinora_http::{
    Authenticator, ClientAddress, TrustedProxies,
    cluster::{self, ClusterKeys, Now},
};
use kinora_media::{AccountId, playback::TokenKeys};
use kinora_origin::Notices;
use kinora_transcoding::Transcoding;
use tokio::net::TcpListener;

use crate::{
    config::Config,
    data_dir::DataDir,
    leaving::{self, Peer},
    queue::{self, Queue},
    roles::Roles,
    serve::Group,
    services::{Adapters, Addresses, Services},
    sockets::Sockets,
    store::{self, Store},
};

/// The tenant of a server without a users service.
pub(crate) const ACCOUNT: &str = "default";
/// As guards know the services.
const CATALOGUE: &str = "catalogue";
const TRANSCODING: &str = "transcoding";

/// How long a catalogue may take to leave the database to the next one.
const PATIENCE: Duration = Duration::from_secs(15);

/// What all of it stands on.
pub(crate) struct Ground<'a> {
    pub(crate) config: &'a Config,
    pub(crate) roles: Roles,
    pub(crate) data: &'a DataDir,
    pub(crate) tokens: TokenKeys,
    /// By which gateway and services know each other, where they are apart.
    pub(crate) cluster: Option<ClusterKeys>,
    pub(crate) queue: Option<&'a Queue>,
    pub(crate) store: Option<&'a Store>,
    pub(crate) notices: Notices,
    pub(crate) origin_url: Option<&'a str>,
}

/// What was opened.
#[derive(Default)]
pub(crate) struct Front {
    /// Where people ask.
    pub(crate) gateway: Option<String>,
    /// Where a gateway elsewhere asks.
    pub(crate) services: Option<String>,
    pub(crate) transcoding: Option<Arc<Transcoding>>,
    pub(crate) db: Option<Database>,
    /// On the database: there is one catalogue, for what is uploaded lies with it until it is whole.
    _place: Option<Exclusive>,
}

/// Repairs what the last process left, then serves.
pub(crate) async fn open(
    ground: Ground<'_>,
    sockets: &mut Sockets,
    parts: &mut Group,
) -> anyhow::Result<Front> {
    let (config, roles) = (ground.config, ground.roles);
    let authenticator = match roles.gateway {
        true => {
            let account = AccountId::new(ACCOUNT).context("the account's name")?;
            Authenticator::new(vec![ground.data.admin_key(account)?])
        }
        // Keys of people are the gateway's; it says for whom it asks.
        false => Authenticator::default(),
    };
    let listener = match roles.gateway {
        true => sockets.gateway(config.server.listen)?,
        false => sockets.services(config.services.listen)?,
    };
    let bound = listener.local_addr()?;
    let gateway = match roles.gateway {
        true => config.gateway_url(bound),
        false => config.server.public_url.clone().unwrap_or_default(),
    };
    let addresses = Addresses { gateway: &gateway, origin: ground.origin_url.unwrap_or_default() };
    let mut front = Front::default();
    let mut services = Services::default();
    if let (true, Some(queue), Some(store)) = (roles.has_database(), ground.queue, ground.store) {
        let adapters = Adapters::open(config, queue, store).await?;
        if roles.catalogue {
            front._place = Some(Exclusive::take(&adapters.db, CATALOGUE, PATIENCE).await?);
        }
        services = Services::new(&ground, &adapters, &authenticator, &addresses)?;
        services.recover(queue).await?;
        services.spawn(parts, &adapters);
        if let (Store::S3(store), true) = (store, roles.transcoding) {
            let (store, clock, stop) = (store.clone(), adapters.clock.clone(), parts.stop.clone());
            parts.spawn("store", async move {
                store::abort_abandoned(store, clock, stop).await;
                Ok(())
            });
        }
        front.db = Some(adapters.db);
    }
    front.transcoding = services.transcoding.clone();
    if roles.gateway {
        let elsewhere = elsewhere(&ground, authenticator, parts)?;
        let events = kinora_queue::asyncapi(queue::NAMESPACE);
        let services = kinora_gateway::Services { here: services.routers(), elsewhere, events };
        let router = kinora_gateway::router(services, addresses.origin);
        let told = middleware::from_fn_with_state(config.server_proxies()?, tell_client);
        let router = router.layer(told);
        serve("gateway", listener, router, parts);
        front.gateway = Some(gateway);
    } else {
        serve("services", listener, guarded(&services, ground.cluster)?, parts);
        front.services = Some(format!("http://{bound}"));
    }
    Ok(front)
}

/// Tells handlers from where they are asked.
async fn tell_client(
    State(proxies): State<TrustedProxies>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(client) = ClientAddress::of(peer.ip(), request.headers(), &proxies) {
        request.extensions_mut().insert(client);
    }
    next.run(request).await
}

fn serve(name: &'static str, listener: TcpListener, router: Router, parts: &mut Group) {
    let leave = parts.leave.clone();
    parts.serve(name, async move { Ok(leaving::serve(listener, router, leave).await?) });
}

/// The services that the gateway here asks, and how.
fn elsewhere(
    ground: &Ground<'_>,
    authenticator: Authenticator,
    parts: &Group,
) -> anyhow::Result<Option<(Vec<Remote>, Passage)>> {
    if !ground.roles.ask_others() {
        return Ok(None);
    }
    let keys = ground.cluster.clone().context("services.key_file was not read")?;
    let leave = parts.leave.clone();
    let passage = Passage::new(keys, authenticator, now(), leave).context("the way to services")?;
    let (roles, section) = (ground.roles, &ground.config.services);
    let remote = |here: bool, name, url: &Option<String>, document| {
        let address = url.clone().filter(|_| !here)?;
        Some(Remote { name, address, document })
    };
    let remotes = [
        remote(roles.catalogue, CATALOGUE, &section.catalogue_url, Catalogue::document()),
        remote(roles.transcoding, TRANSCODING, &section.transcoding_url, Transcoding::document()),
    ];
    Ok(Some((remotes.into_iter().flatten().collect(), passage)))
}

/// The services here, for the gateway of the cluster alone.
fn guarded(services: &Services, keys: Option<ClusterKeys>) -> anyhow::Result<Router> {
    let keys = keys.context("services.key_file was not read")?;
    let mut routes = Router::new();
    if let Some(catalogue) = &services.catalogue {
        let (router, _) = catalogue.router().split_for_parts();
        routes = routes.merge(cluster::guard(router, keys.clone(), CATALOGUE, now()));
    }
    if let Some(transcoding) = &services.transcoding {
        let (router, _) = transcoding.router().split_for_parts();
        routes = routes.merge(cluster::guard(router, keys, TRANSCODING, now()));
    }
    Ok(kinora_gateway::behind(routes))
}

fn now() -> Now {
    let clock = Clock::system();
    Arc::new(move || clock.now_us().div_euclid(1_000_000))
}
