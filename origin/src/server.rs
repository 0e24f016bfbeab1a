//! Accepting connections, and letting go of them.

use std::{
    convert::Infallible, io, net::SocketAddr, num::NonZeroUsize, pin::pin, sync::Arc, thread,
    time::Duration,
};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use kinora_store::ObjectStore;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    OriginConfig, OriginError,
    connection::{Connection, Guarded, Turn},
    service::Origin,
};

/// Connections that may wait to be accepted, for each listener.
const BACKLOG: u32 = 4096;

/// Listens on `address` as often as there are `threads` to serve it: the kernel spreads
/// connections over them. Port 0 takes a free one.
///
/// # Errors
/// The address cannot be listened on, or something else does.
pub fn listen(address: SocketAddr, threads: NonZeroUsize) -> io::Result<Vec<TcpListener>> {
    let socket = |share: bool| {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(share)?;
        Ok::<_, io::Error>(socket)
    };
    if threads.get() == 1 {
        let socket = socket(false)?;
        socket.bind(address)?;
        return Ok(vec![socket.listen(BACKLOG)?]);
    }
    // Who shares a port would share it with another server of the same user too.
    socket(false)?.bind(address)?;
    let first = socket(true)?;
    first.bind(address)?;
    let address = first.local_addr()?;
    let mut listeners = vec![first.listen(BACKLOG)?];
    for _ in 1..threads.get() {
        let next = socket(true)?;
        next.bind(address)?;
        listeners.push(next.listen(BACKLOG)?);
    }
    Ok(listeners)
}

/// Serves `store` on `listeners`, each on a thread of its own, until `shutdown`; then takes no more
/// connections, lets answers in flight end within [`Timeouts::drain`](crate::Timeouts::drain), and
/// cuts the rest.
///
/// # Errors
/// When the configuration cannot be or a thread cannot be had, before anything is served.
pub async fn serve(
    listeners: Vec<TcpListener>,
    config: OriginConfig,
    store: Arc<dyn ObjectStore>,
    shutdown: CancellationToken,
) -> Result<(), OriginError> {
    config.check()?;
    let server = Arc::new(Server::new(config, store));
    let mut ends = Vec::new();
    for (nth, listener) in listeners.into_iter().enumerate() {
        // A runtime of its own: a connection and all it asks for stay on one core.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = listener.into_std()?;
        let (server, shutdown) = (Arc::clone(&server), shutdown.clone());
        let (end, ended) = oneshot::channel();
        ends.push(ended);
        thread::Builder::new().name(format!("origin-{nth}")).spawn(move || {
            let served = runtime.block_on(async {
                server.run(TcpListener::from_std(listener)?, shutdown).await;
                Ok(())
            });
            let _ = end.send(served);
        })?;
    }
    for end in ends {
        // A thread that panicked let go of its end.
        end.await.unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))?;
    }
    Ok(())
}

struct Server {
    origin: Arc<Origin>,
    http: http1::Builder,
    permits: Arc<Semaphore>,
    config: OriginConfig,
}

impl Server {
    fn new(config: OriginConfig, store: Arc<dyn ObjectStore>) -> Self {
        let mut http = http1::Builder::new();
        // Times are kept by the connection.
        http.max_headers(config.limits.headers)
            .max_header_size(config.limits.head_bytes)
            // So that one slice of a body waits in memory, not several.
            .max_buf_size(64 << 10);
        let permits = Arc::new(Semaphore::new(config.limits.connections));
        Self { origin: Arc::new(Origin::new(config.clone(), store)), http, permits, config }
    }

    async fn run(&self, listener: TcpListener, shutdown: CancellationToken) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a connection's task failed");
                    }
                }
                (stream, permit) = accept(&listener, &self.permits) => {
                    match self.connection(stream, permit, shutdown.clone()) {
                        Ok(connection) => drop(connections.spawn(connection)),
                        Err(error) => tracing::debug!(%error, "a connection ended at once"),
                    }
                }
            }
        }
        drop(listener);
        let drained = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.config.timeouts.drain, drained).await.is_err() {
            let left = connections.len();
            tracing::warn!(origin.connections = left, "cutting what did not end in time");
        }
        connections.shutdown().await;
    }

    fn connection(
        &self,
        stream: TcpStream,
        permit: OwnedSemaphorePermit,
        shutdown: CancellationToken,
    ) -> io::Result<impl Future<Output = ()> + Send + use<>> {
        let (origin, turn) = (Arc::clone(&self.origin), Turn::default());
        let client = stream.peer_addr()?;
        let (timeouts, head_bytes) = (&self.config.timeouts, self.config.limits.head_bytes);
        let stream = Connection::new(
            stream,
            client,
            Arc::clone(&origin),
            turn.clone(),
            timeouts,
            head_bytes,
        )?;
        let service =
            service_fn(move |request| answer(Arc::clone(&origin), client, turn.clone(), request));
        let served = self.http.serve_connection(TokioIo::new(stream), service);
        Ok(async move {
            let mut served = pin!(served);
            let ended = tokio::select! {
                ended = served.as_mut() => ended,
                () = shutdown.cancelled() => {
                    served.as_mut().graceful_shutdown();
                    served.await
                }
            };
            match ended {
                Ok(()) => {}
                Err(error) if error.is_user() => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "cut an answer short"
                    );
                }
                Err(error) => tracing::debug!(%error, "a connection ended"),
            }
            drop(permit);
        })
    }
}

async fn answer(
    origin: Arc<Origin>,
    client: SocketAddr,
    turn: Turn,
    request: Request<Incoming>,
) -> Result<Response<Guarded>, Infallible> {
    let answering = turn.answer();
    let response = origin.answer(&request, client).await;
    Ok(response.map(|body| Guarded { body, _answering: answering }))
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let permit = Arc::clone(permits).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) => {
                // Out of file descriptors, perhaps: they come back as connections end.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
