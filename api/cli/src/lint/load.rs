//! Loads playlists, in bounds of size, time and redirects.

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use kinora_packager::lint::MAX_BYTES;
use reqwest::{StatusCode, Url, redirect};

use super::place::Place;
use crate::failure::{Exit, Failure};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_REDIRECTS: usize = 5;
/// Bytes of all playlists together: what is kept of them is about as much.
const MAX_TOTAL: usize = 64 << 20;

/// What loads.
pub(super) struct Loader {
    http: reqwest::Client,
    left: usize,
}

/// Why something was not loaded.
pub(super) enum Unloaded {
    /// The server has it not, or not for us.
    Status(StatusCode),
    Other(Failure),
}

impl Loader {
    pub(super) fn new() -> Result<Self, Failure> {
        // Failing means that another provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(concat!("kinora/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(redirect::Policy::limited(MAX_REDIRECTS))
            .build()
            .map_err(|error| Failure::new(Exit::Failed, "internal", error.to_string()))?;
        Ok(Self { http, left: MAX_TOTAL })
    }

    /// At most a byte more than is looked at, so that a longer one is noticed; and where it was after
    /// redirections, from which its names count.
    pub(super) async fn load(&mut self, place: &Place) -> Result<(Vec<u8>, Place), Unloaded> {
        let (bytes, place) = match place {
            Place::File(_) if self.left == 0 => return Err(too_much(place)),
            Place::File(path) => {
                let unread = |error| Failure::usage(format!("{}: {error}", path.display()));
                let mut bytes = Vec::new();
                File::open(path)
                    .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
                    .map_err(|error| Unloaded::Other(unread(error)))?;
                (bytes, place.clone())
            }
            Place::Url(url) => self.fetch(url).await?,
        };
        let left = self.left.checked_sub(bytes.len());
        self.left = left.ok_or_else(|| too_much(&place))?;
        Ok((bytes, place))
    }

    /// The same again, which counts once.
    pub(super) async fn reload(&mut self, place: &Place) -> Result<(Vec<u8>, Place), Unloaded> {
        let left = std::mem::replace(&mut self.left, MAX_TOTAL);
        let loaded = self.load(place).await;
        self.left = left;
        loaded
    }

    async fn fetch(&self, url: &Url) -> Result<(Vec<u8>, Place), Unloaded> {
        let failed = |error: reqwest::Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let cause = cause.unwrap_or_else(|| error.to_string());
            Unloaded::Other(Failure::new(Exit::TryAgain, "unreachable", format!("{url}: {cause}")))
        };
        let mut answer = self.http.get(url.clone()).send().await.map_err(failed)?;
        if !answer.status().is_success() {
            return Err(Unloaded::Status(answer.status()));
        }
        let place = Place::Url(answer.url().clone());
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            let room = (MAX_BYTES + 1).saturating_sub(bytes.len());
            bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() >= room {
                break;
            }
        }
        Ok((bytes, place))
    }
}

impl Unloaded {
    /// How a command ends that cannot do without.
    pub(super) fn of(self, place: &Place) -> Failure {
        match self {
            Self::Other(failure) => failure,
            Self::Status(status) => {
                let exit = if status.is_server_error() { Exit::TryAgain } else { Exit::Failed };
                let exit =
                    if status == StatusCode::TOO_MANY_REQUESTS { Exit::TryAgain } else { exit };
                Failure::new(exit, "not_loaded", format!("{place}: the server answers {status}"))
            }
        }
    }
}

fn too_much(place: &Place) -> Unloaded {
    let what = format!("{place}: playlists of more than 64 MiB together");
    Unloaded::Other(Failure::new(Exit::Failed, "too_large", what).help("Check fewer at once."))
}
