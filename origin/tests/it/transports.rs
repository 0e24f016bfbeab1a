//! Other ways in than HTTP/1.1 over TCP: TLS, HTTP/2, proxies, unix sockets, IPv6.

use std::{num::NonZeroUsize, path::Path, sync::Arc, time::Duration};

use kinora_media::{Access, SegmentEntry, Status};
use kinora_origin::{ListenAddress, Listener, OriginConfig, Timeouts, Tls, listen, serve};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    process::Command,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::sync::CancellationToken;

use crate::fixture::{Origin, PATIENCE, TestStore, Video, path, read_to_end};

/// Longer than two slices.
const LONG: usize = 2_500_000;
const SHORT: Duration = Duration::from_millis(500);

/// A certificate of its own authority, for localhost, and its key.
struct Pair {
    folder: tempfile::TempDir,
}

impl Pair {
    async fn new() -> Self {
        let pair = Self { folder: tempfile::tempdir().unwrap() };
        pair.renew().await;
        pair
    }

    /// Another one, at the same place.
    async fn renew(&self) {
        let [certificate, key] = [self.certificate(), self.key()].map(|p| p.display().to_string());
        let made = Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &key, "-out", &certificate])
            .output();
        let made = made.await.expect("openssl is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    fn certificate(&self) -> std::path::PathBuf {
        self.folder.path().join("certificate.pem")
    }

    fn key(&self) -> std::path::PathBuf {
        self.folder.path().join("key.pem")
    }

    fn open(&self) -> Tls {
        Tls::open(self.certificate(), self.key()).unwrap()
    }
}

/// A video whose first segment is long, behind TLS.
async fn secure(pair: &Pair, timeouts: Timeouts) -> Origin {
    secure_with(pair, OriginConfig { timeouts, ..OriginConfig::default() }).await
}

async fn secure_with(pair: &Pair, config: OriginConfig) -> Origin {
    let store = TestStore::new();
    let mut video = Video::new(&store, Access::Public).await;
    let segment = SegmentEntry::new(LONG as u64, 180_000);
    video.list("v360", 0, vec![segment], long().into()).await;
    video.publish(Status::Complete).await;
    Origin::start_with(&store, OriginConfig { tls: Some(pair.open()), ..config }).await
}

fn long() -> Vec<u8> {
    (0..LONG).map(|n| (n % 253) as u8).collect()
}

/// What curl says of an answer: status, version, and the body.
async fn curl(pair: &Pair, origin: &Origin, options: &[&str], file: &str) -> (String, Vec<u8>) {
    let port = origin.address.port();
    let body = pair.folder.path().join("body");
    let asked = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "60", "--write-out"])
        .args(["%{http_code} %{http_version} %header{server-timing}", "--output"])
        .arg(&body)
        .args(["--resolve", &format!("localhost:{port}:127.0.0.1"), "--cacert"])
        .arg(pair.certificate())
        .args(options)
        .arg(format!("https://localhost:{port}{}", path(file)))
        .output();
    let asked = asked.await.expect("curl is installed");
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    (String::from_utf8(asked.stdout).unwrap(), std::fs::read(body).unwrap())
}

/// A connection that speaks `protocol`, if the server agrees.
async fn connect(pair: &Pair, origin: &Origin, protocol: &str) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(pair.certificate()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, origin.connect().await).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
    stream
}

