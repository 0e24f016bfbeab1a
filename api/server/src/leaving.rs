//! Answers of routers until this process leaves its place to the next.

use std::{future::pending, io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// How long connections are good for that were taken just before. hyper drops one of which it has
/// not read enough to know its protocol, with the request that is on its way.
const SETTLE: Duration = Duration::from_millis(200);

/// Serves until `leave`; then takes no more connections, and ends with the answers under way.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    leave: CancellationToken,
) -> io::Result<()> {
    let listener = Leaving { listener, leave: leave.clone() };
    let settled = async move {
        leave.cancelled().await;
        tokio::time::sleep(SETTLE).await;
    };
    let service = router.into_make_service_with_connect_info::<Peer>();
    axum::serve(listener, service).with_graceful_shutdown(settled).await
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Connected<IncomingStream<'_, Leaving>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Leaving>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// Whoever comes after `leave` waits in the socket's queue for the next process.
pub(crate) struct Leaving {
    listener: TcpListener,
    leave: CancellationToken,
}

impl Listener for Leaving {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        tokio::select! {
            biased;
            () = self.leave.cancelled() => pending().await,
            accepted = Listener::accept(&mut self.listener) => accepted,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
