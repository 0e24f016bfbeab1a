//! What is left to do on the object store when an encode is over.

mod remove;
mod sweep;

use kinora_db::retrying;

use crate::{
    error::TranscodingError,
    repository::chores::{self, DueChore},
    service::Transcoding,
    state::Chore,
};

/// A chore that was begun and not finished is taken up again after this.
const CLAIM_US: i64 = 30 * 1_000_000;

/// Does the chores that are due; how many. Every one can be cut off and begun again.
pub(crate) async fn step_chores(service: &Transcoding) -> Result<usize, TranscodingError> {
    let mut done = 0;
    let mut failed = None;
    for chore in chores::due(service.deps.db.read(), service.now_us()).await? {
        let Some(claimed) = claim(service, &chore).await? else { continue };
        match perform(service, &claimed).await {
            Ok(next) => {
                retrying(|| advance(service, &claimed, next)).await?;
                done += 1;
            }
            Err(error) => {
                tracing::warn!(video.id = %chore.video, ?chore.chore, %error, "a chore was not done");
                failed = Some(error);
            }
        }
    }
    match failed {
        Some(error) if done == 0 => Err(error),
        _ => Ok(done),
    }
}

async fn perform(
    service: &Transcoding,
    chore: &DueChore,
) -> Result<Option<(Chore, i64)>, TranscodingError> {
    match chore.chore {
        Chore::Remove => remove::remove(service, chore).await.map(Some),
        Chore::Forget => remove::forget(service, chore).await,
        Chore::Sweep => sweep::sweep(service, chore).await,
    }
}

async fn claim(
    service: &Transcoding,
    chore: &DueChore,
) -> Result<Option<DueChore>, TranscodingError> {
    let until_us = service.now_us().saturating_add(CLAIM_US);
    let claimed = advance(service, chore, Some((chore.chore, until_us))).await?;
    Ok(claimed.then(|| DueChore { due_at_us: until_us, ..chore.clone() }))
}

async fn advance(
    service: &Transcoding,
    chore: &DueChore,
    next: Option<(Chore, i64)>,
) -> Result<bool, TranscodingError> {
    let mut tx = service.deps.db.begin_write().await?;
    let advanced = chores::advance(&mut tx, chore, next).await?;
    tx.commit().await?;
    Ok(advanced)
}
