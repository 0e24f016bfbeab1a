//! Objects that nobody needs, and nobody can be about to name: pure.

use kinora_http::sweep::StrayKind;
use kinora_store::{ObjectMeta, keys};

use super::{
    gather::{Encode, Evidence, Index},
    named::{may_stand, named},
};
use crate::state::VideoState;

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stray<'a> {
    pub(super) object: &'a ObjectMeta,
    pub(super) kind: StrayKind,
    /// A sentence.
    pub(super) why: &'static str,
}

/// All of a video, young ones too.
pub(super) fn strays(evidence: &Evidence) -> Vec<Stray<'_>> {
    let stray = |why| move |object| Stray { object, kind: StrayKind::Object, why };
    let mut strays = Vec::new();
    for encode in evidence.encodes.iter().filter(|encode| encode.open_jobs == 0) {
        match encode.row.state {
            VideoState::Queued | VideoState::Encoding => {}
            VideoState::Ready => {
                let lost = stray("an attempt that lost left it behind");
                strays.extend(unnamed(evidence, encode).map(lost));
            }
            // Else what is there of it goes with the chore.
            VideoState::Failed | VideoState::Cancelled if encode.chore.is_none() => {
                let left = evidence.stored_in(&evidence.folder_of(encode));
                strays.extend(left.map(|(_, object)| object).map(stray("its encode was removed")));
            }
            VideoState::Failed | VideoState::Cancelled => {}
        }
    }
    strays.extend(of_no_encode(evidence).map(stray("no encode in the database is its")));
    strays.extend(secrets(evidence).map(stray("nothing is encrypted with it")));
    strays.extend(sources(evidence));
    strays
}

/// Objects of an encode that nothing names. What an index that cannot be read may name stays.
pub(super) fn unnamed<'a>(
    evidence: &'a Evidence,
    encode: &'a Encode,
) -> impl Iterator<Item = &'a ObjectMeta> {
    let named = named(encode);
    let readable = matches!(encode.index, Index::Read { .. });
    let stored = evidence.stored_in(&evidence.folder_of(encode));
    stored.filter_map(move |(name, object)| {
        let spared = !readable && name.starts_with("index/");
        let stands = named.contains_key(name) || may_stand(encode, name) || spared;
        (!stands).then_some(object)
    })
}

/// Media of versions that are in no row.
pub(super) fn of_no_encode(evidence: &Evidence) -> impl Iterator<Item = &ObjectMeta> {
    let folders: Vec<_> = evidence.encodes.iter().map(|of| evidence.folder_of(of)).collect();
    let media = evidence.stored_in(&keys::media_folder(evidence.video)).map(|(_, object)| object);
    media.filter(move |object| !folders.iter().any(|of| object.key.as_str().starts_with(of)))
}

/// Content keys of versions that are in no row, or were removed. What is stored is clear, so none of them
/// is missed.
fn secrets(evidence: &Evidence) -> impl Iterator<Item = &ObjectMeta> {
    let removed = |encode: &Encode| {
        let ended = matches!(encode.row.state, VideoState::Failed | VideoState::Cancelled);
        ended && encode.chore.is_none() && encode.open_jobs == 0
    };
    let kept = evidence.encodes.iter().filter(move |encode| !removed(encode));
    let kept: Vec<_> = kept.map(|encode| encode.row.version.to_string()).collect();
    let stored = evidence.stored_in(&keys::secret_folder(evidence.video));
    stored.filter_map(move |(version, object)| {
        (!kept.iter().any(|of| of == version)).then_some(object)
    })
}

/// What was uploaded stays until its video is deleted.
fn sources(evidence: &Evidence) -> impl Iterator<Item = Stray<'_>> {
    let encodes = &evidence.encodes;
    let over = |encode: &Encode| {
        encode.row.state == VideoState::Cancelled && encode.chore.is_none() && encode.open_jobs == 0
    };
    let found = match encodes.is_empty() {
        true => Some((StrayKind::Source, "nothing was heard of its upload")),
        false => encodes.iter().all(over).then_some((StrayKind::Object, "its video was deleted")),
    };
    let stored = evidence.stored_in(&keys::source_folder(evidence.video)).map(|(_, object)| object);
    stored.filter_map(move |object| found.map(|(kind, why)| Stray { object, kind, why }))
}
