//! From a request to an answer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use kinora_media::Status;
use kinora_store::ObjectStore;

use crate::{
    OriginConfig, access,
    cache::{Got, MediaCache, Registry},
    hot::{self, Hot, HotAnswers, Plain, Stretch, Whole},
    http::{Body, CacheControl, Coding, Problem, Resource, finish, preflight, whole},
    index::{Heads, Index, IndexId, Pages},
    manifest::Manifests,
    media,
    route::{self, Address, File, Route},
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
    answers: HotAnswers,
    config: OriginConfig,
}

impl Origin {
    pub(crate) fn new(config: OriginConfig, store: Arc<dyn ObjectStore>) -> Self {
        let (notices, caches) = (config.notices.clone(), &config.caches);
        let heads = Heads::new(Arc::clone(&store), notices, caches);
        let pages = Pages::new(Arc::clone(&store), caches);
        let media = Arc::new(MediaCache::new(store, caches));
        Self {
            media,
            heads,
            pages,
            manifests: Manifests::new(caches),
            answers: HotAnswers::new(),
            config,
        }
    }

    /// Never fails: what goes wrong is an answer too. A request's body is not read.
    pub(crate) async fn answer<B>(&self, request: &Request<B>) -> Response<Body> {
        let began = Instant::now();
        let mut response =
            self.route(request).await.unwrap_or_else(|problem| problem.into_response());
        let got = response.extensions().get::<Got>().copied();
        finish(response.headers_mut(), got, began.elapsed());
        self.remember(request, &mut response);
        response
    }

    /// The answer to a plain request, if all of it is in memory and may be given now.
    pub(crate) fn hot(&self, plain: &Plain<'_>) -> Option<(Arc<Hot>, Vec<Stretch>)> {
        if plain.path.len() + plain.query.len() > self.config.limits.uri_bytes {
            return None;
        }
        let hot = self.answers.get(plain)?;
        if access::now_s() >= hot.expires_s || !self.heads.is_fresh(&hot.index) {
            return None;
        }
        let body = hot.body(&self.media)?;
        let id = hot.index.id;
        self.config.cmcd.take(plain.query, &HeaderMap::new(), id.video, id.version);
        Some((hot, body))
    }

    /// Where slices of media are mapped.
    pub(crate) fn registry(&self) -> &Registry {
        self.media.registry()
    }

    /// Keeps what was answered whole and from memory ready for who asks next.
    fn remember<B>(&self, request: &Request<B>, response: &mut Response<Body>) {
        let extensions = response.extensions_mut();
        let (Some(whole), Some(index)) =
            (extensions.remove::<Whole>(), extensions.remove::<Arc<Index>>())
        else {
            return;
        };
        let path = request.uri().path();
        let coding = hot::coding(path, request.headers());
        let Some(Route::Media(address)) = route::parse(path) else { return };
        let expires_s = access::expires_s(&index, address.token);
        let hot = Hot::new(response.headers(), whole, index, expires_s);
        self.answers.insert(path, coding, hot);
    }

    async fn route<B>(&self, request: &Request<B>) -> Result<Response<Body>, Problem> {
        let limit = self.config.limits.uri_bytes;
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        if path.len() + query.len() > limit {
            return Err(Problem::uri_too_long(limit));
        }
        match *request.method() {
            Method::OPTIONS => return Ok(preflight()),
            Method::GET | Method::HEAD => {}
            _ => return Err(Problem::method()),
        }
        match route::parse(path).ok_or_else(Problem::not_found)? {
            Route::Health => Ok(healthy()),
            Route::Media(address) => self.media(request, address).await,
        }
    }

    async fn media<B>(
        &self,
        request: &Request<B>,
        address: Address<'_>,
    ) -> Result<Response<Body>, Problem> {
        let id = IndexId { video: address.video, version: address.version };
        let index = self.index(id, address.token, Duration::MAX).await?;
        let query = request.uri().query().unwrap_or_default();
        self.config.cmcd.take(query, request.headers(), id.video, id.version);
        let resource = match address.file {
            File::Manifest(manifest) => {
                let coding = Coding::accepted(request.headers());
                self.manifests.get(&index, &self.pages, manifest, coding).await?
            }
            file @ (File::Init { .. } | File::Picture(_) | File::Segment { .. }) => {
                match self.object(&index, &file).await? {
                    Some(found) => found,
                    None if !index.is_growing() => return Err(Problem::not_found()),
                    // Listed by another origin that looked later, perhaps.
                    None => {
                        let index = self.index(id, address.token, BELIEVED).await?;
                        self.object(&index, &file).await?.ok_or_else(Problem::not_published)?
                    }
                }
            }
        };
        let mut answer = resource.respond(request.method(), request.headers(), &self.media).await;
        if let Ok(answer) = &mut answer {
            answer.extensions_mut().insert(Arc::clone(&index));
        }
        tracing::debug!(
            http.method = %request.method(),
            http.status = answer.as_ref().map_or_else(|p| p.status, Response::status).as_u16(),
            video.id = %id.video,
            video.version = id.version,
            "answered"
        );
        answer
    }

    /// What the index names, if it does.
    async fn object(&self, index: &Index, file: &File) -> Result<Option<Resource>, Problem> {
        match file {
            File::Manifest(_) => Ok(None),
            File::Picture(still) => Ok(media::picture(index, *still)),
            File::Init { track, name } => media::init(index, &self.media, track, name).await,
            File::Segment { track, number, container } => {
                media::segment(index, &self.pages, track, *number, *container).await
            }
        }
    }

    /// The index, for someone who may see it.
    async fn index(
        &self,
        id: IndexId,
        token: Option<&str>,
        youngest: Duration,
    ) -> Result<Arc<Index>, Problem> {
        let found = self.heads.get(id, youngest).await.map_err(|_| Problem::unavailable())?;
        let index = found.ok_or_else(Problem::not_found)?;
        if index.is_newly_deleted() {
            self.media.purge(id.video);
            self.pages.purge(id.video);
            self.manifests.purge(id.video);
        }
        if index.head.status == Status::Deleted {
            return Err(Problem::deleted());
        }
        access::check(&self.config.token_keys, &index.head, token)?;
        Ok(index)
    }
}

fn healthy() -> Response<Body> {
    let mut response = Response::new(whole(Bytes::from_static(br#"{"status":"ok"}"#)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, CacheControl::NoStore.value());
    response
}
