//! Accepting connections, and letting go of them.

use std::{convert::Infallible, io, pin::pin, sync::Arc, thread, time::Duration};

use http::{HeaderValue, Request, Response, header::CONNECTION};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use kinora_store::ObjectStore;
use tokio::{
    io::AsyncWriteExt as _,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Listener, OriginConfig, OriginError,
    connection::{Connection, Guarded, Next, Overdue, Streams, Turn},
    quota::Ticket,
    service::{Origin, with_body},
    transport::{Acceptor, Peer, Socket, Transport, announced},
};

/// Bytes of a body that wait for one client, but for one slice of it.
const SEND_BUFFER: usize = 64 << 10;
/// How often a client of HTTP/2 is asked whether it still lives, and how long it may take to say so.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How often the certificate's files are looked at.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(5);
/// Streams that a client may reset before we saw them, and those that we reset for its errors: who
/// resets more is cut (CVE-2023-44487).
const RESETS: usize = 64;

/// Serves `store` on `listeners`, each on a thread of its own, until `shutdown`; then takes no more
/// connections, lets answers in flight end within [`Timeouts::drain`](crate::Timeouts::drain), and
/// cuts the rest. Once it is [`leaving`](OriginConfig::leaving) it ends with its last connection.
///
/// # Errors
/// When the configuration cannot be or a thread cannot be had, before anything is served.
pub async fn serve(
    listeners: Vec<Listener>,
    config: OriginConfig,
    store: Arc<dyn ObjectStore>,
    shutdown: CancellationToken,
) -> Result<(), OriginError> {
    config.check()?;
    let watched =
        config.tls.clone().map(|tls| tokio::spawn(tls.watch(CERTIFICATE_LOOK, shutdown.clone())));
    let adjust = config.adjust.clone();
    let server = Arc::new(Server::new(config, store));
    let adjusted = tokio::spawn({
        let origin = Arc::clone(&server.origin);
        async move { adjust.watch(|bounds| origin.adjust(bounds)).await }
    });
    let mut ends = Vec::new();
    for (nth, listener) in listeners.into_iter().enumerate() {
        // A runtime of its own: a connection and all it asks for stay on one core.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (server, shutdown) = (Arc::clone(&server), shutdown.clone());
        let (end, ended) = oneshot::channel();
        ends.push(ended);
        thread::Builder::new().name(format!("origin-{nth}")).spawn(move || {
            let served = runtime.block_on(async {
                server.run(listener.acceptor()?, shutdown).await;
                Ok(())
            });
            let _ = end.send(served);
        })?;
    }
    for end in ends {
        // A thread that panicked let go of its end.
        end.await.unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))?;
    }
    adjusted.abort();
    if let Some(watched) = watched {
        watched.abort();
    }
    Ok(())
}

struct Server {
    origin: Arc<Origin>,
    http1: hyper::server::conn::http1::Builder,
    http2: hyper::server::conn::http2::Builder<TokioExecutor>,
    permits: Arc<Semaphore>,
    config: OriginConfig,
}

