//! What each of transcoding's events does to the read side.

use kinora_db::DbError;
use kinora_queue::{Event, EventData};
use sqlx::AnyConnection;

use crate::{
    model::{Reason, State},
    repository::{
        media::{self, Shape},
        videos,
    },
};

pub(super) async fn apply(
    connection: &mut AnyConnection,
    event: &Event,
    now_us: i64,
) -> Result<(), DbError> {
    let video = event.video;
    let mut reason = None;
    let state = match &event.data {
        EventData::Planned { duration_us, width, height, warnings, chapters, .. } => {
            let shape = Shape { duration_us: *duration_us, width: *width, height: *height };
            media::plan(connection, video, shape, warnings, chapters).await?;
            State::Encoding
        }
        EventData::Playable { version, pictures } => {
            media::publish(connection, video, *version, *pictures).await?;
            State::Playable
        }
        EventData::PlaysThrough { version, pictures } => {
            media::publish(connection, video, *version, *pictures).await?;
            State::PlaysThrough
        }
        EventData::Ready { version, duration_us, warnings, pictures } => {
            media::publish(connection, video, *version, *pictures).await?;
            media::complete(connection, video, *duration_us, warnings).await?;
            State::Ready
        }
        EventData::Failed { code, reason: message } => {
            reason = Some(Reason::new(code, message));
            State::Failed
        }
        // The catalogue's own.
        EventData::Uploaded { .. } | EventData::Deleted => return Ok(()),
    };
    let moved = videos::advance(connection, video, state, reason.as_ref(), now_us).await?;
    tracing::debug!(video.id = %video, video.state = state.as_str(), moved, "transcoding event");
    Ok(())
}
