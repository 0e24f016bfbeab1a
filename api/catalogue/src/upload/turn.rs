//! Whether it is an account's turn to upload more, or its videos on the way are enough for now.

use kinora_media::AccountId;
use sqlx::AnyConnection;

use crate::{core::Core, error::Error, repository::videos};

/// How far back it is counted how often a video is done, microseconds: an hour.
const MEASURED_US: i64 = 3600 * 1_000_000;
/// Where none was done in that time, seconds.
const UNKNOWN_S: u64 = 60;
/// Nobody is to come back sooner, or to be sent away for longer, seconds.
const SOONEST_S: u64 = 5;
const LATEST_S: u64 = 600;

/// Refuses an upload while as many of the account's videos are on their way as may be. Counted in the
/// transaction that creates it: two that race for the last place cannot both have it.
///
/// # Errors
/// [`Error::QueueFull`], with the time after which a place is likely to be free.
pub(super) async fn check(
    core: &Core,
    connection: &mut AnyConnection,
    account: &AccountId,
    now_us: i64,
) -> Result<(), Error> {
    let Some(most) = core.config.max_queued_videos else { return Ok(()) };
    let queued = videos::count_on_their_way(connection, account).await?;
    if queued < u64::from(most) {
        return Ok(());
    }
    let since_us = now_us.saturating_sub(MEASURED_US);
    let ended = videos::count_ended(connection, account, since_us).await?;
    Err(Error::QueueFull { queued, retry_after_s: between_ends_s(ended) })
}

/// How long it takes until another video is done, when so many were in the last hour.
fn between_ends_s(ended: u64) -> u64 {
    match ended {
        0 => UNKNOWN_S,
        ended => 3600_u64.div_ceil(ended).clamp(SOONEST_S, LATEST_S),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_free_as_often_as_videos_are_done() {
        assert_eq!([0, 1, 30, 3600].map(between_ends_s), [60, 600, 120, 5]);
    }
}
