//! An HTTP proxy before a server that breaks chosen requests and hands the others on unchanged.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONTENT_LENGTH, IF_MATCH, IF_NONE_MATCH},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
};

/// What happens to a request.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// This status comes back; the server sees nothing.
    Answer(u16),
    /// The server gets it only after a while.
    Delay(Duration),
    /// The server gets it only after [`FaultProxy::release`].
    Hold,
    /// The connection is cut; the server sees nothing.
    CutRequest,
    /// The server does what was asked; the connection is cut before the answer.
    CutAnswer,
    /// A byte in the middle of the answer's body is another.
    Corrupt,
    /// The server does not learn of conditions.
    Unconditional,
    /// In the answer's body the first of these texts is the second.
    Replace(&'static str, &'static str),
}

/// A running proxy; gone when dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    server: SocketAddr,
    rules: Mutex<Vec<Rule>>,
    seen: Mutex<Vec<String>>,
    released: Semaphore,
}

#[derive(Debug)]
struct Rule {
    method: &'static str,
    words: String,
    times: usize,
    fault: Fault,
}

impl FaultProxy {
    /// Starts one before the server at `server`.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(State {
            server,
            rules: Mutex::default(),
            seen: Mutex::default(),
            released: Semaphore::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { address, state, task }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks the next `times` requests of this method whose path and query contain all `words`.
    pub fn fault(&self, method: &'static str, words: &str, times: usize, fault: Fault) {
        let words = words.to_owned();
        lock(&self.state.rules).push(Rule { method, words, times, fault });
    }

    /// Breaks nothing from here on.
    pub fn mend(&self) {
        lock(&self.state.rules).clear();
    }

    /// Lets one request go on that is held.
    pub fn release(&self) {
        self.state.released.add_permits(1);
    }

    /// How many requests of this method came whose path and query contain all `words`.
    pub fn seen(&self, method: &str, words: &str) -> usize {
        let seen = lock(&self.state.seen);
        seen.iter().filter(|line| line.starts_with(method) && contains(line, words)).count()
    }

    /// Waits until there was such a request.
    pub async fn until_seen(&self, method: &str, words: &str) {
        while self.seen(method, words) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    fn fault_for(&self, method: &str, target: &str) -> Option<Fault> {
        lock(&self.seen).push(format!("{method} {target}"));
        let mut rules = lock(&self.rules);
        let rule = rules.iter_mut().find(|rule| {
            rule.times > 0 && rule.method == method && contains(target, &rule.words)
        })?;
        rule.times -= 1;
        Some(rule.fault)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((socket, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let service = service_fn(move |request| serve(request, Arc::clone(&state)));
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(socket), service);
        // Cut connections are the point.
        tokio::spawn(async move { drop(connection.await) });
    }
}

/// An error cuts the connection.
async fn serve(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let fault = state.fault_for(request.method().as_str(), &target);
    let (mut head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    match fault {
        Some(Fault::Answer(status)) => {
            return Ok(Response::builder().status(status).body(Full::default())?);
        }
        Some(Fault::CutRequest) => return Err("cut before the request".into()),
        Some(Fault::Delay(delay)) => tokio::time::sleep(delay).await,
        Some(Fault::Hold) => state.released.acquire().await?.forget(),
        Some(Fault::Unconditional) => {
            head.headers.remove(IF_MATCH);
            head.headers.remove(IF_NONE_MATCH);
        }
        Some(Fault::CutAnswer | Fault::Corrupt | Fault::Replace(..)) | None => {}
    }
    let answer = forward(state.server, Request::from_parts(head, Full::new(body))).await?;
    match fault {
        Some(Fault::CutAnswer) => Err("cut before the answer".into()),
        Some(Fault::Replace(this, by)) => {
            let (mut head, body) = answer.into_parts();
            let text = String::from_utf8(body.collect().await?.to_bytes().into())?;
            head.headers.remove(CONTENT_LENGTH);
            Ok(Response::from_parts(head, Full::new(text.replace(this, by).into())))
        }
        Some(Fault::Corrupt) => {
            let (head, body) = answer.into_parts();
            let mut bytes = BytesMut::from(&body.collect().await?.to_bytes()[..]);
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 0x20;
            }
            Ok(Response::from_parts(head, Full::new(bytes.freeze())))
        }
        _ => Ok(answer),
    }
}

/// Sends a request on a connection of its own; the whole answer.
pub(crate) async fn forward(
    server: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let socket = TokioIo::new(TcpStream::connect(server).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(socket).await?;
    let connection = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    connection.abort();
    Ok(Response::from_parts(head, Full::new(body)))
}

fn contains(target: &str, words: &str) -> bool {
    words.split_whitespace().all(|word| target.contains(word))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
