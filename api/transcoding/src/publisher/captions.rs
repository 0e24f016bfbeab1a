//! Uploaded captions and embedded subtitles become text tracks: one WebVTT object each.

use kinora_media::TrackId;
use kinora_plan::{Plan, job::StoredText};
use kinora_store::{Condition, Key, keys};

use crate::{
    error::TranscodingError,
    repository::{TextObject, Transcode, extras::Extras},
    service::Transcoding,
};

/// A caption file among the media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caption {
    pub object: TextObject,
    pub language: String,
    pub name: String,
}

/// Copies every caption file of an upload to its place among the media. One that is gone is left
/// out: the video is worth more.
pub(crate) async fn copy(
    service: &Transcoding,
    transcode: &Transcode,
    duration_us: u64,
) -> Result<Vec<Caption>, TranscodingError> {
    let store = &service.deps.store;
    let object = "00000-1.vtt";
    let mut copied = Vec::new();
    for uploaded in &transcode.captions {
        let source = Key::new(uploaded.key.as_str()).ok();
        let track = TrackId::new(format!("t-{}", uploaded.language)).ok();
        let (Some(source), Some(track)) = (source, track) else {
            tracing::error!(video.id = %transcode.video, ?uploaded, "captions without a usable name");
            continue;
        };
        let Some((_, text)) = store.get(&source).await? else {
            tracing::error!(video.id = %transcode.video, key = %source, "captions are gone");
            continue;
        };
        let size = text.len() as u64;
        let key = keys::track_object(transcode.video, transcode.version, &track, object);
        // There already: an earlier try got this far, with the same bytes.
        store.put(&key, text, Condition::Absent).await?;
        copied.push(Caption {
            object: TextObject {
                track,
                object: object.to_owned(),
                size,
                duration: duration_us.div_ceil(1000).max(1),
                late: false,
            },
            language: uploaded.language.clone(),
            name: uploaded.name.clone(),
        });
    }
    Ok(copied)
}

/// The embedded subtitles that were read.
pub(crate) fn embedded(plan: &Plan, extras: &Extras, late: bool) -> Vec<Caption> {
    let caption = |text: &StoredText| {
        let planned = plan.texts.iter().find(|planned| planned.track == text.track)?;
        Some(Caption {
            object: TextObject {
                track: text.track.clone(),
                object: text.object.clone(),
                size: text.size,
                duration: plan.duration_us.div_ceil(1000).max(1),
                late,
            },
            language: planned.language.clone(),
            name: planned.name.clone(),
        })
    };
    extras.texts.iter().filter_map(caption).collect()
}
