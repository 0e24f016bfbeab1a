//! Services in other processes: the same routes, answered there.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, Uri,
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
    cluster::{CLUSTER_TOKEN, ClusterKeys, Now},
};
use tokio_util::sync::CancellationToken;
use tower_http::request_id::RequestId;
use utoipa::openapi::OpenApi;

/// Fields that speak of one connection (RFC 9110, 7.6.1), or that are ours to write.
const NOT_PASSED_ON: [HeaderName; 12] = [
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
    CLIENT_ADDRESS,
];
/// How long a service may take to accept a connection.
const CONNECT: std::time::Duration = std::time::Duration::from_secs(5);

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
}

impl axum::extract::FromRef<Way> for Authenticator {
    fn from_ref(way: &Way) -> Self {
        way.passage.authenticator.clone()
    }
}

/// Everything the service's document names, asked of it.
pub(crate) fn router(remote: &Remote, passage: &Passage) -> Router {
    let address = remote.address.trim_end_matches('/').to_owned();
    let way = Way { passage: passage.clone(), name: remote.name, address };
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
    let has_body =
        head.headers.contains_key(CONTENT_LENGTH) || head.headers.contains_key(TRANSFER_ENCODING);
    strip(&mut head.headers);
    // Who asks is in the token: keys of people go no further than here.
    head.headers.remove(AUTHORIZATION);
    let (passage, asked) = (&way.passage, (&head.method, &uri));
    let token = passage.keys.sign(way.name, asked, principal.as_ref(), (passage.now)());
    head.headers.insert(CLUSTER_TOKEN, token);
    if let Some(client) = head.extensions.get::<ClientAddress>() {
        head.headers.insert(CLIENT_ADDRESS, client.field());
    }
    if let Some(id) = head.extensions.get::<RequestId>() {
        head.headers.insert("x-request-id", id.header_value().clone());
    }
    let mut asking = passage.client.request(head.method, url).headers(head.headers);
    if has_body {
        asking = asking.body(reqwest::Body::wrap_stream(body.into_data_stream()));
    }
    let answer = asking.send().await.map_err(Problem::unavailable)?;
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
