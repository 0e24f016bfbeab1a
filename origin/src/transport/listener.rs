//! Where clients come in.

use std::{
    fmt, io,
    net::SocketAddr,
    num::NonZeroUsize,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpSocket, UnixListener};

use super::Socket;

/// Connections that may wait to be accepted, for each listener.
const BACKLOG: u32 = 4096;
/// Before the path of a unix socket.
const UNIX: &str = "unix:";

/// An address that can be listened on: `127.0.0.1:8081`, `[::]:8081` (IPv4 too, where the system
/// is set up that way) or `unix:/run/kinora/origin.sock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ListenAddress {
    /// Address and port; port 0 takes a free one.
    Tcp(SocketAddr),
    /// The path of a unix socket, which need not exist.
    Unix(PathBuf),
}

/// Something that listens.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener, PathBuf),
}

/// A listener on the runtime that serves it.
#[derive(Debug)]
pub(crate) enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Listens on `address` as often as there are `threads` to serve it: the kernel spreads
/// connections over them. A unix socket that nobody listens on any more is replaced.
///
/// # Errors
/// The address cannot be listened on, or something else does.
pub fn listen(address: &ListenAddress, threads: NonZeroUsize) -> io::Result<Vec<Listener>> {
    match address {
        ListenAddress::Tcp(address) => listen_tcp(*address, threads),
        ListenAddress::Unix(path) => {
            if UnixStream::connect(path)
                .is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
            {
                std::fs::remove_file(path)?;
            }
            spread(vec![std::os::unix::net::UnixListener::bind(path)?.try_into()?], threads)
        }
    }
}

/// As many listeners as there are `threads`, or as there are already: none of them may be left
/// unserved, for the kernel puts clients in the queue of each. Several threads may serve one queue.
///
/// # Errors
/// The system has no more descriptors.
pub fn spread(mut listeners: Vec<Listener>, threads: NonZeroUsize) -> io::Result<Vec<Listener>> {
    let sockets = listeners.len();
    for nth in sockets..threads.get() {
        if let Some(listener) = listeners.get(nth % sockets.max(1)) {
            listeners.push(listener.try_clone()?);
        }
    }
    Ok(listeners)
}

fn listen_tcp(address: SocketAddr, threads: NonZeroUsize) -> io::Result<Vec<Listener>> {
    let socket = |share: bool| {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(share)?;
        Ok::<_, io::Error>(socket)
    };
    let listener = |socket: TcpSocket, address| {
        socket.bind(address)?;
        Ok::<_, io::Error>(Listener(Kind::Tcp(socket.listen(BACKLOG)?.into_std()?)))
    };
    if threads.get() == 1 {
        return Ok(vec![listener(socket(false)?, address)?]);
    }
    // Who shares a port would share it with another server of the same user too.
    socket(false)?.bind(address)?;
    let first = listener(socket(true)?, address)?;
    let ListenAddress::Tcp(address) = first.address()? else { return Ok(vec![first]) };
    let mut listeners = vec![first];
    for _ in 1..threads.get() {
        listeners.push(listener(socket(true)?, address)?);
    }
    Ok(listeners)
}

impl Listener {
    /// Where it listens, with the port it got.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> io::Result<ListenAddress> {
        match &self.0 {
            Kind::Tcp(listener) => Ok(ListenAddress::Tcp(listener.local_addr()?)),
            Kind::Unix(_, path) => Ok(ListenAddress::Unix(path.clone())),
        }
    }

    /// The same queue of clients, once more.
    fn try_clone(&self) -> io::Result<Self> {
        Ok(Self(match &self.0 {
            Kind::Tcp(listener) => Kind::Tcp(listener.try_clone()?),
            Kind::Unix(listener, path) => Kind::Unix(listener.try_clone()?, path.clone()),
        }))
    }

    /// Within the runtime that serves it.
    pub(crate) fn acceptor(self) -> io::Result<Acceptor> {
        Ok(match self.0 {
            Kind::Tcp(listener) => Acceptor::Tcp(TcpListener::from_std(listener)?),
            Kind::Unix(listener, _) => Acceptor::Unix(UnixListener::from_std(listener)?),
        })
    }
}

/// So that it can be handed to another process.
impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Kind::Tcp(listener) => listener.as_fd(),
            Kind::Unix(listener, _) => listener.as_fd(),
        }
    }
}

/// A socket that listens already, handed over by whoever opened it.
impl TryFrom<std::net::TcpListener> for Listener {
    type Error = io::Error;

    fn try_from(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self(Kind::Tcp(listener)))
    }
}

/// As above; its path is where it was bound.
impl TryFrom<std::os::unix::net::UnixListener> for Listener {
    type Error = io::Error;

    fn try_from(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let path = address.as_pathname().map(ToOwned::to_owned).unwrap_or_default();
        Ok(Self(Kind::Unix(listener, path)))
    }
}

impl Acceptor {
    pub(crate) async fn accept(&self, write_stall: Duration) -> io::Result<Socket> {
        match self {
            Self::Tcp(listener) => Socket::tcp(listener.accept().await?.0, write_stall),
            Self::Unix(listener) => Ok(Socket::unix(listener.accept().await?.0)),
        }
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix(UNIX) {
            Some(path) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(path) => Err(format!("'{path}' is no absolute path of a unix socket")),
            None => text.parse().map(Self::Tcp).map_err(|_| {
                format!("'{text}' is neither ADDRESS:PORT, [ADDRESS]:PORT nor unix:/PATH")
            }),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

impl TryFrom<String> for ListenAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ListenAddress> for String {
    fn from(address: ListenAddress) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_shown() {
        for text in ["127.0.0.1:0", "[::1]:8081", "unix:/run/kinora/origin.sock"] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
        for text in ["", "8081", "localhost:8081", "unix:", "unix:origin.sock"] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }
}
