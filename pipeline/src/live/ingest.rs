//! A client of the origin's listener for live media (its `live/ingest.rs` is the protocol).

use std::{fmt, str::FromStr, time::Duration};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, StatusCode,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header::{CONTENT_TYPE, HOST},
    http::uri::Scheme,
};
use hyper_util::rt::TokioIo;
use kinora_media::VideoId;
use tokio::{net::TcpStream, time::timeout};

use super::Part;

/// The one rendition there is.
const TRACK: &str = "v1";
/// For a connection, and for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that are read of why something was refused.
const MOST_WORDS: usize = 4096;

/// Where live media is taken in.
#[derive(Debug, Clone)]
pub(super) struct Address {
    host: String,
    port: u16,
}

/// A connection to it, for one stream.
#[derive(Debug)]
pub(super) struct Ingest {
    pub(super) stream: VideoId,
    address: String,
    root: String,
    connection: SendRequest<Full<Bytes>>,
}

impl Ingest {
    pub(super) async fn connect(to: &Address, stream: VideoId) -> anyhow::Result<Self> {
        let connecting = TcpStream::connect((to.host.trim_matches(['[', ']']), to.port));
        let socket = timeout(PATIENCE, connecting)
            .await
            .map_err(anyhow::Error::from)
            .and_then(|connected| Ok(connected?))
            .with_context(|| {
                format!(
                    "no origin takes live media in at {to}: set origin.ingest_listen \
                     (KINORA_ORIGIN_INGEST_LISTEN) and start kinorad"
                )
            })?;
        socket.set_nodelay(true).context("connection")?;
        let (connection, driver) = http1::handshake(TokioIo::new(socket)).await?;
        // Its end is seen by the request that it fails.
        tokio::spawn(driver);
        let root = format!("/internal/live/{stream}");
        Ok(Self { stream, address: format!("{}:{}", to.host, to.port), root, connection })
    }

    /// Says what the rendition is, and puts its initialisation segment.
    pub(super) async fn describe(
        &mut self,
        description: serde_json::Value,
        init: Bytes,
    ) -> anyhow::Result<()> {
        let description = Bytes::from(description.to_string());
        self.ask(Method::PUT, &format!("/{TRACK}"), description).await?;
        self.ask(Method::PUT, &format!("/{TRACK}/init.mp4"), init).await
    }

    /// Puts a part, the first picture of which was made at `at_us` (microseconds since 1970).
    pub(super) async fn put(&mut self, part: &Part, at_us: u128) -> anyhow::Result<()> {
        let Part { segment, number, duration, .. } = part;
        let mut name = format!("/{TRACK}/{segment}.{number}?duration={duration}");
        if *number == 0 {
            name += &format!("&at={at_us}");
        }
        for (is_so, flag) in [(part.independent, "&independent"), (part.last, "&last")] {
            name += if is_so { flag } else { "" };
        }
        self.ask(Method::PUT, &name, part.body.clone()).await
    }

    /// Nothing follows.
    pub(super) async fn end(&mut self) -> anyhow::Result<()> {
        self.ask(Method::POST, "/end", Bytes::new()).await
    }

    async fn ask(&mut self, method: Method, name: &str, body: Bytes) -> anyhow::Result<()> {
        let asked = format!("{method} {}{name}", self.root);
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{name}", self.root))
            .header(HOST, &self.address)
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(Full::new(body))?;
        let answered = async {
            self.connection.ready().await?;
            let answer = self.connection.send_request(request).await?;
            let status = answer.status();
            Ok::<_, hyper::Error>((status, words(answer.into_body()).await))
        };
        let (status, words) = timeout(PATIENCE, answered)
            .await
            .with_context(|| format!("{asked}: no answer for {} s", PATIENCE.as_secs()))?
            .with_context(|| format!("{asked}: the origin ended the connection"))?;
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => bail!(
                "{asked}: {status}. Is {} the address of origin.ingest_listen, and not another of \
                 kinorad's? And a stream is lost when kinorad starts again. It said: {words}",
                self.address
            ),
            StatusCode::CONFLICT => {
                bail!("{asked}: {status}: {words}. Without --stream a new one is made.",)
            }
            status => bail!("{asked}: the origin refused it: {status}: {words}"),
        }
    }
}

/// What an answer says, which must be read before the next is asked for.
async fn words(body: Incoming) -> String {
    let read = Limited::new(body, MOST_WORDS).collect().await;
    let bytes = read.map(|read| read.to_bytes()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

impl FromStr for Address {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let uri: hyper::Uri = text.parse()?;
        ensure!(uri.scheme() == Some(&Scheme::HTTP), "write http://HOST:PORT; it speaks no TLS");
        ensure!(
            uri.path() == "/" && uri.query().is_none(),
            "only http://HOST:PORT, without a path"
        );
        let host = uri.host().filter(|host| !host.is_empty()).context("write http://HOST:PORT")?;
        Ok(Self { host: host.to_owned(), port: uri.port_u16().unwrap_or(80) })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let read = |text: &str| text.parse::<Address>().map(|it| it.to_string());
        assert_eq!(read("http://127.0.0.1:9000").unwrap(), "http://127.0.0.1:9000");
        assert_eq!(read("http://[::1]:9000/").unwrap(), "http://[::1]:9000");
        assert_eq!(read("http://origin").unwrap(), "http://origin:80");
        for wrong in ["https://origin", "origin:9000", "http://", "http://origin/live/1", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