impl Server {
    fn new(config: OriginConfig, store: Arc<dyn ObjectStore>) -> Self {
        let limits = &config.limits;
        let mut http1 = hyper::server::conn::http1::Builder::new();
        // Times are kept by the connection.
        http1
            .max_headers(limits.headers)
            .max_header_size(limits.head_bytes)
            // So that one slice of a body waits in memory, not several.
            .max_buf_size(SEND_BUFFER);
        let mut http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
            .max_send_buf_size(SEND_BUFFER)
            .max_pending_accept_reset_streams(RESETS)
            .max_local_error_reset_streams(RESETS)
            .keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE);
        let permits = Arc::new(Semaphore::new(limits.connections));
        Self { origin: Arc::new(Origin::new(config.clone(), store)), http1, http2, permits, config }
    }

    async fn run(self: &Arc<Self>, acceptor: Acceptor, shutdown: CancellationToken) {
        let mut connections = JoinSet::new();
        let leaving = &self.config.leaving;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = leaving.cancelled() => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a connection's task failed");
                    }
                }
                (socket, permit) = self.accept(&acceptor) => {
                    let (server, shutdown) = (Arc::clone(self), shutdown.clone());
                    connections.spawn(async move {
                        server.serve(socket, shutdown).await;
                        drop(permit);
                    });
                }
            }
        }
        drop(acceptor);
        let drained = async { while connections.join_next().await.is_some() {} };
        // Who leaves has time: a client learns of it by an answer, not by a closed connection.
        if shutdown.run_until_cancelled(drained).await.is_some() {
            return;
        }
        let drained = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.config.timeouts.drain, drained).await.is_err() {
            let left = connections.len();
            tracing::warn!(origin.connections = left, "cutting what did not end in time");
        }
        connections.shutdown().await;
    }

    /// The next connection, once there is room for it.
    async fn accept(&self, acceptor: &Acceptor) -> (Socket, OwnedSemaphorePermit) {
        let permits = Arc::clone(&self.permits);
        let permit = permits.acquire_owned().await.expect("the semaphore is never closed");
        loop {
            match acceptor.accept(self.config.timeouts.write_stall).await {
                Ok(socket) => return (socket, permit),
                Err(error) => {
                    // Out of file descriptors, perhaps: they come back as connections end.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Serves a connection to its end.
    async fn serve(&self, socket: Socket, shutdown: CancellationToken) {
        let _connected = self.origin.metrics().connection();
        // On the heap, as HTTP/2 below: else every connection would be as large as its rarest state.
        let greeting = Box::pin(self.greet(socket));
        let greeted = tokio::time::timeout(self.config.timeouts.header, greeting);
        let (transport, client) = match shutdown.run_until_cancelled(greeted).await {
            Some(Ok(Ok(greeted))) => greeted,
            Some(Ok(Err(error))) => return tracing::debug!(%error, "a connection ended at once"),
            Some(Err(_)) => return tracing::debug!("a handshake took too long"),
            None => return,
        };
        let ended = if transport.is_http2() {
            Box::pin(self.serve_http2(transport, client, shutdown)).await
        } else {
            self.serve_http1(transport, client, shutdown).await
        };
        match ended {
            Ok(()) => {}
            Err(error) if error.is_user() => {
                tracing::error!(error = &error as &dyn std::error::Error, "cut an answer short");
            }
            Err(error) => tracing::debug!(%error, "a connection ended"),
        }
    }

    /// What comes before the first request: a proxy's word, and TLS.
    async fn greet(&self, mut socket: Socket) -> io::Result<(Transport, Peer)> {
        let mut client = socket.peer()?;
        if self.config.proxies.include(client) {
            client = announced(&mut socket, client).await?;
        }
        let transport = match &self.config.tls {
            Some(tls) => Transport::Tls(Box::new(tls.accept(socket).await?)),
            None => Transport::Plain(socket),
        };
        Ok((transport, client))
    }

    async fn serve_http1(
        &self,
        transport: Transport,
        client: Peer,
        shutdown: CancellationToken,
    ) -> hyper::Result<()> {
        let (origin, turn) = (Arc::clone(&self.origin), Turn::default());
        let (timeouts, head_bytes) = (&self.config.timeouts, self.config.limits.head_bytes);
        let (leaving, patience) = (self.config.leaving.clone(), timeouts.header);
        let mut io = Connection::new(
            transport,
            client,
            Arc::clone(&origin),
            turn.clone(),
            timeouts,
            head_bytes,
        );
        // hyper and what it needs wait until there is something for them to do.
        match io.plain(&shutdown).await {
            Ok(Next::Hyper) => {}
            Ok(Next::End) => {
                let _ = io.shutdown().await;
                return Ok(());
            }
            Err(error) => {
                tracing::debug!(%error, "a connection ended");
                return Ok(());
            }
        }
        let answer = move |request: Request<Incoming>| {
            let (origin, turn, leaving) = (Arc::clone(&origin), turn.clone(), leaving.clone());
            async move {
                let _answering = turn.answer();
                let request = with_body(request, patience).await;
                let mut response = origin.answer(&request, client).await;
                let _ticket = ticket(&mut response);
                if leaving.is_cancelled() {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response.map(|body| Guarded { body, _answering, _ticket }))
            }
        };
        let mut served = pin!(self.http1.serve_connection(TokioIo::new(io), service_fn(answer)));
        tokio::select! {
            ended = served.as_mut() => ended,
            () = shutdown.cancelled() => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        }
    }

    async fn serve_http2(
        &self,
        transport: Transport,
        client: Peer,
        shutdown: CancellationToken,
    ) -> hyper::Result<()> {
        let (origin, streams) = (Arc::clone(&self.origin), Streams::new());
        let (idle, stall) = (self.config.timeouts.idle, self.config.timeouts.write_stall);
        let patience = self.config.timeouts.header;
        let answer = {
            let streams = streams.clone();
            move |request: Request<Incoming>| {
                let (origin, open) = (Arc::clone(&origin), streams.open());
                async move {
                    let request = with_body(request, patience).await;
                    let mut response = origin.answer(&request, client).await;
                    let ticket = ticket(&mut response);
                    Ok::<_, Infallible>(response.map(|body| open.stream(body, ticket)))
                }
            }
        };
        let io = TokioIo::new(transport);
        let mut served = pin!(self.http2.serve_connection(io, service_fn(answer)));
        let told = async {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.config.leaving.cancelled() => {}
            }
        };
        tokio::select! {
            ended = served.as_mut() => ended,
            () = told => {
                served.as_mut().graceful_shutdown();
                served.await
            }
            overdue = streams.overdue(idle, stall) => {
                tracing::debug!(client.address = %client, ?overdue, "ending a connection");
                if overdue == Overdue::Stalled {
                    return Ok(());
                }
                served.as_mut().graceful_shutdown();
                tokio::time::timeout(stall, served).await.unwrap_or(Ok(()))
            }
        }
    }
}

/// What the body keeps while it is sent.
fn ticket<B>(response: &mut Response<B>) -> Option<Ticket> {
    response.extensions_mut().remove::<Option<Ticket>>().flatten()
}
