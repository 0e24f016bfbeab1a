//! How live media comes in: a listener of its own, which only those who make media reach.
//!
//! - `PUT /internal/live/{stream}/{track}` a [`Description`] as JSON; the first makes the stream.
//! - `PUT /internal/live/{stream}/{track}/init.mp4` its initialisation segment.
//! - `PUT /internal/live/{stream}/{track}/{segment}.{part}?duration=TICKS` a part: a moof with its
//!   mdat. `&independent` where a key frame is in it, `&last` where it ends its segment, `&at=MICROS`
//!   with a segment's first part says when it was.
//! - `POST /internal/live/{stream}/end` nothing follows. `DELETE /internal/live/{stream}` it is gone.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use kinora_media::{TrackId, VideoId};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Arrival, Description, Live, Refusal};
use crate::{Listener, transport::Socket};

const ROOT: &str = "/internal/live/";
/// Bytes of a part, at most.
const LONGEST: usize = 8 << 20;
/// Those who make media are few.
const CONNECTIONS: usize = 256;
/// For a request's head, and for a client that takes nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes media in on `listener` until `shutdown`.
///
/// # Errors
/// The listener cannot be used.
pub async fn serve_ingest(
    listener: Listener,
    live: Live,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let acceptor = listener.acceptor()?;
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await.expect("it is never closed");
        let accepted = shutdown.run_until_cancelled(acceptor.accept(PATIENCE)).await;
        while connections.try_join_next().is_some() {}
        match accepted {
            None => break,
            Some(Ok(socket)) => {
                let (live, shutdown) = (live.clone(), shutdown.clone());
                connections.spawn(async move {
                    shutdown.run_until_cancelled(serve(socket, live)).await;
                    drop(permit);
                });
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "cannot accept live media");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
    Ok(())
}

async fn serve(socket: Socket, live: Live) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let live = live.clone();
        async move { Ok::<_, Infallible>(respond(take(request, &live).await)) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    if let Err(error) = http.serve_connection(TokioIo::new(socket), answer).await {
        tracing::debug!(%error, "a connection with live media ended");
    }
}

async fn take(request: Request<Incoming>, live: &Live) -> Result<(), Problem> {
    let (parts, body) = request.into_parts();
    let place = Place::read(parts.uri.path()).ok_or(Problem::Refused(Refusal::NotFound))?;
    let read = async {
        let limited = Limited::new(body, LONGEST).collect();
        match tokio::time::timeout(PATIENCE, limited).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(_)) => {
                Err(Problem::Bad(format!("the body is cut short, or over {LONGEST} bytes")))
            }
            Err(_) => Err(Problem::Bad("the body took too long".into())),
        }
    };
    let done = match (&parts.method, place) {
        (&Method::PUT, Place::Track(id, track)) => {
            let description: Description = serde_json::from_slice(&read.await?)
                .map_err(|error| Problem::Bad(error.to_string()))?;
            if let Some(problem) = description.problem() {
                return Err(Problem::Bad(problem.to_owned()));
            }
            live.describe(id, track, description)
        }
        (&Method::PUT, Place::Init(id, track)) => live.begin(id, &track, read.await?),
        (&Method::PUT, Place::Part(id, track, segment, part)) => {
            let query = parts.uri.query().unwrap_or_default();
            let arrival = arrival(segment, part, query, read.await?)?;
            live.push(id, &track, arrival)
        }
        (&Method::POST, Place::End(id)) => live.end(id),
        (&Method::DELETE, Place::Stream(id)) => live.remove(id),
        _ => return Err(Problem::Method),
    };
    done.map_err(Problem::Refused)
}

#[derive(Debug)]
enum Place {
    Stream(VideoId),
    End(VideoId),
    Track(VideoId, TrackId),
    Init(VideoId, TrackId),
    Part(VideoId, TrackId, u64, u64),
}

impl Place {
    fn read(path: &str) -> Option<Self> {
        let mut names = path.strip_prefix(ROOT)?.split('/');
        let id = names.next()?.parse().ok()?;
        match (names.next(), names.next(), names.next()) {
            (None, ..) => Some(Self::Stream(id)),
            (Some("end"), None, _) => Some(Self::End(id)),
            (Some(track), None, _) => Some(Self::Track(id, TrackId::new(track).ok()?)),
            (Some(track), Some("init.mp4"), None) => {
                Some(Self::Init(id, TrackId::new(track).ok()?))
            }
            (Some(track), Some(name), None) => {
                let (segment, part) = name.split_once('.')?;
                let (segment, part) = (segment.parse().ok()?, part.parse().ok()?);
                Some(Self::Part(id, TrackId::new(track).ok()?, segment, part))
            }
            _ => None,
        }
    }
}

fn arrival(segment: u64, part: u64, query: &str, body: Bytes) -> Result<Arrival, Problem> {
    let mut arrival = Arrival {
        segment,
        part,
        duration: 0,
        independent: false,
        last: false,
        date_time_us: None,
        body,
    };
    let unreadable = |name: &str| Problem::Bad(format!("'{name}' is no number"));
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "duration" => arrival.duration = value.parse().map_err(|_| unreadable(name))?,
            "at" => arrival.date_time_us = Some(value.parse().map_err(|_| unreadable(name))?),
            "independent" => arrival.independent = true,
            "last" => arrival.last = true,
            _ => return Err(Problem::Bad(format!("'{name}' is not known"))),
        }
    }
    if arrival.body.is_empty() {
        return Err(Problem::Bad("the part is empty".into()));
    }
    Ok(arrival)
}

#[derive(Debug)]
enum Problem {
    Bad(String),
    Method,
    Refused(Refusal),
}

/// Plain words: who reads them wrote the client.
fn respond(taken: Result<(), Problem>) -> Response<Full<Bytes>> {
    let (status, text) = match taken {
        Ok(()) => (StatusCode::NO_CONTENT, String::new()),
        Err(Problem::Bad(text)) => (StatusCode::BAD_REQUEST, text),
        Err(Problem::Method) => (StatusCode::METHOD_NOT_ALLOWED, "not this way".to_owned()),
        Err(Problem::Refused(refusal)) => match refusal {
            Refusal::NotFound => {
                (StatusCode::NOT_FOUND, "there is nothing of that name".to_owned())
            }
            Refusal::Conflict(text) => (StatusCode::CONFLICT, text),
            Refusal::Full(text) => (StatusCode::INSUFFICIENT_STORAGE, text.to_owned()),
        },
    };
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response
}
