//! A TCP connection that can be made to go wrong, whatever is spoken on it.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{self, AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What befalls every byte from now on, on new connections as on old ones; in both directions but for
/// [`Trouble::Mute`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// Each piece arrives this much later.
    Delay(Duration),
    /// So many bytes a second.
    Throttle(u32),
    /// Nothing arrives and nobody is told, until the trouble is over; then all of it arrives.
    BlackHole,
    /// What the client says arrives. What the server says does not, until the trouble is over.
    Mute,
    /// A byte in the middle of each piece is another.
    Corrupt,
    /// Connections end with RST.
    Reset,
}

/// A listener on loopback whose connections lead to a server; gone when dropped.
#[derive(Debug)]
pub struct FaultyLink {
    address: SocketAddr,
    trouble: watch::Sender<Trouble>,
    task: JoinHandle<()>,
}

impl FaultyLink {
    /// One to the server at `server`, without trouble.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start(server: SocketAddr) -> Self {
        Self::start_before(vec![server]).await
    }

    /// One to the first of `servers` that takes connections, as a balancer would lead.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start_before(servers: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (trouble, watched) = watch::channel(Trouble::None);
        Self { address, trouble, task: tokio::spawn(accept(listener, servers, watched)) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What happens from now on.
    pub fn set(&self, trouble: Trouble) {
        self.trouble.send_replace(trouble);
    }
}

impl Drop for FaultyLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    servers: Vec<SocketAddr>,
    trouble: watch::Receiver<Trouble>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let (servers, trouble) = (servers.clone(), trouble.clone());
        // A server that is away, and connections that are cut, are the point.
        tokio::spawn(async move { drop(carry(client, &servers, trouble).await) });
    }
}

async fn carry(
    mut client: TcpStream,
    servers: &[SocketAddr],
    mut trouble: watch::Receiver<Trouble>,
) -> io::Result<()> {
    let watched = trouble.clone();
    let mut server = TcpStream::connect(servers).await?;
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    let both = async {
        tokio::try_join!(
            pump(from_client, to_server, Side::Client, watched.clone()),
            pump(from_server, to_client, Side::Server, watched)
        )
    };
    tokio::select! {
        ended = both => ended.map(drop),
        _ = trouble.wait_for(|trouble| *trouble == Trouble::Reset) => {
            // Closed without lingering, a socket says RST.
            client.set_zero_linger()?;
            server.set_zero_linger()
        }
    }
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

impl Side {
    /// Whether nothing of what it says arrives.
    fn is_silenced(self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::BlackHole => true,
            Trouble::Mute => self == Self::Server,
            _ => false,
        }
    }
}

async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    side: Side,
    mut trouble: watch::Receiver<Trouble>,
) -> io::Result<()> {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut piece).await?;
        let now = *trouble.borrow_and_update();
        match now {
            Trouble::None | Trouble::Reset => {}
            Trouble::BlackHole | Trouble::Mute => {
                let over = trouble.wait_for(|trouble| !side.is_silenced(*trouble)).await;
                over.map_err(io::Error::other)?;
            }
            Trouble::Delay(delay) => tokio::time::sleep(delay).await,
            Trouble::Throttle(rate) => {
                let seconds = length as f64 / f64::from(rate.max(1));
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            }
            Trouble::Corrupt => {
                if let Some(byte) = piece[..length].get_mut(length / 2) {
                    *byte ^= 0x20;
                }
            }
        }
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&piece[..length]).await?;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// A connection to a server that says everything back.
    async fn connected() -> (FaultyLink, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let link = FaultyLink::start(listener.local_addr().unwrap()).await;
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = socket.split();
                    drop(io::copy(&mut from, &mut to).await);
                });
            }
        });
        let client = TcpStream::connect(link.address()).await.unwrap();
        (link, client)
    }

    async fn said_back(client: &mut TcpStream, words: &[u8]) -> io::Result<Vec<u8>> {
        client.write_all(words).await?;
        let mut answer = vec![0; words.len()];
        client.read_exact(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn without_trouble_all_bytes_arrive() {
        let (_link, mut client) = connected().await;
        let words = vec![7; 100_000];
        let sent = words.clone();
        let (mut from, mut to) = client.split();
        let mut answer = vec![0; words.len()];
        tokio::try_join!(to.write_all(&sent), from.read_exact(&mut answer)).unwrap();
        assert_eq!(answer, words);
    }

    #[tokio::test]
    async fn pieces_are_late_and_slow() {
        let (link, mut client) = connected().await;
        link.set(Trouble::Delay(Duration::from_millis(50)));
        let asked = Instant::now();
        assert_eq!(said_back(&mut client, b"word").await.unwrap(), b"word");
        assert!(asked.elapsed() >= Duration::from_millis(100), "{:?}", asked.elapsed());
        link.set(Trouble::Throttle(10_000));
        let asked = Instant::now();
        said_back(&mut client, &[1; 1000]).await.unwrap();
        assert!(asked.elapsed() >= Duration::from_millis(200), "{:?}", asked.elapsed());
    }

    #[tokio::test]
    async fn a_black_hole_gives_nothing_back_until_it_is_over() {
        let (link, mut client) = connected().await;
        link.set(Trouble::BlackHole);
        let mut asked = Box::pin(said_back(&mut client, b"word"));
        let patience = Duration::from_millis(200);
        assert!(tokio::time::timeout(patience, &mut asked).await.is_err());
        link.set(Trouble::None);
        assert_eq!(asked.await.unwrap(), b"word");
    }

    #[tokio::test]
    async fn a_mute_server_hears_and_its_answers_come_late() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let link = FaultyLink::start(server.local_addr().unwrap()).await;
        link.set(Trouble::Mute);
        let mut client = TcpStream::connect(link.address()).await.unwrap();
        client.write_all(b"word").await.unwrap();
        let (mut at_server, _) = server.accept().await.unwrap();
        let mut heard = [0; 4];
        at_server.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"word");
        at_server.write_all(&heard).await.unwrap();
        let mut answer = [0; 4];
        let mut answered = Box::pin(client.read_exact(&mut answer));
        let patience = Duration::from_millis(200);
        assert!(tokio::time::timeout(patience, &mut answered).await.is_err());
        link.set(Trouble::None);
        answered.await.unwrap();
        assert_eq!(&answer, b"word");
    }

    #[tokio::test]
    async fn a_byte_is_another() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let link = FaultyLink::start(server.local_addr().unwrap()).await;
        link.set(Trouble::Corrupt);
        let mut client = TcpStream::connect(link.address()).await.unwrap();
        client.write_all(b"x").await.unwrap();
        let mut heard = [0];
        server.accept().await.unwrap().0.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"X");
    }

    #[tokio::test]
    async fn connections_are_reset() {
        let (link, mut client) = connected().await;
        link.set(Trouble::Reset);
        let mut answer = [0];
        let ended = client.read(&mut answer).await.unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::ConnectionReset);
        link.set(Trouble::None);
        let mut again = TcpStream::connect(link.address()).await.unwrap();
        assert_eq!(said_back(&mut again, b"word").await.unwrap(), b"word");
    }
}
