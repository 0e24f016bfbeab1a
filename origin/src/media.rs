//! Initialisation and media segments: ranges of immutable objects.

use kinora_media::{Access, Track, TrackId, TrackKind};
use kinora_store::{ByteRange, keys};

use crate::{
    cache::{MediaCache, MediaFile},
    http::{CacheControl, Content, Problem, Resource, Validators},
    index::{Index, Pages, file_name},
    route::{Container, Still},
};

const YEAR_S: u32 = 31_536_000;

/// An initialisation segment of a track; `None` if the index does not name it.
pub(crate) async fn init(
    index: &Index,
    media: &MediaCache,
    track: &TrackId,
    name: &str,
) -> Result<Option<Resource>, Problem> {
    let track = index.head.track(track).ok_or_else(Problem::not_found)?;
    if !index.head.inits(track).contains(&name) {
        return Ok(None);
    }
    let key = keys::track_object(index.id.video, index.id.version, &track.id, name);
    let meta = media.meta(&key).await.map_err(unreadable)?.ok_or_else(Problem::not_found)?;
    let range = ByteRange { offset: 0, length: meta.size };
    Ok(Some(resource(index, track, &meta.etag, Content::File(MediaFile::new(key, range)))))
}

/// A media segment; `None` if the index does not list it.
pub(crate) async fn segment(
    index: &Index,
    pages: &Pages,
    track: &TrackId,
    number: u64,
    container: Container,
) -> Result<Option<Resource>, Problem> {
    let track = index.head.track(track).ok_or_else(Problem::not_found)?;
    if container_of(track) != container {
        return Err(Problem::not_found());
    }
    let found = index.segment(pages, &track.id, number).await.map_err(unreadable)?;
    let Some(location) = found else { return Ok(None) };
    let object = file_name(&location.object).map_err(unreadable)?;
    let key = keys::track_object(index.id.video, index.id.version, &track.id, object);
    // An object is created once, so its name and a range name its bytes for ever.
    let tag = format!("{object}-{:x}-{:x}", location.offset, location.size);
    let range = ByteRange { offset: location.offset, length: location.size };
    Ok(Some(resource(index, track, &tag, Content::File(MediaFile::new(key, range)))))
}

/// A still picture; `None` if the index does not list it.
pub(crate) fn picture(index: &Index, still: Still) -> Option<Resource> {
    let pictures = index.head.pictures.as_ref()?;
    let (object, length) = match still {
        Still::Poster => (&pictures.poster.object, pictures.poster.size),
        Still::Small => (&pictures.small.object, pictures.small.size),
        Still::Sheet(number) => {
            let sheet = pictures.storyboard.sheets.get(usize::try_from(number).ok()?)?;
            (&sheet.object, sheet.size)
        }
    };
    let key = keys::picture(index.id.video, index.id.version, file_name(object).ok()?)?;
    let file = MediaFile::new(key, ByteRange { offset: 0, length });
    let content = Content::File(file);
    Some(immutable(index, "image/jpeg", object, content))
}

fn resource(index: &Index, track: &Track, tag: &str, content: Content) -> Resource {
    immutable(index, content_type(track), tag, content)
}

fn immutable(index: &Index, content_type: &'static str, tag: &str, content: Content) -> Resource {
    Resource {
        content_type,
        cache: match index.head.access {
            Access::Public => CacheControl::Public { max_age_s: YEAR_S, immutable: true },
            Access::Signed => CacheControl::Private { max_age_s: YEAR_S, immutable: true },
        },
        validators: Validators::new(tag, index.first_published(), true),
        coding: None,
        content,
    }
}

/// Segments say what their init segment says, as Apple's authoring specification has it and
/// every player accepts; `video/iso.segment` some do not.
fn content_type(track: &Track) -> &'static str {
    match track.kind {
        TrackKind::Video(_) => "video/mp4",
        TrackKind::Audio(_) => "audio/mp4",
        TrackKind::Text(_) => "text/vtt",
    }
}

fn container_of(track: &Track) -> Container {
    match track.kind {
        TrackKind::Video(_) | TrackKind::Audio(_) => Container::Cmaf,
        TrackKind::Text(_) => Container::WebVtt,
    }
}

fn unreadable(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "cannot read what an index names");
    Problem::unavailable()
}
