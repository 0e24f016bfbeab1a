//! Videos whose media is gone: after a restore beside a store that lost some of it.

use kinora_db::{Clock, Database, retrying};
use kinora_media::VideoId;

use crate::{error::Error, model::Reason, repository::videos};

/// Marks a video as failed that was shown to players and can be no more, for a reason that people are
/// told; whether `version` was what was shown of it. Nobody else may be at work on the tables.
///
/// # Errors
/// The database does not answer.
pub async fn lose(
    db: &Database,
    clock: &Clock,
    (video, version): (VideoId, u32),
    code: &str,
    message: &str,
) -> Result<bool, Error> {
    let reason = Reason::new(code, message);
    retrying(|| async {
        let mut tx = db.begin_write().await?;
        let lost = videos::lose(&mut tx, video, version, &reason, clock.now_us()).await?;
        tx.commit().await?;
        Ok::<_, Error>(lost)
    })
    .await
}
