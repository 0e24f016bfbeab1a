//! The publisher: projects accepted results into the segment index of the store.
//!
//! The wish to publish commits with the result (`wanted`); this step makes the store agree and
//! then notes it (`published`), together with the events the stored head makes true. Cut off
//! anywhere, it is taken again and finds the head already right.

mod captions;
mod freeze;
mod note;
mod project;
mod secret;
pub(crate) mod swap;

use std::collections::BTreeMap;

use kinora_db::retrying;
use kinora_media::TrackId;
use kinora_plan::Plan;

use crate::{
    error::TranscodingError,
    orchestrator::plans::plan_of,
    repository::{
        Transcode, extras,
        objects::{self, Coding},
        statistics, transcodes,
    },
    service::Transcoding,
};
use project::Material;
use swap::Swapped;

/// Publishes what was accepted and is not published; how many videos. One that cannot be
/// published does not keep others from it.
pub(crate) async fn step_publish(service: &Transcoding) -> Result<usize, TranscodingError> {
    let mut done = 0;
    let mut failed = None;
    for transcode in transcodes::unpublished(service.deps.db.read()).await? {
        match publish(service, &transcode).await {
            Ok(noted) => done += usize::from(noted),
            Err(error) => {
                tracing::warn!(video.id = %transcode.video, %error, "a head could not be published");
                failed = Some(error);
            }
        }
    }
    match failed {
        Some(error) if done == 0 => Err(error),
        _ => Ok(done),
    }
}

/// Publishes one encode as far as it goes; whether that was noted.
pub(crate) async fn publish(
    service: &Transcoding,
    transcode: &Transcode,
) -> Result<bool, TranscodingError> {
    let &Transcode { video, version, .. } = transcode;
    let Some(plan) = plan_of(service, video, version).await? else { return Ok(false) };
    let db = service.deps.db.read();
    // In this order: what the head shows was accepted before, what is finished has all its
    // objects. So the projection never falls behind the head.
    let current = swap::read(service, video, version).await?;
    let finished = statistics::finished(db, (video, version)).await?;
    let closed = current.as_ref().map_or(&[][..], |current| &current.head.pages);
    let from_page = u32::try_from(closed.len()).unwrap_or(u32::MAX);
    let accepted = objects::from_page(db, (video, version), from_page).await?;
    let codings = codings(service, transcode, &plan).await?;
    let material = Material {
        plan: &plan,
        finished: &finished,
        closed,
        accepted,
        ends: objects::ends(db, (video, version)).await?,
        codings: &codings,
    };
    let mut projection = project::project(&material);
    // Short enough to read first: then players learn of its subtitles with everything else.
    let awaits_texts = plan.texts_first && !finished.texts;
    if !projection.playable || (awaits_texts && transcode.frozen.is_none()) {
        return retrying(|| note::nothing_yet(service, transcode)).await;
    }
    let extras = extras::find(db, (video, version)).await?;
    // Results that come in meanwhile change the same row. Each transaction is taken again by itself:
    // where workers are many, the whole of this would never end between two of them.
    let freeze =
        || freeze::frozen(service, transcode, &plan, &projection, codings.clone(), &extras);
    let Some(frozen) = retrying(freeze).await? else { return Ok(false) };
    projection.add_texts(&frozen.texts, closed.is_empty());
    projection.pictures = extras.pictures;
    for page in projection.close_pages(closed) {
        swap::put_page(service, video, version, &page).await?;
    }
    projection.add_late_texts(&frozen.texts);
    if current.is_none() && !projection.encryption.is_none() {
        secret::make(service, video, version).await?;
    }
    let head = projection.head(transcode, &frozen);
    match swap::swap(service, current, head).await? {
        Swapped::Stored | Swapped::Unchanged => {
            retrying(|| note::stored(service, transcode, &projection)).await
        }
        Swapped::Lost => Ok(false),
    }
}

async fn codings(
    service: &Transcoding,
    transcode: &Transcode,
    plan: &Plan,
) -> Result<BTreeMap<TrackId, Coding>, TranscodingError> {
    let encode = (transcode.video, transcode.version);
    let mut codings = BTreeMap::new();
    for template in plan.track_templates() {
        let coding = objects::coding(service.deps.db.read(), encode, &template.id).await?;
        codings.extend(coding.map(|coding| (template.id, coding)));
    }
    Ok(codings)
}
