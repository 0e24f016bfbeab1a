//! Removing what nobody needs: what `kinora admin sweep` asks, and what is done to each encode a day
//! after it ended.

use kinora_http::{
    Timestamp,
    sweep::{Stray, StrayKind, Swept},
};
use kinora_media::VideoId;
use kinora_store::Unfinished;

use super::{
    TRIES, gather, strays,
    walk::{Stored, Walk},
};
use crate::{config::micros, error::TranscodingError, service::Transcoding};

/// How to sweep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Broom {
    /// Remove it, or only say what there is.
    pub(crate) apply: bool,
    /// What is younger stays: it may be of somebody who is still at it.
    pub(crate) age_us: i64,
}

impl Broom {
    /// As it is done without being asked.
    pub(crate) fn usual(service: &Transcoding) -> Self {
        Self { apply: true, age_us: micros(service.deps.config.sweep_ms) }
    }
}

/// Sweeps the next `limit` videos after `after`, in the order of their ids; with the first of them,
/// writes to the store that nobody ended.
pub(crate) async fn sweep(
    service: &Transcoding,
    after: Option<VideoId>,
    limit: u32,
    broom: Broom,
) -> Result<Swept, TranscodingError> {
    let mut swept = Swept::default();
    if after.is_none() {
        unfinished_writes(service, broom, &mut swept).await?;
    }
    let (mut walk, mut last) = (Walk::after(service, after), after);
    for _ in 0..limit {
        let Some((video, stored)) = walk.next().await? else { return Ok(swept) };
        let (strays, young) = sweep_listed(service, video, Some(stored), broom).await?;
        swept.videos += 1;
        swept.strays.extend(strays);
        swept.young += young;
        last = Some(video);
    }
    Ok(Swept { next: last, ..swept })
}

/// Sweeps a video: what was old enough, and how much was not.
pub(crate) async fn sweep_video(
    service: &Transcoding,
    video: VideoId,
    broom: Broom,
) -> Result<(Vec<Stray>, u64), TranscodingError> {
    sweep_listed(service, video, None, broom).await
}

async fn sweep_listed(
    service: &Transcoding,
    video: VideoId,
    mut stored: Option<Stored>,
    broom: Broom,
) -> Result<(Vec<Stray>, u64), TranscodingError> {
    for _ in 0..TRIES {
        let evidence = gather::gather(service, video, stored.take()).await?;
        let found = strays::strays(&evidence);
        // What changed meanwhile may have named some of it.
        if found.is_empty() || gather::revisions(service, video).await? == evidence.revisions() {
            return remove(service, video, &found, broom).await;
        }
    }
    // It changes each time: its strays are for the next time.
    Ok((Vec::new(), 1))
}

async fn remove(
    service: &Transcoding,
    video: VideoId,
    found: &[strays::Stray<'_>],
    broom: Broom,
) -> Result<(Vec<Stray>, u64), TranscodingError> {
    let (mut strays, mut young) = (Vec::new(), 0);
    let now_us = service.now_us();
    for &strays::Stray { object, kind, why } in found {
        if now_us.saturating_sub(object.modified_at_us) < broom.age_us {
            young += 1;
            continue;
        }
        let removed = broom.apply && kind != StrayKind::Source;
        if removed {
            tracing::info!(key = %object.key, why, "an object that nobody needs is removed");
            service.deps.store.delete(&object.key).await?;
        }
        strays.push(Stray {
            kind,
            video: Some(video),
            name: object.key.to_string(),
            bytes: Some(object.size),
            since: Timestamp(object.modified_at_us),
            message: why.to_owned(),
            removed,
        });
    }
    Ok((strays, young))
}

async fn unfinished_writes(
    service: &Transcoding,
    broom: Broom,
    swept: &mut Swept,
) -> Result<(), TranscodingError> {
    let store = &service.deps.store;
    let open = match store.unfinished().await {
        Ok(open) => open,
        Err(error) => {
            // Not every server that speaks S3 lists them.
            tracing::warn!(%error, "the store does not say which writes to it are open");
            return Ok(());
        }
    };
    let before_us = service.now_us().saturating_sub(broom.age_us);
    let (old, young): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|write| write.begun_at_us < before_us);
    if broom.apply && !old.is_empty() {
        let writes = store.abort_unfinished(before_us).await?;
        tracing::info!(writes, "writes to the store that nobody ended were aborted");
    }
    let stray = |Unfinished { key, begun_at_us }| Stray {
        kind: StrayKind::Write,
        video: None,
        name: key,
        bytes: None,
        since: Timestamp(begun_at_us),
        message: "its write to the store was never ended".to_owned(),
        removed: broom.apply,
    };
    swept.strays.extend(old.into_iter().map(stray));
    swept.young += young.len() as u64;
    Ok(())
}
