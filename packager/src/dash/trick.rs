//! Sets for trick play (DASH-IF IOP 4.3, 3.2.9).

use std::convert::Infallible;

use kinora_media::TrackKind;

use super::{
    sets::{alignment, families, family, part, picture_representation, protection, video_sets},
    xml::Xml,
};
use crate::{PackagerError, presentation::Presentation, storyboard};

/// Pictures for winding, not for regular playout; the value is the set they are of.
const TRICK: &str = "http://dashif.org/guidelines/trickmode";

/// Sets of key frames, one for each set of pictures that has such. Their numbers follow those of all
/// others.
pub(super) fn write(
    xml: &mut Xml,
    presentation: &Presentation<'_>,
    period: usize,
) -> Result<(), PackagerError> {
    let storyboards = usize::from(storyboard::listed(presentation.head).is_some());
    let others = presentation.audio().len() + presentation.text().len() + storyboards;
    let mut id = video_sets(presentation) + others;
    for (main, kind) in families(presentation).iter().enumerate() {
        let mut tricks = Vec::new();
        for trick in &presentation.delivery.trick {
            if family(presentation, &trick.track) == *kind {
                let part = part(presentation, &trick.track, period)?;
                tricks.extend(part.map(|part| (trick, part)));
            }
        }
        let Some((first, _)) = tricks.first() else { continue };
        let (own, main) = (id.to_string(), main.to_string());
        id += 1;
        let mut attributes =
            vec![("id", &*own), ("contentType", "video"), ("mimeType", "video/mp4")];
        attributes.extend(alignment(presentation, true));
        let Ok(()) = xml.element("AdaptationSet", &attributes, |xml| {
            protection(xml, presentation, &first.track);
            xml.empty("EssentialProperty", &[("schemeIdUri", TRICK), ("value", &main)]);
            for (trick, part) in &tricks {
                let TrackKind::Video(picture) = &trick.track.kind else { continue };
                let rate = trick.max_playout_rate.to_string();
                let more = [("maxPlayoutRate", &*rate), ("codingDependency", "false")];
                picture_representation(xml, presentation, (&trick.track, picture), &more, part);
            }
            Ok::<(), Infallible>(())
        });
    }
    Ok(())
}
