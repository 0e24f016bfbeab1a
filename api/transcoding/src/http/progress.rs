//! `GET /api/v1/videos/{id}/progress`, and the same as server-sent events (HTML 9.2).

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::header,
    response::{
        IntoResponse, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::{Stream, StreamExt, stream};
use kinora_http::{Json, Path, Problem, Subject, Viewer, openapi::Problems};
use kinora_media::VideoId;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, sleep_until, timeout},
};

use super::{Api, body::Progress, problem::of_database};
use crate::{
    error::TranscodingError, progress::view, repository::transcodes, service::Transcoding,
};

/// Between two events of one stream.
const LEAST: Duration = Duration::from_millis(250);
/// Numbers like the speed change although nothing happened.
const MOST: Duration = Duration::from_secs(2);
/// Between comments that keep proxies from closing a silent stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How far a video is.
#[utoipa::path(
    get,
    path = "/api/v1/videos/{id}/progress",
    tag = "transcoding",
    params(
        ("id" = Uuid, Path, description = "The video"),
        ("token" = Option<String>, Query, description = "A playback token, instead of an API key"),
    ),
    responses((status = OK, body = Progress), Problems),
    security((), ("api_key" = []))
)]
pub(super) async fn get_progress(
    State(api): State<Api>,
    viewer: Viewer,
    Path(video): Path<VideoId>,
) -> Result<impl IntoResponse, Problem> {
    let progress = permitted(&api.0, &viewer, video).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(progress)))
}

/// How far a video is, at once and whenever it changes, until its end. Each event is named
/// `progress` and holds a Progress.
#[utoipa::path(
    get,
    path = "/api/v1/videos/{id}/progress/events",
    tag = "transcoding",
    params(
        ("id" = Uuid, Path, description = "The video"),
        ("token" = Option<String>, Query, description = "A playback token, instead of an API key"),
    ),
    responses(
        (status = OK, content_type = "text/event-stream", body = String),
        Problems,
    ),
    security((), ("api_key" = []))
)]
pub(super) async fn get_progress_events(
    State(api): State<Api>,
    viewer: Viewer,
    Path(video): Path<VideoId>,
) -> Result<impl IntoResponse, Problem> {
    // Before the first look, so that no change falls between.
    let changes = api.0.changes.subscribe();
    let first = permitted(&api.0, &viewer, video).await?;
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let stopping = api.0.stopping.clone().cancelled_owned();
    let events = events(api.0, first, changes).take_until(stopping);
    let events = Sse::new(events).keep_alive(keep_alive);
    Ok(([(header::CACHE_CONTROL, "no-store")], events))
}

async fn permitted(
    service: &Transcoding,
    viewer: &Viewer,
    video: VideoId,
) -> Result<Progress, Problem> {
    let transcode = transcodes::latest(service.deps.db.read(), video).await.map_err(of_database)?;
    let transcode = transcode.ok_or_else(|| Problem::not_found("video"))?;
    let subject = Subject { video, account: &transcode.account, public: !transcode.signed };
    viewer.require(&service.deps.playback_keys.get(), subject, service.now_us())?;
    Ok(view::progress(service, &transcode).await?)
}

/// Where a stream of events stands.
struct Watch {
    service: Arc<Transcoding>,
    changes: Receiver<VideoId>,
    last: Progress,
    next_at: Instant,
}

fn events(
    service: Arc<Transcoding>,
    first: Progress,
    changes: Receiver<VideoId>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let next_at = Instant::now() + LEAST;
    let watch = Watch { service, changes, last: first.clone(), next_at };
    stream::unfold((watch, Some(first)), |(mut watch, first)| async move {
        let progress = match first {
            Some(first) => first,
            None if watch.last.state.is_terminal() => return None,
            None => watch.next().await?,
        };
        let event = Event::default().event("progress").json_data(&progress).ok()?;
        Some((Ok(event), (watch, None)))
    })
}

impl Watch {
    /// The next Progress that differs; `None` when the stream should end.
    async fn next(&mut self) -> Option<Progress> {
        loop {
            sleep_until(self.next_at).await;
            self.change().await?;
            let progress = match self.look().await {
                Ok(progress) => progress?,
                Err(error) => {
                    tracing::warn!(video.id = %self.last.video, %error, "a stream of progress ends");
                    return None;
                }
            };
            self.next_at = Instant::now() + LEAST;
            if progress != self.last {
                self.last = progress.clone();
                return Some(progress);
            }
        }
    }

    /// Waits for a change of this video, or long enough.
    async fn change(&mut self) -> Option<()> {
        let video = VideoId(self.last.video);
        let ours = async {
            loop {
                match self.changes.recv().await {
                    Ok(changed) if changed == video => return Some(()),
                    Ok(_) => {}
                    // What was overwritten may have been about it.
                    Err(RecvError::Lagged(_)) => return Some(()),
                    Err(RecvError::Closed) => return None,
                }
            }
        };
        timeout(MOST, ours).await.unwrap_or(Some(()))
    }

    async fn look(&self) -> Result<Option<Progress>, TranscodingError> {
        let video = VideoId(self.last.video);
        match transcodes::latest(self.service.deps.db.read(), video).await? {
            Some(transcode) => view::progress(&self.service, &transcode).await.map(Some),
            None => Ok(None),
        }
    }
}
