//! From a request to an answer.

mod hot;
mod licenses;
mod sealed;
mod stored;

pub(crate) use licenses::with_body;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use hyper::body::Body as _;
use kinora_media::{
    Access, Status,
    playback::{self, LICENSE},
};
use kinora_store::{Key, ObjectStore};

use crate::{
    Metrics, OriginConfig, access, access_log,
    adjust::Bounds,
    cache::{Got, MediaCache, Registry},
    hot::HotAnswers,
    http::{
        Body, CacheControl, Coding, Problem, Resource, finish, license_preflight, preflight, whole,
    },
    index::{Heads, Index, IndexId, Pages},
    manifest::{Manifests, Protected},
    media,
    metrics::Class,
    quota::Quotas,
    route::{self, Address, File, LiveAddress, Route},
    secrets::Secrets,
    transport::Peer,
};

/// Who asks for a segment that a growing index did not list this long ago is believed to have
/// seen a newer one.
const BELIEVED: Duration = Duration::from_millis(250);

/// What answering needs.
#[derive(Debug)]
pub(crate) struct Origin {
    media: Arc<MediaCache>,
    heads: Heads,
    pages: Pages,
    manifests: Manifests,
    secrets: Secrets,
    answers: HotAnswers,
    quotas: Quotas,
    config: OriginConfig,
    store: Arc<dyn ObjectStore>,
}

impl Origin {
    pub(crate) fn new(config: OriginConfig, store: Arc<dyn ObjectStore>) -> Self {
        let (notices, caches) = (config.notices.clone(), &config.caches);
        let heads = Heads::new(Arc::clone(&store), notices, caches);
        let pages = Pages::new(Arc::clone(&store), caches);
        let media = Arc::new(MediaCache::new(Arc::clone(&store), caches, config.metrics.clone()));
        Self {
            media,
            heads,
            pages,
            manifests: Manifests::new(caches),
            secrets: Secrets::new(Arc::clone(&store)),
            answers: HotAnswers::new(),
            quotas: Quotas::new(&config.limits),
            config,
            store,
        }
    }

    /// Never fails: what goes wrong is an answer too. A request's body is not read.
    pub(crate) async fn answer<B>(&self, request: &Request<B>, client: Peer) -> Response<Body> {
        let began = Instant::now();
        match self.again(request, client, began) {
            Some(response) => response,
            // On the heap: hyper moves what it waits for, which is most of it here.
            None => Box::pin(self.answer_anew(request, client, began)).await,
        }
    }

    /// The same for what is not kept.
    pub(crate) async fn answer_anew<B>(
        &self,
        request: &Request<B>,
        client: Peer,
        began: Instant,
    ) -> Response<Body> {
        let (method, path) = (request.method(), request.uri().path());
        let route = route::parse(path);
        let class = Class::of(route.as_ref());
        let token = match &route {
            Some(Route::Media(address)) => address.token,
            _ => None,
        };
        let answer = match self.quotas.client(client) {
            Ok(()) => self.route(request, route, client).await,
            Err(exceeded) => Err(Problem::exceeded(exceeded)),
        };
        let mut response = answer.unwrap_or_else(|problem| problem.into_response());
        let took = began.elapsed();
        let got = response.extensions().get::<Got>().copied();
        finish(response.headers_mut(), got, took);
        let (status, length) = (response.status().as_u16(), body_length(method, &response));
        self.config.metrics.answered(class, status, got, length, took);
        if access_log::is_read() {
            access_log::write(client, method.as_str(), path, status, length, took);
        }
        self.remember(request, class, token, client, &mut response);
        response
    }

    /// Goes on within other bounds.
    pub(crate) fn adjust(&self, to: &Bounds) {
        self.quotas.adjust(to);
        self.media.adjust(to.media_bytes);
    }

    /// Whether another process takes its place.
    pub(crate) fn is_leaving(&self) -> bool {
        self.config.leaving.is_cancelled()
    }

    /// Where slices of media are mapped.
    pub(crate) fn registry(&self) -> &Registry {
        self.media.registry()
    }

