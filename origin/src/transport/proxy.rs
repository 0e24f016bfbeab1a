//! The PROXY protocol, versions 1 and 2: a proxy that passes bytes on says first whose they are.

use std::{io, net::IpAddr, str::FromStr};

use bytes::BytesMut;
use ipnet::IpNet;
use proxy_header::{Error, ParseConfig, ProxyHeader};
use tokio::io::AsyncReadExt;

use super::{Peer, Socket};

/// Bytes of a proxy's word, at most; what may follow its addresses is short in practice.
const LONGEST: usize = 4096;
/// In a list of proxies: whoever comes by a unix socket.
const UNIX: &str = "unix";

/// Peers that speak the PROXY protocol. They must, on every connection; nobody else's word is
/// taken, for it would be a client's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    networks: Vec<IpNet>,
    unix: bool,
}

impl Proxies {
    pub(crate) fn include(&self, peer: Peer) -> bool {
        match peer.ip() {
            Some(ip) => self.networks.iter().any(|network| network.contains(&ip)),
            None => self.unix,
        }
    }
}

impl FromStr for Proxies {
    type Err = String;

    /// Addresses and networks, separated by commas: `10.0.0.0/8, ::1, unix`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut proxies = Self::default();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            if entry == UNIX {
                proxies.unix = true;
                continue;
            }
            let network = entry
                .parse::<IpNet>()
                .or_else(|_| entry.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| format!("'{entry}' is no address, no network, and not '{UNIX}'"))?;
            proxies.networks.push(network);
        }
        Ok(proxies)
    }
}

/// Takes a proxy's word; answers whom it speaks for, the proxy itself where it speaks for nobody.
///
/// # Errors
/// What it says is nothing of the kind, or too long, or it hangs up.
pub(crate) async fn announced(socket: &mut Socket, proxy: Peer) -> io::Result<Peer> {
    let mut read = BytesMut::new();
    loop {
        if socket.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (client, length) = match ProxyHeader::parse(&read, ParseConfig::default()) {
            Ok((header, length)) => {
                let client = header.proxied_address().map(|proxied| Peer::at(proxied.source));
                (client, length)
            }
            Err(Error::BufferTooShort) if read.len() < LONGEST => continue,
            Err(_) => {
                let what = format!("the proxy {proxy} does not speak the PROXY protocol");
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
        };
        let ahead = read.split_off(length);
        socket.put_back(ahead.freeze());
        return Ok(client.unwrap_or(proxy));
    }
}

#[cfg(test)]
mod tests {
    use proxy_header::ProxiedAddress;
    use tokio::io::AsyncWriteExt;

    use super::*;

    async fn said(words: &[&[u8]]) -> (io::Result<Peer>, Vec<u8>) {
        let (mut proxy, socket) = tokio::net::UnixStream::pair().unwrap();
        let mut socket = Socket::unix(socket);
        let words = words.iter().map(|word| word.to_vec()).collect::<Vec<_>>();
        let told = tokio::spawn(async move {
            for word in words {
                // Cut off by now, perhaps.
                let _ = proxy.write_all(&word).await;
                tokio::task::yield_now().await;
            }
        });
        let announced = announced(&mut socket, Peer::Local).await;
        told.await.unwrap();
        let mut rest = Vec::new();
        if announced.is_ok() {
            socket.read_to_end(&mut rest).await.unwrap();
        }
        (announced, rest)
    }

    #[tokio::test]
    async fn a_proxy_speaks_for_its_client() {
        let client: std::net::SocketAddr = "203.0.113.7:5000".parse().unwrap();
        let proxied = ProxiedAddress::stream(client, "127.0.0.1:80".parse().unwrap());
        let header = ProxyHeader::with_address(proxied);
        let (mut one, mut two) = (Vec::new(), Vec::new());
        header.encode_v1(&mut one).unwrap();
        header.encode_v2(&mut two).unwrap();
        for word in [one, two] {
            let whole = [&word[..], b"GET /"].concat();
            for parts in [vec![&whole[..]], whole.chunks(7).collect()] {
                let (peer, rest) = said(&parts).await;
                assert_eq!(peer.unwrap(), Peer::Address(client));
                assert_eq!(rest, b"GET /");
            }
        }
        let (peer, _) = said(&[b"PROXY UNKNOWN\r\nGET /"]).await;
        assert_eq!(peer.unwrap(), Peer::Local, "its own, such as a look at our health");
    }

    #[tokio::test]
    async fn what_is_no_proxys_word_is_refused() {
        let long = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff".as_slice(), &[0; 8192]].concat();
        for words in [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".as_slice(), b"PROXY TCP4 1.2.3.4", &long]
        {
            assert!(said(&[words]).await.0.is_err(), "{words:?}");
        }
    }

    #[test]
    fn lists_of_proxies() {
        let proxies: Proxies = "10.0.0.0/8, ::1,unix".parse().unwrap();
        let at = |address: &str| Peer::at(format!("{address}:1").parse().unwrap());
        for (peer, included) in [
            (at("10.1.2.3"), true),
            (at("[::ffff:10.1.2.3]"), true),
            (at("11.1.2.3"), false),
            (at("[::1]"), true),
            (at("[::2]"), false),
            (Peer::Local, true),
        ] {
            assert_eq!(proxies.include(peer), included, "{peer}");
        }
        assert!(!"".parse::<Proxies>().unwrap().include(Peer::Local));
        assert!("10.0.0.0/33".parse::<Proxies>().is_err());
        assert!("proxy.example.org".parse::<Proxies>().is_err());
    }
}
