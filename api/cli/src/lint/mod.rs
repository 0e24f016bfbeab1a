//! Checks playlists where they lie: loads them and those that they name, holds them against each
//! other, and reads those again that go on.

mod load;
mod place;
mod progress;
mod tell;
mod watch;

use std::collections::BTreeSet;
use std::time::Duration;

use kinora_packager::lint::{self, Finding, Media, Outline, Severity};

use crate::failure::Failure;
use load::{Loader, Unloaded};
use place::Place;
use tell::Teller;
use watch::Live;

/// Playlists that are looked at, at most: a hostile one could name thousands.
const MAX_PLAYLISTS: usize = 1000;

/// What to check.
#[derive(Debug)]
pub(crate) struct Job {
    /// Files and addresses.
    pub(crate) names: Vec<String>,
    /// Only what is named.
    pub(crate) alone: bool,
    /// How long to read again what goes on; `None` is until it has grown.
    pub(crate) watch: Option<Duration>,
    pub(crate) json: bool,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) playlists: usize,
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
}

/// Checks all.
pub(crate) async fn lint(job: &Job) -> Result<Counts, Failure> {
    let places = job.names.iter().map(|name| Place::parse(name));
    let places = places.collect::<Result<Vec<_>, _>>()?;
    let mut run = Run {
        loader: Loader::new()?,
        teller: Teller::new(job.json),
        known: BTreeSet::new(),
        live: Vec::new(),
    };
    for place in places {
        if !run.is_new(&place) {
            continue;
        }
        let loaded = run.load(&place).await.map_err(|unloaded| unloaded.of(&place))?;
        let (bytes, place) = loaded;
        run.presentation(&place, &bytes, job.alone).await?;
    }
    let live = std::mem::take(&mut run.live);
    watch::watch(live, job.watch, &mut run.loader, &mut run.teller).await?;
    let Teller { errors, warnings, .. } = run.teller;
    Ok(Counts { playlists: run.known.len(), errors, warnings })
}

struct Run {
    loader: Loader,
    teller: Teller,
    known: BTreeSet<Place>,
    /// What goes on, on servers: files do not grow while they are looked at.
    live: Vec<Live>,
}

impl Run {
    fn is_new(&mut self, place: &Place) -> bool {
        self.known.len() < MAX_PLAYLISTS && self.known.insert(place.clone())
    }

    async fn load(&mut self, place: &Place) -> Result<(Vec<u8>, Place), Unloaded> {
        self.teller.progress.say(&format!("{place}"));
        self.loader.load(place).await
    }

    /// Checks a playlist, and if it names others those too.
    async fn presentation(
        &mut self,
        place: &Place,
        bytes: &[u8],
        alone: bool,
    ) -> Result<(), Failure> {
        let report = lint::playlist(bytes);
        self.teller.tell(place, &report.findings)?;
        let main = match report.outline {
            Outline::Multivariant(main) => main,
            Outline::Media(media) => {
                self.keep(place, media);
                return Ok(());
            }
        };
        let mut named: Vec<(&String, Place, Media)> = Vec::new();
        for name in report.playlists.iter().filter(|_| !alone) {
            let Some(beside) = place.beside(name) else { continue };
            if self.is_new(&beside)
                && let Some(media) = self.media(&beside).await?
            {
                named.push((name, beside, media));
            }
        }
        let media: Vec<_> = named.iter().map(|(name, _, media)| (name.as_str(), media)).collect();
        for (name, finding) in lint::renditions(&main, &media) {
            if let Some((_, place, _)) = named.iter().find(|(known, ..)| *known == name) {
                self.teller.tell(place, &[finding])?;
            }
        }
        named.into_iter().for_each(|(_, place, media)| self.keep(&place, media));
        Ok(())
    }

    /// Checks one that another names; `None` where it is none of media.
    async fn media(&mut self, place: &Place) -> Result<Option<Media>, Failure> {
        let bytes = match self.load(place).await {
            Ok((bytes, _)) => bytes,
            Err(Unloaded::Status(status)) => {
                let message = format!("it is named, and the server answers {status}");
                let severity = Severity::Error;
                let finding = Finding { line: 1, severity, clause: "6.2.4", message };
                self.teller.tell(place, &[finding])?;
                return Ok(None);
            }
            Err(Unloaded::Other(failure)) => return Err(failure),
        };
        let report = lint::playlist(&bytes);
        self.teller.tell(place, &report.findings)?;
        match report.outline {
            Outline::Media(media) => Ok(Some(media)),
            Outline::Multivariant(_) => Ok(None),
        }
    }

    fn keep(&mut self, place: &Place, media: Media) {
        if matches!(place, Place::Url(_)) && !media.has_ended() {
            self.live.push(Live::new(place.clone(), media));
        }
    }
}
