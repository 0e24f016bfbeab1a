//! Handing over to a successor: a new process of the binary that lies there now, with the same
//! arguments and the same sockets.
//!
//! An origin that is apart hands over in the open: its successor serves before it leaves. All else
//! takes turns, for data folder and embedded adapters belong to one process: the successor reads
//! its configuration and says that it waits, the old one ends and with it its hold on the data folder,
//! and the successor goes on from there. Clients wait in the queues of the sockets meanwhile. A
//! successor that cannot start leaves the old one as it was, unless it fails after it has waited.
//!
//! The two speak by a socket that is the successor's standard input, on which descriptors can be sent.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixDatagram,
    },
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use rustix::{
    cmsg_space,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
    },
    stdio,
};
use sd_notify::NotifyState;
use tokio::{
    io::Interest,
    process::{Child, Command},
};

use crate::{roles::Roles, sockets::Sockets};

/// Tells a process that it is a successor.
pub(crate) const SUCCESSOR: &str = "KINORA_SUCCESSOR";
/// How long a successor may take to say something.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is said: by the old process after its last socket, then by the successor.
const END: &[u8] = b"end";
const WAITING: &[u8] = b"waiting";
const READY: &[u8] = b"ready";
/// Bytes of the longest of these, and of a socket's name.
const LONGEST: usize = 64;

/// The process that comes after this one.
#[derive(Debug)]
pub(crate) struct Successor {
    child: Child,
    line: tokio::net::UnixDatagram,
}

/// The process that came before this one, and ends.
#[derive(Debug)]
pub(crate) struct Predecessor(UnixDatagram);

impl Successor {
    /// Starts it, and waits until it can go on.
    ///
    /// # Errors
    /// It cannot be started, ends, or takes too long, and is ended then.
    pub(crate) async fn start(sockets: &Sockets, roles: Roles) -> anyhow::Result<Self> {
        ensure!(
            std::process::id() != 1,
            "process 1 cannot leave, its container would end: start another container beside it"
        );
        let (ours, theirs) = UnixDatagram::pair()?;
        ours.set_nonblocking(true)?;
        // By the name it was started by, behind which an upgrade has put another file.
        let mut arguments = std::env::args_os();
        let program = arguments.next().context("the name of this program is not known")?;
        let child = Command::new(program)
            .args(arguments)
            .env(SUCCESSOR, "1")
            .stdin(OwnedFd::from(theirs))
            .spawn()
            .context("cannot start the successor")?;
        let mut successor = Self { child, line: tokio::net::UnixDatagram::from_std(ours)? };
        let expected = if roles.share_nothing() { READY } else { WAITING };
        let answer = tokio::time::timeout(PATIENCE, successor.lead(sockets, expected)).await;
        if let Err(error) = answer.unwrap_or_else(|_| bail!("it took too long")) {
            let _ = successor.child.kill().await;
            return Err(error.context("the successor"));
        }
        Ok(successor)
    }

    /// Tells a service manager whom to watch from now on.
    pub(crate) fn introduce(&self) {
        let pid = self.child.id().unwrap_or_default();
        notify(&[NotifyState::MainPid(pid)]);
        tracing::info!(pid, "handing over");
    }

    /// Gives it the sockets, and waits until it says what is expected.
    async fn lead(&mut self, sockets: &Sockets, expected: &[u8]) -> anyhow::Result<()> {
        let mut word = [0; LONGEST];
        let line = &self.line;
        let answer = async {
            for (name, socket) in sockets.kept() {
                line.async_io(Interest::WRITABLE, || Ok(send(line, name, socket)?)).await?;
            }
            line.send(END).await?;
            line.recv(&mut word).await
        };
        tokio::select! {
            ended = self.child.wait() => bail!("ended: {}", ended?),
            length = answer => {
                ensure!(&word[..length?] == expected, "said something else than expected");
                Ok(())
            }
        }
    }
}

impl Predecessor {
    /// Where this process was started by another kinorad, which hands its `sockets` over. Before any
    /// thread is started.
    ///
    /// # Errors
    /// It does not.
    pub(crate) fn of(sockets: &mut Sockets) -> anyhow::Result<Option<Self>> {
        if std::env::var_os(SUCCESSOR).is_none() {
            return Ok(None);
        }
        let line = UnixDatagram::from(stdio::stdin().try_clone_to_owned()?);
        line.set_read_timeout(Some(PATIENCE))?;
        let context = || format!("{SUCCESSOR} is set, but nobody hands over");
        while let Some((name, socket)) = receive(&line).with_context(context)? {
            sockets.give(&name, socket)?;
        }
        line.set_nonblocking(true)?;
        Ok(Some(Self(line)))
    }

    /// This process could start, if the other had ended.
    pub(crate) fn make_way(&self) {
        self.say(WAITING);
    }

    /// This process serves.
    pub(crate) fn relieve(&self) {
        self.say(READY);
    }

    fn say(&self, word: &[u8]) {
        if let Err(error) = self.0.send(word) {
            tracing::debug!(%error, "the predecessor has ended");
        }
    }
}

/// Tells a service manager, where there is one.
pub(crate) fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "cannot tell the service manager");
    }
}

fn send(line: &impl AsFd, name: &str, socket: &OwnedFd) -> rustix::io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let sockets = [socket.as_fd()];
    control.push(SendAncillaryMessage::ScmRights(&sockets));
    sendmsg(line, &[IoSlice::new(name.as_bytes())], &mut control, SendFlags::NOSIGNAL)
}

/// The next socket and its name; none after the last.
fn receive(line: &UnixDatagram) -> io::Result<Option<(String, OwnedFd)>> {
    let (mut word, mut space) = ([0; LONGEST], [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))]);
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(&mut word)];
    let received = recvmsg(line, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let word = &word[..received.bytes];
    let socket = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut sockets) => sockets.next(),
        _ => None,
    });
    match socket {
        Some(socket) => Ok(Some((String::from_utf8_lossy(word).into_owned(), socket))),
        None if word == END => Ok(None),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}
