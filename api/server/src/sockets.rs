//! Sockets that listen: opened here, or handed over by a service manager or by the kinorad before
//! this one.
//!
//! A service manager does it as systemd does (`LISTEN_FDS`, sd_listen_fds(3)). A socket's name says
//! what it is for: `gateway`, `services`, `origin`, `ingest` or `metrics`; the origin may have several. What is
//! handed over stays open from one process to the next, and with it the clients that wait in its queue: that is
//! why no request is lost. A new socket on the same address would not do, for the kernel resets who
//! waits at the one that closes.

use std::{
    fmt::Display,
    io,
    net::SocketAddr,
    num::NonZeroUsize,
    os::fd::{AsFd, OwnedFd},
};

use anyhow::{Context, ensure};
use kinora_origin::{ListenAddress, Listener};
use listenfd::ListenFd;
use rustix::net::{AddressFamily, sockopt::socket_domain};

const GATEWAY: &str = "gateway";
const SERVICES: &str = "services";
const ORIGIN: &str = "origin";
const INGEST: &str = "ingest";
const METRICS: &str = "metrics";
/// More than a process has listeners.
const MOST: usize = 512;

/// What was handed over and not yet taken, and what is to be handed on.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    given: Vec<(String, Given)>,
    kept: Vec<(&'static str, OwnedFd)>,
}

#[derive(Debug)]
enum Given {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

impl Sockets {
    /// Takes what a service manager hands over. Before any thread is started: it takes the variables
    /// away, which children of this process must not believe are meant for them.
    ///
    /// # Errors
    /// A descriptor that is not what it is called.
    pub(crate) fn from_environment() -> anyhow::Result<Self> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut fds = ListenFd::from_env();
        ensure!(fds.len() <= MOST, "LISTEN_FDS: more than {MOST} sockets");
        let mut names = names.split(':');
        let mut sockets = Self::default();
        for nth in 0..fds.len() {
            let name = names.next().unwrap_or_default();
            let socket = match fds.take_tcp_listener(nth) {
                Ok(socket) => socket.map(Given::Tcp),
                Err(_) => fds
                    .take_unix_listener(nth)
                    .with_context(|| format!("the socket '{name}' handed over"))?
                    .map(Given::Unix),
            };
            if let Some(socket) = socket {
                sockets.add(name, socket)?;
            }
        }
        Ok(sockets)
    }

    /// Takes what the kinorad before this one hands over.
    ///
    /// # Errors
    /// It is no socket, or its name says not what it is for.
    pub(crate) fn give(&mut self, name: &str, socket: OwnedFd) -> anyhow::Result<()> {
        let socket = match socket_domain(&socket)? {
            AddressFamily::UNIX => Given::Unix(socket.into()),
            _ => Given::Tcp(socket.into()),
        };
        self.add(name, socket)
    }

    fn add(&mut self, name: &str, socket: Given) -> anyhow::Result<()> {
        ensure!(
            [GATEWAY, SERVICES, ORIGIN, INGEST, METRICS].contains(&name),
            "LISTEN_FDNAMES: '{name}' says not what a socket is for: set FileDescriptorName of the \
             socket unit to {GATEWAY}, {SERVICES}, {ORIGIN}, {INGEST} or {METRICS}"
        );
        self.given.push((name.to_owned(), socket));
        Ok(())
    }

    /// The gateway's listener.
    pub(crate) fn gateway(
        &mut self,
        address: SocketAddr,
    ) -> anyhow::Result<tokio::net::TcpListener> {
        self.tcp(GATEWAY, "server.listen", address)
    }

    /// The listener of services whose gateway is another process.
    pub(crate) fn services(
        &mut self,
        address: SocketAddr,
    ) -> anyhow::Result<tokio::net::TcpListener> {
        self.tcp(SERVICES, "services.listen", address)
    }

    /// The listener of `/metrics`.
    pub(crate) fn metrics(
        &mut self,
        address: SocketAddr,
    ) -> anyhow::Result<tokio::net::TcpListener> {
        self.tcp(METRICS, "metrics.listen", address)
    }

    /// The origin's listeners, one a thread.
    pub(crate) fn origin(
        &mut self,
        address: &ListenAddress,
        threads: NonZeroUsize,
    ) -> anyhow::Result<Vec<Listener>> {
        self.listeners(ORIGIN, "origin.listen", address, threads)
    }

    /// The listener for live media.
    pub(crate) fn ingest(&mut self, address: &ListenAddress) -> anyhow::Result<Vec<Listener>> {
        self.listeners(INGEST, "origin.ingest_listen", address, NonZeroUsize::MIN)
    }

    /// Closes what was handed over and is not wanted. Nobody would ever answer there.
    pub(crate) fn close_rest(&mut self) {
        for (name, _) in self.given.drain(..) {
            tracing::warn!(
                socket = name,
                "closed a socket that was handed over: nothing here uses it"
            );
        }
    }

    /// All that are open, by name.
    pub(crate) fn kept(&self) -> &[(&'static str, OwnedFd)] {
        &self.kept
    }

    /// Forgets them: they close when those who serve them let go.
    pub(crate) fn forget(&mut self) {
        self.kept.clear();
    }

    fn tcp(
        &mut self,
        name: &'static str,
        setting: &str,
        address: SocketAddr,
    ) -> anyhow::Result<tokio::net::TcpListener> {
        let given = self.take(name).into_iter().find_map(|socket| match socket {
            Given::Tcp(listener) => Some(listener),
            Given::Unix(_) => None,
        });
        let listener = match given {
            Some(listener) => {
                said(name, setting, &address, &listener.local_addr()?);
                listener
            }
            None => {
                std::net::TcpListener::bind(address).with_context(|| taken(setting, address))?
            }
        };
        listener.set_nonblocking(true)?;
        self.keep(name, &listener)?;
        Ok(tokio::net::TcpListener::from_std(listener)?)
    }

    fn listeners(
        &mut self,
        name: &'static str,
        setting: &str,
        address: &ListenAddress,
        threads: NonZeroUsize,
    ) -> anyhow::Result<Vec<Listener>> {
        let mut listeners = Vec::new();
        for socket in self.take(name) {
            listeners.push(match socket {
                Given::Tcp(listener) => Listener::try_from(listener)?,
                Given::Unix(listener) => Listener::try_from(listener)?,
            });
        }
        match listeners.first() {
            Some(first) => said(name, setting, address, &first.address()?),
            None => {
                listeners = kinora_origin::listen(address, threads)
                    .with_context(|| taken(setting, address))?;
            }
        }
        for listener in &listeners {
            self.keep(name, listener)?;
        }
        Ok(kinora_origin::spread(listeners, threads)?)
    }

    fn keep(&mut self, name: &'static str, socket: &impl AsFd) -> io::Result<()> {
        self.kept.push((name, socket.as_fd().try_clone_to_owned()?));
        Ok(())
    }

    fn take(&mut self, name: &str) -> Vec<Given> {
        let taken = self.given.extract_if(.., |(known, _)| known == name);
        taken.map(|(_, socket)| socket).collect()
    }
}

/// A socket that is handed over is served wherever it listens: else who waits there would be lost.
fn said<A: Display + PartialEq>(name: &str, setting: &str, configured: &A, given: &A) {
    if configured != given {
        tracing::info!(socket = name, %configured, %given, "was handed over; {setting} is not used");
    }
}

fn taken(setting: &str, address: impl Display) -> String {
    format!("cannot listen on {address}: choose another address with {setting}")
}
