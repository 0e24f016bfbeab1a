//! What the first publish settles for ever.

use std::collections::BTreeMap;

use kinora_media::{TextTrack, Track, TrackId, TrackKind};
use kinora_plan::Plan;

use super::{
    captions::{self, Caption},
    project::Projection,
};
use crate::{
    error::TranscodingError,
    repository::{Frozen, Transcode, extras::Extras, frozen, objects::Coding, transcodes},
    service::Transcoding,
};

/// Milliseconds: the timescale of text tracks.
const TEXT_TIMESCALE: u32 = 1000;

/// What was settled, settling it now if that was not done; `None` if the encode ended meanwhile.
pub(crate) async fn frozen(
    service: &Transcoding,
    transcode: &Transcode,
    plan: &Plan,
    projection: &Projection,
    codings: BTreeMap<TrackId, Coding>,
    extras: &Extras,
) -> Result<Option<Frozen>, TranscodingError> {
    if let Some(frozen) = &transcode.frozen {
        return amended(service, transcode, plan, projection, frozen, extras).await;
    }
    let mut tracks = coded_tracks(transcode, plan, codings)?;
    let captions = captions::copy(service, transcode, plan.duration_us).await?;
    tracks.extend(captions.iter().map(text_track));
    let embedded = captions::embedded(plan, extras, false);
    tracks.extend(embedded.iter().map(text_track));
    let frozen = Frozen {
        first_published_at_us: service.now_us(),
        first_published_complete: projection.complete,
        target_duration_s: plan.target_duration_s,
        tracks,
        texts: captions.into_iter().chain(embedded).map(|caption| caption.object).collect(),
        chapters: plan.chapters.clone(),
    };
    let mut tx = service.deps.db.begin_write().await?;
    let software_from = projection.software_from;
    if frozen::freeze(&mut tx, transcode, &frozen, software_from).await? {
        tx.commit().await?;
        return Ok(Some(frozen));
    }
    let settled = transcodes::find(&mut *tx, transcode.video, transcode.version).await?;
    Ok(settled.and_then(|settled| settled.frozen))
}

/// What was settled, with the embedded subtitles of a source too large to be read before the
/// first publish. They join with the head that says complete: manifests that grow keep their
/// tracks, and players that come later see them all.
async fn amended(
    service: &Transcoding,
    transcode: &Transcode,
    plan: &Plan,
    projection: &Projection,
    frozen: &Frozen,
    extras: &Extras,
) -> Result<Option<Frozen>, TranscodingError> {
    let mut late = captions::embedded(plan, extras, true);
    late.retain(|caption| !frozen.tracks.iter().any(|track| track.id == caption.object.track));
    if !projection.complete || late.is_empty() {
        return Ok(Some(frozen.clone()));
    }
    let mut frozen = frozen.clone();
    frozen.tracks.extend(late.iter().map(text_track));
    frozen.texts.extend(late.into_iter().map(|caption| caption.object));
    let mut tx = service.deps.db.begin_write().await?;
    if !frozen::amend(&mut tx, transcode, &frozen).await? {
        return Ok(None);
    }
    tx.commit().await?;
    Ok(Some(frozen))
}

fn coded_tracks(
    transcode: &Transcode,
    plan: &Plan,
    mut codings: BTreeMap<TrackId, Coding>,
) -> Result<Vec<Track>, TranscodingError> {
    let track = |template: kinora_plan::TrackTemplate| {
        let coding = codings.remove(&template.id).ok_or_else(|| TranscodingError::Index {
            video: transcode.video,
            version: transcode.version,
            what: format!("{} has no objects", template.id),
        })?;
        Ok(template.with_codec(coding.codec, coding.priming))
    };
    plan.track_templates().into_iter().map(track).collect()
}

fn text_track(caption: &Caption) -> Track {
    let seconds = (caption.object.duration / u64::from(TEXT_TIMESCALE)).max(1);
    Track {
        id: caption.object.track.clone(),
        timescale: TEXT_TIMESCALE,
        codec: "wvtt".into(),
        max_bandwidth: (caption.object.size * 8).div_ceil(seconds).max(1),
        priming: 0,
        kind: TrackKind::Text(TextTrack {
            language: caption.language.clone(),
            name: caption.name.clone(),
        }),
    }
}
