//! What an encode has in the store: the objects that something names.

use std::collections::BTreeMap;

use kinora_media::{Head, TrackId, TrackKind, init_name};
use kinora_store::keys;

use super::gather::{Encode, Index};
use crate::state::VideoState;

/// Parameter sets a title can have: those of its first encoder, and those after a switch.
const GENERATIONS: u32 = 2;

/// Bytes an object must have at least, by its name below the folder of the encode.
pub(super) type Named = BTreeMap<String, u64>;

/// What accepted results and the index name.
pub(super) fn named(encode: &Encode) -> Named {
    let mut named = accepted(encode);
    if let Index::Read { head, .. } = &encode.index {
        named.extend(listed(head));
    }
    named
}

/// What a worker writes before its result counts, and what every result of a track shares.
pub(super) fn may_stand(encode: &Encode, name: &str) -> bool {
    let Some((track, file)) = name.split_once('/') else { return false };
    let is_init = (0..GENERATIONS).any(|generation| file == init_name(generation));
    let known = encode.accepted.keys().any(|known| known.as_str() == track);
    is_init && (known || encode.row.state != VideoState::Ready)
}

/// The objects of accepted results.
fn accepted(encode: &Encode) -> Named {
    let mut named = Named::new();
    for (track, entries) in &encode.accepted {
        for entry in entries {
            let bytes = entry.segments.iter().map(|segment| segment.size).sum();
            named.insert(format!("{track}/{}", entry.object), bytes);
        }
    }
    let texts = encode.extras.texts.iter();
    named.extend(texts.map(|text| (format!("{}/{}", text.track, text.object), text.size)));
    named.extend(pictures(encode.extras.pictures.iter()));
    let texts = encode.row.frozen.iter().flat_map(|frozen| &frozen.texts);
    named.extend(texts.map(|text| (format!("{}/{}", text.track, text.object), text.size)));
    named
}

fn pictures<'a>(pictures: impl Iterator<Item = &'a kinora_media::Pictures>) -> Named {
    let objects = pictures.flat_map(kinora_media::Pictures::objects);
    objects.map(|object| (format!("{}/{object}", keys::PICTURES), 1)).collect()
}

/// The objects a head needs beside those of accepted results.
fn listed(head: &Head) -> Named {
    let mut named = Named::from([("index/head.json".to_owned(), 1)]);
    named.extend(head.pages.iter().map(|page| (format!("index/{}", page.object), 1)));
    for track in head.tracks.iter().filter(|track| !matches!(track.kind, TrackKind::Text(_))) {
        if has_segments(head, &track.id) {
            named.extend(head.inits(track).into_iter().map(|i| (format!("{}/{i}", track.id), 1)));
        }
    }
    named.extend(pictures(head.pictures.iter()));
    named
}

fn has_segments(head: &Head, track: &TrackId) -> bool {
    head.tail.tracks.contains_key(track)
        || head.pages.iter().any(|p| p.segments.contains_key(track))
}
