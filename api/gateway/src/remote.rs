//! Services in other processes: the same routes, answered there.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, Uri,
        header::{
            AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST,
            PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
        },
    },
    response::Response,
    routing::any,
};
use futures::StreamExt;
use kinora_http::{
    Authenticator, CLIENT_ADDRESS, ClientAddress, OptionalPrincipal, Problem,
    cluster::{CLUSTER_TIME, CLUSTER_TOKEN, ClusterKeys, Now},
};
use tokio_util::sync::CancellationToken;
use tower_http::request_id::RequestId;
use utoipa::openapi::OpenApi;

use crate::service_clock::ServiceClock;

/// Fields that speak of one connection (RFC 9110, 7.6.1), or that are ours to write.
const NOT_PASSED_ON: [HeaderName; 13] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    EXPECT,
    HOST,
    CLUSTER_TOKEN,
    CLUSTER_TIME,
    CLIENT_ADDRESS,
];
/// How long a service may take to accept a connection.
const CONNECT: std::time::Duration = std::time::Duration::from_secs(5);
/// Bodies up to this many bytes are kept, to be sent once more.
const KEPT_BODY: usize = 64 << 10;

/// A service in another process.
pub struct Remote {
    /// As its guard knows it.
    pub name: &'static str,
    /// Scheme and authority.
    pub address: String,
    /// What it answers.
    pub document: OpenApi,
}

/// What a gateway needs to ask others.
#[derive(Clone)]
pub struct Passage {
    client: reqwest::Client,
    keys: ClusterKeys,
    authenticator: Authenticator,
    now: Now,
    leaving: CancellationToken,
}

impl Passage {
    /// Asks with `keys`, for those whom `authenticator` knows. Streams of events end with `leaving`,
    /// since nothing else ends them.
    ///
    /// # Errors
    /// The system has no certificates to trust.
    pub fn new(
        keys: ClusterKeys,
        authenticator: Authenticator,
        now: Now,
        leaving: CancellationToken,
    ) -> Result<Self, reqwest::Error> {
        // An error means that the process has one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .build()?;
        Ok(Self { client, keys, authenticator, now, leaving })
    }
}

#[derive(Clone)]
struct Way {
    passage: Passage,
    name: &'static str,
    address: String,
    clock: ServiceClock,
}

impl axum::extract::FromRef<Way> for Authenticator {
    fn from_ref(way: &Way) -> Self {
        way.passage.authenticator.clone()
    }
}

/// Everything the service's document names, asked of it.
pub(crate) fn router(remote: &Remote, passage: &Passage) -> Router {
    let address = remote.address.trim_end_matches('/').to_owned();
    let way = Way {
        passage: passage.clone(),
        name: remote.name,
        address,
        clock: ServiceClock::default(),
    };
    let paths = remote.document.paths.paths.keys();
    let routes = paths.fold(Router::new(), |routes, path| routes.route(path, any(pass)));
    routes.with_state(way)
}

/// Asks the service what we were asked, and hands back what it says, both as they come.
async fn pass(
    State(way): State<Way>,
    OptionalPrincipal(principal): OptionalPrincipal,
    request: Request,
) -> Result<Response, Problem> {
    let (mut head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let odd = |_| Problem::invalid_request("The address has characters that no address has");
    let url = reqwest::Url::parse(&format!("{}{target}", way.address)).map_err(odd)?;
    // Signed as it is sent: parsing may have escaped something.
    let uri: Uri = url.as_str().parse().map_err(Problem::internal)?;
    let body = Sending::of(&head.method, &head.headers, body).await?;
    strip(&mut head.headers);
    // Who asks is in the token: keys of people go no further than here.
    head.headers.remove(AUTHORIZATION);
    if let Some(client) = head.extensions.get::<ClientAddress>() {
        head.headers.insert(CLIENT_ADDRESS, client.field());
    }
    if let Some(id) = head.extensions.get::<RequestId>() {
        head.headers.insert("x-request-id", id.header_value().clone());
    }
    let passage = &way.passage;
    let sign = || {
        let now_s = way.clock.now_s(&passage.now);
        passage.keys.sign(way.name, (&head.method, &uri), principal.as_ref(), now_s)
    };
    let answer = way.ask(sign, (&head.method, url), &head.headers, body).await?;
    let (mut head, body) = axum::http::Response::from(answer).into_parts();
    strip(&mut head.headers);
    let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let stream = Body::new(body).into_data_stream();
    let body = match kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
        true => Body::from_stream(stream.take_until(passage.leaving.clone().cancelled_owned())),
        false => Body::from_stream(stream),
    };
    Ok(Response::from_parts(head, body))
}

impl Way {
    /// Asks, once more where the service says that our clock is wrong.
    async fn ask(
        &self,
        sign: impl Fn() -> HeaderValue,
        (method, url): (&Method, reqwest::Url),
        headers: &HeaderMap,
        mut body: Sending,
    ) -> Result<reqwest::Response, Problem> {
        let Passage { client, keys, now, .. } = &self.passage;
        for again in [true, false] {
            let token = sign();
            let asking = client.request(method.clone(), url.clone()).headers(headers.clone());
            let asking = asking.header(CLUSTER_TOKEN, &token);
            let (asking, has_more) = body.put_on(asking);
            let answer = asking.send().await.map_err(Problem::unavailable)?;
            let token = token.to_str().unwrap_or_default();
            if !self.clock.hears((&answer, token), keys, now, self.name) {
                return Ok(answer);
            }
            if !again || !has_more {
                break;
            }
        }
        // What was sent is lost, but whoever sends it again is heard.
        Err(Problem::unavailable("a service refuses what was signed by this host's clock"))
    }
}

/// The body of a request.
enum Sending {
    Nothing,
    /// It may be sent again.
    Kept(Bytes),
    /// It is sent as it comes; `None` once it was.
    Passing(Option<Body>),
}

impl Sending {
    /// Waits for a small one; but what is uploaded is stored as it comes.
    async fn of(method: &Method, headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let length: Option<usize> = length.and_then(|length| length.parse().ok());
        if length.is_none() && !headers.contains_key(TRANSFER_ENCODING) {
            return Ok(Self::Nothing);
        }
        if method == Method::PATCH || length.is_none_or(|length| length > KEPT_BODY) {
            return Ok(Self::Passing(Some(body)));
        }
        let broken = |_| Problem::invalid_request("The body is not as long as was said");
        Ok(Self::Kept(axum::body::to_bytes(body, KEPT_BODY).await.map_err(broken)?))
    }

    /// Gives a request its body; whether it could be given once more.
    fn put_on(&mut self, asking: reqwest::RequestBuilder) -> (reqwest::RequestBuilder, bool) {
        match self {
            Self::Nothing => (asking, true),
            Self::Kept(bytes) => (asking.body(bytes.clone()), true),
            Self::Passing(body) => {
                let body = body.take().unwrap_or_default().into_data_stream();
                (asking.body(reqwest::Body::wrap_stream(body)), false)
            }
        }
    }
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&NOT_PASSED_ON) {
        headers.remove(name);
    }
}
