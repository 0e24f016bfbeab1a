//! Where a video plays.

use std::net::IpAddr;

use kinora_http::Timestamp;
use kinora_media::playback::{
    CHAPTERS, DASH_MANIFEST, HLS_MANIFEST, LICENSE, POSTER, SMALL_POSTER, STORYBOARD,
    mint_bound_token, mint_token, path,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{config::CatalogueConfig, model::Visibility, repository::view::VideoRow};

/// Addresses for players and people.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlaybackLinks {
    /// Which encode. A playback session keeps its version.
    version: u32,
    /// The HLS multivariant playlist.
    hls_url: String,
    /// The DASH manifest.
    dash_url: String,
    /// Where players ask for licences as ClearKey has it, should the video turn out to be encrypted;
    /// null for a public one, which never is.
    #[schema(required)]
    license_url: Option<String>,
    /// The watch page.
    watch_url: String,
    /// A picture to show before playback, JPEG; null until it is made, and for audio only.
    #[schema(required)]
    poster_url: Option<String>,
    /// The same for lists, at most 320 pixels wide.
    #[schema(required)]
    small_poster_url: Option<String>,
    /// What a seek bar shows: WebVTT whose cues name parts of sheets (`#xywh=`).
    #[schema(required)]
    storyboard_url: Option<String>,
    /// Chapters as WebVTT; null if there are none.
    #[schema(required)]
    chapters_url: Option<String>,
    /// When the addresses stop working; null for a public video.
    #[schema(required)]
    token_expires_at: Option<Timestamp>,
}

const SECOND_US: i64 = 1_000_000;
const HOUR_S: i64 = 3600;

/// What opens a private video.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Token<'a> {
    /// That of a viewer, so that whoever holds one cannot lengthen its life.
    Carried(&'a str),
    /// A new one, for clients at this address alone if one is given.
    New(Option<IpAddr>),
}

/// The addresses of a video that can be played. A private one's carry a token.
pub(crate) fn links(
    config: &CatalogueConfig,
    row: &VideoRow,
    token: Token<'_>,
    now_us: i64,
) -> Option<PlaybackLinks> {
    let media = row.media.as_ref().filter(|_| row.state.has_playback())?;
    let version = media.playback_version?;
    let token = match row.visibility {
        Visibility::Public => None,
        Visibility::Private => Some(match token {
            Token::Carried(token) => (token.to_owned(), expiry_s(token)?),
            Token::New(client) => mint(config, row, media.duration_us, client, now_us)?,
        }),
    };
    let (text, expires_s) = token.unzip();
    let text = text.as_deref();
    let file = |name| format!("{}{}", config.origin_public_url, path(text, row.id, version, name));
    let query = text.map(|token| format!("?token={token}")).unwrap_or_default();
    let picture = |name| media.pictures.then(|| file(name));
    Some(PlaybackLinks {
        version,
        poster_url: picture(POSTER),
        small_poster_url: picture(SMALL_POSTER),
        storyboard_url: picture(STORYBOARD),
        chapters_url: (!media.chapters.is_empty()).then(|| file(CHAPTERS)),
        hls_url: file(HLS_MANIFEST),
        dash_url: file(DASH_MANIFEST),
        license_url: text.map(|_| file(LICENSE)),
        watch_url: format!("{}/watch/{}{query}", config.gateway_public_url, row.id),
        token_expires_at: expires_s.map(|s: i64| Timestamp(s.saturating_mul(SECOND_US))),
    })
}

/// A token that outlives one viewing with pauses: the duration and six hours, at least twelve.
/// No key, no token: then nothing private plays.
fn mint(
    config: &CatalogueConfig,
    row: &VideoRow,
    duration_us: u64,
    client: Option<IpAddr>,
    now_us: i64,
) -> Option<(String, i64)> {
    let keys = config.token_keys.get();
    let key = keys.first()?;
    let duration_s = i64::try_from(duration_us).unwrap_or(i64::MAX).div_euclid(SECOND_US);
    let life_s = duration_s.saturating_add(6 * HOUR_S).max(12 * HOUR_S);
    let expires_s = now_us.div_euclid(SECOND_US).saturating_add(life_s);
    let token = match client {
        Some(client) => mint_bound_token(key, row.id, expires_s, client),
        None => mint_token(key, row.id, expires_s),
    };
    Some((token, expires_s))
}

/// The expiry inside a verified token: `~{key id}~{expiry}~{signature}`.
fn expiry_s(token: &str) -> Option<i64> {
    token.split('~').nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use kinora_media::{AccountId, VideoId, playback::TokenKey};

    use super::*;
    use crate::{model::State, repository::view::MediaRow};

    fn row(visibility: Visibility, hours: u64) -> VideoRow {
        VideoRow {
            id: "01890a5d-ac96-774b-bcce-b302099a8057".parse::<VideoId>().unwrap(),
            account: AccountId::new("ada").unwrap(),
            title: "T".into(),
            visibility,
            file_name: None,
            size: None,
            profile: None,
            priority: kinora_media::Priority::default(),
            state: State::Playable,
            reason: None,
            created_at_us: 0,
            updated_at_us: 0,
            media: Some(MediaRow {
                duration_us: hours * 3_600_000_000,
                width: 2,
                height: 2,
                warnings: Vec::new(),
                playback_version: Some(3),
                pictures: false,
                chapters: Vec::new(),
            }),
            upload: None,
        }
    }

    fn config() -> CatalogueConfig {
        let key = TokenKey { id: "k".into(), secret: vec![1; 32] };
        CatalogueConfig::new("/nowhere".into(), "http://o", "http://g", vec![key])
    }

    #[test]
    fn tokens_live_as_long_as_a_viewing_may_last() {
        let expiry = |hours| {
            let links =
                links(&config(), &row(Visibility::Private, hours), Token::New(None), 1_000_000)
                    .unwrap();
            links.token_expires_at.unwrap().0 / 1_000_000 - 1
        };
        assert_eq!(expiry(1), 12 * 3600);
        assert_eq!(expiry(10), 16 * 3600);
    }

    #[test]
    fn a_viewer_keeps_the_token_that_let_them_in() {
        let (config, row) = (config(), row(Visibility::Private, 1));
        let token = mint_token(&config.token_keys.get()[0], row.id, 99);
        let links = links(&config, &row, Token::Carried(&token), 1_000_000).unwrap();
        assert_eq!(links.hls_url, format!("http://o/media/{token}/{}/3/hls.m3u8", row.id));
        assert_eq!(links.watch_url, format!("http://g/watch/{}?token={token}", row.id));
        assert_eq!(links.token_expires_at, Some(Timestamp(99_000_000)));
    }

    #[test]
    fn public_videos_have_plain_addresses() {
        let row = row(Visibility::Public, 1);
        let links = links(&config(), &row, Token::Carried("~x~1~y"), 0).unwrap();
        assert_eq!(links.dash_url, format!("http://o/media/{}/3/dash.mpd", row.id));
        assert_eq!(links.watch_url, format!("http://g/watch/{}", row.id));
        assert_eq!(links.token_expires_at, None);
    }
}
