//! Reads playlists again that go on, and holds each version against the one before.

use std::time::{Duration, Instant};

use kinora_packager::lint::{self, Media, Outline};

use super::load::Loader;
use super::place::Place;
use super::tell::Teller;
use crate::failure::Failure;

/// The shortest wait between two reads.
const SHORTEST: Duration = Duration::from_millis(500);

/// A playlist that goes on.
pub(super) struct Live {
    pub(super) place: Place,
    pub(super) media: Media,
    /// Since when its newest segment has been there, at least.
    grown_at: Instant,
    /// Whether nothing more is to be learnt of it.
    is_done: bool,
}

impl Live {
    pub(super) fn new(place: Place, media: Media) -> Self {
        Self { place, media, grown_at: Instant::now(), is_done: false }
    }
}

/// Reads all for so long; where that is not said, until each has grown, ended, or is late.
pub(super) async fn watch(
    mut all: Vec<Live>,
    length: Option<Duration>,
    loader: &mut Loader,
    teller: &mut Teller,
) -> Result<(), Failure> {
    let began = Instant::now();
    let mut has_grown = false;
    loop {
        let is_over = |live: &Live| live.media.has_ended() || (length.is_none() && live.is_done);
        all.retain(|live| !is_over(live));
        let left = length.map(|length| length.saturating_sub(began.elapsed()));
        if all.is_empty() || left.is_some_and(|left| left.is_zero()) {
            return Ok(());
        }
        let target_s = all.iter().filter_map(|live| live.media.target_duration_s()).min();
        let target = Duration::from_secs(target_s.unwrap_or(1).clamp(1, 60));
        // Clients wait so, too (6.3.4).
        let wait = if has_grown { target } else { target / 2 }.max(SHORTEST);
        teller.progress.say(&format!("watching {} playlists grow", all.len()));
        tokio::time::sleep(left.map_or(wait, |left| wait.min(left))).await;
        has_grown = false;
        let mut kept = Vec::with_capacity(all.len());
        for live in all {
            let (live, grown) = reload(live, loader, teller).await?;
            has_grown |= grown;
            kept.extend(live);
        }
        all = kept;
    }
}

/// What is left to watch of it, and whether it grew.
async fn reload(
    mut live: Live,
    loader: &mut Loader,
    teller: &mut Teller,
) -> Result<(Option<Live>, bool), Failure> {
    let waited = live.grown_at.elapsed();
    let bytes = match loader.reload(&live.place).await {
        Ok((bytes, _)) => bytes,
        // It may be taken away at any time.
        Err(unloaded) => {
            let why = unloaded.of(&live.place).what;
            teller.progress.beside(|| eprintln!("note: {}", crate::terminal::format::line(&why)));
            return Ok((None, false));
        }
    };
    let Outline::Media(media) = lint::playlist(&bytes).outline else { return Ok((None, false)) };
    teller.tell(&live.place, &lint::growth(&live.media, &media))?;
    let grown = media.end() > live.media.end();
    if grown {
        (live.grown_at, live.is_done) = (Instant::now(), true);
    } else if let Some(late) = lint::is_late(&media, waited) {
        if !live.is_done {
            teller.tell(&live.place, &[late])?;
        }
        live.is_done = true;
    }
    live.media = media;
    Ok((Some(live), grown))
}
