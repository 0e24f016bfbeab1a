//! Accepting connections, and letting go of them.

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use kinora_store::ObjectStore;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    OriginConfig, OriginError,
    connection::{Busy, Connection, Guarded},
    service::Origin,
};

/// Serves `store` on `listener` until `shutdown`; then takes no more connections, lets answers in
/// flight end within [`Timeouts::drain`](crate::Timeouts::drain), and cuts the rest.
///
/// # Errors
/// When the configuration cannot be, before anything is served.
pub async fn serve(
    listener: TcpListener,
    config: OriginConfig,
    store: Arc<dyn ObjectStore>,
    shutdown: CancellationToken,
) -> Result<(), OriginError> {
    config.check()?;
    let drain = config.timeouts.drain;
    let server = Server::new(config, store);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection's task failed");
                }
            }
            (stream, permit) = accept(&listener, &server.permits) => {
                match server.connection(stream, permit, shutdown.clone()) {
                    Ok(connection) => drop(connections.spawn(connection)),
                    Err(error) => tracing::debug!(%error, "a connection ended at once"),
                }
            }
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, drained).await.is_err() {
        tracing::warn!(origin.connections = connections.len(), "cutting what did not end in time");
    }
    connections.shutdown().await;
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
        http.timer(TokioTimer::new())
            .header_read_timeout(config.timeouts.idle)
            .max_headers(config.limits.headers)
            .max_header_size(config.limits.head_bytes)
            // So that one slice of a body waits in memory, not several.
            .max_buf_size(64 << 10);
        let permits = Arc::new(Semaphore::new(config.limits.connections));
        Self { origin: Arc::new(Origin::new(config.clone(), store)), http, permits, config }
    }

    fn connection(
        &self,
        stream: TcpStream,
        permit: OwnedSemaphorePermit,
        shutdown: CancellationToken,
    ) -> io::Result<impl Future<Output = ()> + Send + use<>> {
        let (origin, busy) = (Arc::clone(&self.origin), Busy::default());
        let stream = Connection::new(stream, busy.clone(), &self.config.timeouts)?;
        let service = service_fn(move |request| answer(Arc::clone(&origin), busy.clone(), request));
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
    busy: Busy,
    request: Request<Incoming>,
) -> Result<Response<Guarded>, Infallible> {
    let guard = busy.begin();
    let response = origin.answer(&request).await;
    Ok(response.map(|body| Guarded { body, _busy: guard }))
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