#[tokio::test]
async fn tls_carries_the_same_over_either_version() {
    let pair = Pair::new().await;
    let origin = secure(&pair, Timeouts::default()).await;
    for (options, version) in
        [(["--http1.1"], "1.1"), (["--http2"], "2"), (["--http1.1"], "1.1"), (["--tlsv1.3"], "2")]
    {
        let (said, body) = curl(&pair, &origin, &options, "v360/0.m4s").await;
        assert!(said.starts_with(&format!("200 {version} origin;desc=")), "{said}");
        assert!(body == long(), "{version}: {} bytes", body.len());
        let (said, body) = curl(&pair, &origin, &[options[0], "-r", "5-14"], "v360/0.m4s").await;
        assert!(said.starts_with(&format!("206 {version}")), "{said}");
        assert_eq!(body, long()[5..15]);
        let (said, body) = curl(&pair, &origin, &[options[0], "--compressed"], "v360.m3u8").await;
        assert!(said.starts_with(&format!("200 {version}")), "{said}");
        assert!(body.starts_with(b"#EXTM3U"));
    }
    let (said, _) = curl(&pair, &origin, &["--http1.1"], "v360/0.m4s").await;
    assert!(said.contains("desc=hot"), "the fast path serves TLS too: {said}");
    assert!(origin.raw("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.len() < 20, "an alert");
}

#[tokio::test]
async fn a_certificate_is_replaced_without_a_restart() {
    let pair = Pair::new().await;
    let store = TestStore::new();
    let tls = pair.open();
    let config = OriginConfig { tls: Some(tls.clone()), ..OriginConfig::default() };
    let origin = Origin::start_with(&store, config).await;
    let mut before = connect(&pair, &origin, "http/1.1").await;

    let key = std::fs::read(pair.key()).unwrap();
    pair.renew().await;
    let renewed = std::fs::read(pair.key()).unwrap();
    std::fs::write(pair.key(), key).unwrap();
    assert!(tls.reload().is_err(), "half of each is no pair");
    std::fs::write(pair.key(), renewed).unwrap();
    tls.reload().unwrap();

    // This client trusts nothing but the new one.
    let mut after = connect(&pair, &origin, "http/1.1").await;
    for stream in [&mut before, &mut after] {
        let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        assert!(read_to_end(stream).await.starts_with(b"HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn a_handshake_may_not_take_for_ever() {
    let pair = Pair::new().await;
    let origin = secure(&pair, Timeouts { header: SHORT, ..Timeouts::default() }).await;
    let mut silent = origin.connect().await;
    silent.write_all(&[22, 3, 1]).await.unwrap();
    assert!(read_to_end(&mut silent).await.is_empty());
}

/// A client of HTTP/2 that opens windows for bodies of `window` bytes.
async fn client(
    pair: &Pair,
    origin: &Origin,
    window: u32,
) -> (h2::client::SendRequest<bytes::Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
    let stream = connect(pair, origin, "h2").await;
    let mut builder = h2::client::Builder::new();
    let handshake = builder.initial_window_size(window).handshake(stream);
    let (client, connection) = handshake.await.unwrap();
    (client.ready().await.unwrap(), tokio::spawn(connection))
}

fn request(file: &str) -> http::Request<()> {
    http::Request::get(format!("https://localhost{}", path(file))).body(()).unwrap()
}

#[tokio::test]
async fn a_client_that_opens_no_window_is_cut() {
    let pair = Pair::new().await;
    let timeouts = Timeouts { write_stall: SHORT, ..Timeouts::default() };
    for window in [0, 1000, 200_000] {
        let origin = secure(&pair, timeouts.clone()).await;
        let (mut client, connection) = client(&pair, &origin, window).await;
        let (answer, _) = client.send_request(request("v360/0.m4s"), true).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        let ended = tokio::time::timeout(PATIENCE, connection).await;
        assert!(ended.is_ok(), "a window of {window}");
    }
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed() {
    let pair = Pair::new().await;
    let origin = secure(&pair, Timeouts { idle: SHORT, ..Timeouts::default() }).await;
    let (mut client, connection) = client(&pair, &origin, 1 << 20).await;
    let (answer, _) = client.send_request(request("v360.m3u8"), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    let ended = tokio::time::timeout(PATIENCE, connection).await.expect("it is idle").unwrap();
    // A client about to write finds the socket shut.
    assert!(ended.as_ref().err().is_none_or(h2::Error::is_io), "{ended:?}");
}

#[tokio::test]
async fn who_leaves_ends_what_was_begun_over_http2() {
    let (pair, leaving) = (Pair::new().await, CancellationToken::new());
    let config = OriginConfig { leaving: leaving.clone(), ..OriginConfig::default() };
    let origin = secure_with(&pair, config).await;
    let (mut client, connection) = client(&pair, &origin, 1000).await;
    let (answer, _) = client.send_request(request("v360/0.m4s"), true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    leaving.cancel();
    let mut read = 0;
    while let Some(piece) = body.data().await {
        let length = piece.unwrap().len();
        body.flow_control().release_capacity(length).unwrap();
        read += length;
    }
    assert_eq!(read, LONG);
    // Told that nothing more is taken, the client has no reason to stay.
    connection.await.unwrap().unwrap();
    origin.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_flood_of_resets_is_cut() {
    let pair = Pair::new().await;
    let origin = secure(&pair, Timeouts::default()).await;
    let (mut client, connection) = client(&pair, &origin, 1 << 20).await;
    for _ in 0..5000 {
        let Ok(ready) = client.ready().await else { break };
        client = ready;
        let Ok((answer, mut stream)) = client.send_request(request("v360/0.m4s"), true) else {
            break;
        };
        stream.send_reset(h2::Reason::CANCEL);
        drop(answer);
        // Many in one flight, and the server's word in between.
        if connection.is_finished() {
            break;
        }
    }
    let ended = tokio::time::timeout(PATIENCE, connection).await.expect("it was cut").unwrap();
    // Its last word may be lost where it hung up with some of ours unread.
    let error = ended.unwrap_err();
    let calm = error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM);
    assert!(calm || error.is_io(), "{error:?}");
}

#[tokio::test]
async fn limits_hold_over_http2() {
    let pair = Pair::new().await;
    let origin = secure(&pair, Timeouts::default()).await;
    let long = format!("x-long: {}", "y".repeat(20_000));
    let address = format!("hls.m3u8?{}", "y".repeat(9000));
    let (said, _) = curl(&pair, &origin, &["--http2"], &address).await;
    assert!(said.starts_with("414 2"), "{said}");
    let (said, _) = curl(&pair, &origin, &["--http2", "-H", &long], "hls.m3u8").await;
    assert!(said.starts_with("431 2"), "{said}");
    let fields: Vec<_> = (0..100).flat_map(|n| ["-H".to_owned(), format!("x-{n}: y")]).collect();
    let mut options = vec!["--http2"];
    options.extend(fields.iter().map(String::as_str));
    let (said, _) = curl(&pair, &origin, &options, "hls.m3u8").await;
    assert!(said.starts_with("431 2"), "{said}");
}

#[tokio::test]
async fn trusted_proxies_speak_first_and_others_never() {
    let store = TestStore::new();
    let ask = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let word = "PROXY TCP4 203.0.113.7 127.0.0.1 5000 80\r\n";
    for (proxies, direct, proxied) in
        [("127.0.0.0/8", "", "HTTP/1.1 200"), ("10.0.0.0/8", "HTTP/1.1 200", "HTTP/1.1 400")]
    {
        let proxies = proxies.parse().unwrap();
        let config = OriginConfig { proxies, ..OriginConfig::default() };
        let origin = Origin::start_with(&store, config).await;
        for (request, expected) in [(ask.to_owned(), direct), (format!("{word}{ask}"), proxied)] {
            let answer = String::from_utf8(origin.raw(&request).await).unwrap();
            assert_eq!(answer.get(..expected.len()), Some(expected), "{answer}");
            assert_eq!(answer.is_empty(), expected.is_empty(), "{answer}");
        }
    }
}

/// Serves a finished video on one address.
fn serve_on(store: &Arc<TestStore>, address: &ListenAddress) -> (ListenAddress, CancellationToken) {
    let listeners: Vec<Listener> = listen(address, NonZeroUsize::new(2).unwrap()).unwrap();
    let (bound, shutdown) = (listeners[0].address().unwrap(), CancellationToken::new());
    let config = OriginConfig::default();
    tokio::spawn(serve(listeners, config, Arc::clone(store) as Arc<_>, shutdown.clone()));
    (bound, shutdown)
}

#[tokio::test]
async fn a_unix_socket_serves_as_well() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("origin.sock");
    let address = ListenAddress::Unix(socket.clone());
    // One of a server that was killed lies in the way.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let (_, shutdown) = serve_on(&store, &address);
    for _ in 0..3 {
        let answer = ask_unix(&socket).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert!(listen(&address, NonZeroUsize::MIN).is_err(), "it is taken");
    shutdown.cancel();
}

async fn ask_unix(socket: &Path) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let request =
        format!("GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path("hls.m3u8"));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn ipv6_serves_as_well() {
    let store = TestStore::new();
    let Ok(probe) = std::net::TcpListener::bind("[::1]:0") else {
        return eprintln!("skipped: this host has no IPv6");
    };
    drop(probe);
    let (bound, shutdown) = serve_on(&store, &"[::1]:0".parse().unwrap());
    let ListenAddress::Tcp(bound) = bound else { panic!("{bound}") };
    let mut stream = TcpStream::connect(bound).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    assert!(read_to_end(&mut stream).await.starts_with(b"HTTP/1.1 200"));
    shutdown.cancel();
}