    /// The counters.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.config.metrics
    }

    async fn route<B>(
        &self,
        request: &Request<B>,
        route: Option<Route<'_>>,
        client: Peer,
    ) -> Result<Response<Body>, Problem> {
        let limit = self.config.limits.uri_bytes;
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        if path.len() + query.len() > limit {
            return Err(Problem::uri_too_long(limit));
        }
        if request.headers().len() > self.config.limits.headers {
            return Err(Problem::too_many_fields(self.config.limits.headers));
        }
        let is_license = matches!(&route, Some(Route::Media(it)) if it.file == File::License);
        match *request.method() {
            Method::OPTIONS if is_license => return Ok(license_preflight()),
            Method::OPTIONS => return Ok(preflight()),
            Method::GET | Method::HEAD => {}
            Method::POST if is_license => {}
            _ => return Err(Problem::method()),
        }
        match route.ok_or_else(Problem::not_found)? {
            Route::Health => Ok(healthy()),
            Route::Ready => self.ready().await,
            // On the heap: who waits for live media does not need the room.
            Route::Media(address) => Box::pin(self.media(request, address, client)).await,
            Route::Live(address) => self.live(request, address, client).await,
            Route::Stored(key) => Box::pin(self.stored(request, key)).await,
        }
    }

    async fn media<B>(
        &self,
        request: &Request<B>,
        address: Address<'_>,
        client: Peer,
    ) -> Result<Response<Body>, Problem> {
        let id = IndexId { video: address.video, version: address.version };
        let index = self.index(id, address.token, client, Duration::MAX).await?;
        let token = address.token.filter(|_| index.head.access == Access::Signed);
        let ticket = token.map_or(Ok(None), |token| self.quotas.token(token));
        let ticket = ticket.map_err(Problem::exceeded)?;
        let query = request.uri().query().unwrap_or_default();
        self.config.cmcd.take(query, request.headers(), id.video, id.version);
        let (resource, got) = match address.file {
            File::License => {
                self.may_have_keys(&address, client)?;
                return self.license(request, &index).await;
            }
            File::Key(kid) => {
                self.may_have_keys(&address, client)?;
                return self.key(request, &index, kid).await;
            }
            File::Manifest(manifest) => {
                let coding = Coding::accepted(request.headers());
                let protected = self.protected(&index, address.token).await?;
                let manifests = &self.manifests;
                (manifests.get(&index, &self.pages, manifest, coding, protected).await?, Got::Hit)
            }
            file @ (File::Init { .. } | File::Picture(_) | File::Segment { .. }) => {
                match self.object(&index, &file).await? {
                    Some(found) => found,
                    None if !index.is_growing() => return Err(Problem::not_found()),
                    // Listed by another origin that looked later, perhaps.
                    None => {
                        let index = self.index(id, address.token, client, BELIEVED).await?;
                        self.object(&index, &file).await?.ok_or_else(Problem::not_published)?
                    }
                }
            }
        };
        let mut answer = resource.respond(request.method(), request.headers(), &self.media).await;
        if let Ok(answer) = &mut answer {
            answer.extensions_mut().insert(Arc::clone(&index));
            if got != Got::Hit {
                answer.extensions_mut().insert(got);
            }
            answer.extensions_mut().insert(ticket);
        }
        answer
    }

    async fn live<B>(
        &self,
        request: &Request<B>,
        address: LiveAddress<'_>,
        client: Peer,
    ) -> Result<Response<Body>, Problem> {
        let stream = self.config.live.stream(address.stream).ok_or_else(Problem::not_found)?;
        let (id, access) = (stream.id, stream.access);
        access::check(&self.config.token_keys.get(), id, access, address.token, client)?;
        let token = address.token.filter(|_| access == Access::Signed);
        let ticket = token.map_or(Ok(None), |token| self.quotas.token(token));
        let ticket = ticket.map_err(Problem::exceeded)?;
        let query = request.uri().query().unwrap_or_default();
        self.config.cmcd.take(query, request.headers(), id, 0);
        let coding = Coding::accepted(request.headers());
        let found = stream.file(&address.file, query, coding, &self.config.metrics).await?;
        let mut answer = found.respond(request.method(), request.headers(), &self.media).await;
        if let Ok(answer) = &mut answer {
            answer.extensions_mut().insert(ticket);
        }
        answer
    }

    /// Ready is who reaches the store.
    async fn ready(&self) -> Result<Response<Body>, Problem> {
        // Any name will do: what counts is that there is an answer.
        let key = Key::new("media/ready").expect("letters and a slash are a key");
        match self.media.meta(&key).await {
            Ok(_) => Ok(healthy()),
            Err(error) => {
                tracing::warn!(%error, "not ready");
                Err(Problem::unavailable())
            }
        }
    }

    /// What the index names, if it does, and how it was come by if it had to be made.
    async fn object(&self, index: &Index, file: &File) -> Result<Option<(Resource, Got)>, Problem> {
        let found = match file {
            File::Manifest(_) | File::License | File::Key(_) => None,
            File::Picture(still) => media::picture(index, *still),
            File::Init { track, name } => media::init(index, &self.media, track, name).await?,
            File::Segment { track, number, container } => {
                media::segment(index, &self.pages, track, *number, *container).await?
            }
        };
        match found {
            Some(clear) if !index.head.encryption.is_none() => {
                self.sealed(index, file, clear).await.map(Some)
            }
            found => Ok(found.map(|found| (found, Got::Hit))),
        }
    }

    /// What manifests of an encrypted version say besides.
    async fn protected(
        &self,
        index: &Index,
        token: Option<&str>,
    ) -> Result<Option<Protected>, Problem> {
        let Some(key) = self.secrets.key(index).await? else { return Ok(None) };
        let path = playback::path(token, index.id.video, index.id.version, LICENSE);
        let license_url = format!("{}{path}", self.config.public_url).into();
        Ok(Some(Protected { key, license_url }))
    }

    /// The index, for someone who may see it.
    async fn index(
        &self,
        id: IndexId,
        token: Option<&str>,
        client: Peer,
        youngest: Duration,
    ) -> Result<Arc<Index>, Problem> {
        let found = self.heads.get(id, youngest).await.map_err(|_| Problem::unavailable())?;
        let index = found.ok_or_else(Problem::not_found)?;
        if index.is_newly_deleted() {
            self.media.purge(id.video);
            self.pages.purge(id.video);
            self.manifests.purge(id.video);
            self.secrets.purge(id.video);
        }
        if index.head.status == Status::Deleted {
            return Err(Problem::deleted());
        }
        let (keys, access) = (self.config.token_keys.get(), index.head.access);
        access::check(&keys, id.video, access, token, client)?;
        Ok(index)
    }
}

/// Bytes of body that are about to be sent.
fn body_length(method: &Method, response: &Response<Body>) -> u64 {
    if *method == Method::HEAD {
        return 0;
    }
    let said =
        response.headers().get(header::CONTENT_LENGTH).and_then(|n| n.to_str().ok()?.parse().ok());
    said.or_else(|| response.body().size_hint().exact()).unwrap_or(0)
}

fn healthy() -> Response<Body> {
    let mut response = Response::new(whole(Bytes::from_static(br#"{"status":"ok"}"#)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, CacheControl::NoStore.value());
    response
}
