//! What is answered to who watches a live stream.

use std::time::Duration;

use bytes::Bytes;
use kinora_media::Access;

use super::{
    Directives, Stream,
    directives::Bad,
    track::{Missing, Written},
};
use crate::{
    Metrics,
    http::{CacheControl, Coding, Content, Problem, Resource, Validators},
    route::LiveFile,
};

/// Parts and segments do not change, and are of no use to anyone after a while.
const MEDIA_LIFE_S: u32 = 60;
const PLAYLIST: &str = "application/vnd.apple.mpegurl";

impl Stream {
    /// A file of the stream, once it is there.
    pub(crate) async fn file(
        &self,
        file: &LiveFile,
        query: &str,
        coding: Coding,
        metrics: &Metrics,
    ) -> Result<Resource, Problem> {
        let LiveFile::Track { track, file } = file else {
            let text = self.multivariant().ok_or_else(Problem::not_published)?;
            let bytes = coding.encode(text.into()).map_err(|_| Problem::internal())?;
            return Ok(self.resource(PLAYLIST, 1, false, bytes, "hls", Some(coding)));
        };
        let track = self.track(track).ok_or_else(Problem::not_found)?;
        let tag = |name: String| format!("{}-{name}", track.id);
        use crate::route::LiveTrackFile as F;
        let (bytes, tag) = match *file {
            F::Playlist => {
                let directives = Directives::read(query).map_err(Missing::Bad);
                let waited = async {
                    let reports = || self.reports(&track.id);
                    track.playlist(directives?, coding, reports, metrics).await
                };
                let Written { bytes, hash } =
                    waited.await.map_err(|missing| problem(missing, true))?;
                let life_s = playlist_life_s(track.target_duration(), query);
                let tag = tag(format!("{hash:x}"));
                return Ok(self.resource(PLAYLIST, life_s, false, bytes, &tag, Some(coding)));
            }
            F::Init => (track.init(), tag("init".to_owned())),
            F::Segment(segment) => (track.segment(segment), tag(segment.to_string())),
            F::Part(segment, part) => {
                let part_of = track.part(segment, part, metrics).await;
                let bytes = part_of.map_err(|missing| problem(missing, false))?;
                (Some(bytes), tag(format!("{segment}-{part}")))
            }
        };
        let bytes = bytes.ok_or_else(Problem::not_found)?;
        let sound = matches!(track.description.media, super::description::Medium::Audio { .. });
        let content_type = if sound { "audio/mp4" } else { "video/mp4" };
        Ok(self.resource(content_type, MEDIA_LIFE_S, true, bytes, &tag, None))
    }

    fn resource(
        &self,
        content_type: &'static str,
        max_age_s: u32,
        immutable: bool,
        bytes: Bytes,
        tag: &str,
        coding: Option<Coding>,
    ) -> Resource {
        let cache = match self.access {
            Access::Public => CacheControl::Public { max_age_s, immutable },
            Access::Signed => CacheControl::Private { max_age_s, immutable },
        };
        // Another stream of the same name has other bytes.
        let began = self.began.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let form = coding.and_then(Coding::token).unwrap_or("plain");
        let tag = format!("{:x}-{tag}-{form}", began.as_micros());
        let validators = Validators::new(&tag, self.began, false);
        Resource { content_type, cache, validators, coding, content: Content::Bytes(bytes) }
    }
}

/// What was waited for is the same for all who ask for the same; what was not changes soon
/// (RFC 8216bis B.1).
fn playlist_life_s(target: Duration, query: &str) -> u32 {
    let target_s = u32::try_from(target.as_secs()).unwrap_or(1);
    let waited = Directives::read(query).is_ok_and(|it| it.wanted.is_some());
    if waited { 6 * target_s } else { target_s / 2 }
}

fn problem(missing: Missing, playlist: bool) -> Problem {
    match missing {
        Missing::NotFound if playlist => Problem::not_published(),
        Missing::NotFound => Problem::not_found(),
        Missing::Late => Problem::late(),
        Missing::Bad(Bad::Unreadable) => Problem::directive("a delivery directive is no number"),
        Missing::Bad(Bad::PartAlone) => Problem::directive("_HLS_part needs _HLS_msn"),
        Missing::Bad(Bad::TooFarAhead) => {
            Problem::directive("the segment or part is too far ahead to wait for")
        }
    }
}
