//! Removing what lost attempts left behind in a finished encode.

use crate::{
    audit::{Broom, sweep_video},
    error::TranscodingError,
    repository::chores::DueChore,
    service::Transcoding,
    state::Chore,
};

/// Removes what the index does not name and nobody can be about to name: all jobs are over, and
/// it is old. Comes back for what is too young.
pub(super) async fn sweep(
    service: &Transcoding,
    chore: &DueChore,
) -> Result<Option<(Chore, i64)>, TranscodingError> {
    let broom = Broom::usual(service);
    let (_, young) = sweep_video(service, chore.video, broom).await?;
    let again_us = service.now_us().saturating_add(broom.age_us);
    Ok((young > 0).then_some((Chore::Sweep, again_us)))
}
