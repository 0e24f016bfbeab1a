//! Media of encrypted videos: what the index names, sealed.

use kinora_media::{FIRST_INIT, Head, Track, TrackKind};

use super::Origin;
use crate::{
    cache::{Got, Seal},
    http::{Content, Problem, Resource},
    index::Index,
    route::File,
};

impl Origin {
    /// What players get of `clear`, and how that was come by: the same where it is not encrypted.
    pub(super) async fn sealed(
        &self,
        index: &Index,
        file: &File,
        clear: Resource,
    ) -> Result<(Resource, Got), Problem> {
        let head = &index.head;
        let (track, number) = match file {
            File::Init { track, .. } => (track, None),
            File::Segment { track, number, .. } => (track, Some(*number)),
            _ => return Ok((clear, Got::Hit)),
        };
        let track = head.track(track).ok_or_else(Problem::not_found)?;
        if matches!(track.kind, TrackKind::Text(_)) {
            return Ok((clear, Got::Hit));
        }
        let init = match file {
            File::Init { name, .. } => name,
            _ => self.init_of(index, track, number.unwrap_or_default()).await?,
        };
        let cipher = self.secrets.cipher(index, track, init, &self.media).await?;
        let (Some(cipher), Some(key)) = (cipher, self.secrets.key(index).await?) else {
            return Ok((clear, Got::Hit));
        };
        // Other bytes than the clear ones, and than those under another key.
        let form = &key.key.id.to_string()[..8];
        let validators = clear.validators.in_form(form);
        let (content, got) = match (number, clear.content) {
            (None, _) => (Content::Bytes(cipher.init().clone()), Got::Hit),
            (Some(number), Content::File(file)) => {
                let number = u32::try_from(number).map_err(|_| Problem::not_found())?;
                let seal = Seal { cipher, number, clear: file.range };
                let sealed = self.media.sealed(&file.key, seal).await.map_err(|error| {
                    tracing::error!(%error, "cannot encrypt an object the index names");
                    Problem::unavailable()
                })?;
                let (file, got) = sealed.ok_or_else(Problem::not_found)?;
                (Content::File(file), got)
            }
            (Some(_), content) => (content, Got::Hit),
        };
        Ok((Resource { validators, content, ..clear }, got))
    }

    /// The initialisation segment that a segment of a track belongs to.
    async fn init_of<'a>(
        &self,
        index: &'a Index,
        track: &Track,
        number: u64,
    ) -> Result<&'a str, Problem> {
        let head = &index.head;
        if head.periods.is_empty() || !matches!(track.kind, TrackKind::Video(_)) {
            return Ok(FIRST_INIT);
        }
        let found = index.segment(&self.pages, &track.id, number).await.map_err(|error| {
            tracing::error!(%error, "cannot read the segment index");
            Problem::unavailable()
        })?;
        let start = found.ok_or_else(Problem::not_found)?.start;
        Ok(init_at(head, track, start))
    }
}

/// The initialisation segment of what begins at `start` ticks of a video track.
fn init_at<'a>(head: &'a Head, track: &Track, start: u64) -> &'a str {
    let begun = head.periods.iter().rfind(|period| {
        let (begin, at) = (u128::from(period.start), u128::from(start));
        begin * u128::from(track.timescale) <= at * u128::from(period.timescale)
    });
    begun.or(head.periods.first()).map_or(FIRST_INIT, |period| &period.init)
}
