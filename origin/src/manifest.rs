//! Manifests: rendered once for each revision of a head, by the packager.

use std::{fmt::Write as _, sync::Arc};

use bytes::Bytes;
use kinora_media::{Access, Head, Page, VideoId, playback::KEYS};
use kinora_packager::{PackagerError, ProtectedIndex, crypt::IndexKey, dash, hls, text};
use quick_cache::{
    DefaultHashBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use sha2::{Digest, Sha256};

use crate::{
    Caches,
    cache::bounded,
    http::{CacheControl, Coding, Content, Problem, Resource, Validators},
    index::{Index, IndexId, Pages},
    route::Manifest,
};

/// How long a finished manifest may be kept: it can still be deleted or gain a caption track.
const COMPLETE_MAX_AGE_S: u32 = 60;

/// Room for the manifests of a day, and others beside them.
const PART: u64 = 16 << 20;

/// The rendered manifests in memory.
#[derive(Debug)]
pub(crate) struct Manifests {
    rendered: Cache<(Revision, Coding), Rendered, RenderedWeight>,
}

/// A manifest of one revision of a head: the ETag of its object tells it from any other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Revision {
    index: IndexId,
    head_etag: String,
    manifest: Manifest,
    /// Where an MPD has licences asked for. It holds the token of who asks, so that each token of an
    /// encrypted video has an MPD of its own: players take no address that is relative to it.
    license_url: Option<Arc<str>>,
}

/// What manifests of an encrypted version say besides.
#[derive(Debug, Clone)]
pub(crate) struct Protected {
    pub(crate) key: Arc<IndexKey>,
    pub(crate) license_url: Arc<str>,
}

#[derive(Debug, Clone)]
struct Rendered {
    body: Bytes,
    tag: Arc<str>,
}

#[derive(Debug, Clone)]
struct RenderedWeight;

impl Weighter<(Revision, Coding), Rendered> for RenderedWeight {
    fn weight(&self, _: &(Revision, Coding), rendered: &Rendered) -> u64 {
        256 + rendered.body.len() as u64
    }
}

impl Manifests {
    pub(crate) fn new(caches: &Caches) -> Self {
        let options = bounded(caches.manifest_bytes, PART, 16 << 10);
        let (hasher, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        Self { rendered: Cache::with_options(options, RenderedWeight, hasher, lifecycle) }
    }

    /// A manifest of the present revision.
    pub(crate) async fn get(
        &self,
        index: &Index,
        pages: &Pages,
        manifest: Manifest,
        coding: Coding,
        protected: Option<Protected>,
    ) -> Result<Resource, Problem> {
        let content_type = match manifest {
            Manifest::Hls | Manifest::Track(_) | Manifest::IFrames(_) => {
                "application/vnd.apple.mpegurl"
            }
            Manifest::Dash => "application/dash+xml",
            Manifest::Storyboard | Manifest::Chapters => "text/vtt",
        };
        let is_dash = manifest == Manifest::Dash;
        let license_url = protected.as_ref().filter(|_| is_dash).map(|it| it.license_url.clone());
        let head_etag = index.etag.clone();
        let revision = Revision { index: index.id, head_etag, manifest, license_url };
        let rendered = self.coded(index, pages, revision, coding, protected).await?;
        Ok(Resource {
            content_type,
            cache: cache_control(index),
            validators: Validators::new(&rendered.tag, index.published(), !index.is_growing()),
            coding: Some(coding),
            content: Content::Bytes(rendered.body),
        })
    }

    /// Forgets a video.
    pub(crate) fn purge(&self, video: VideoId) {
        self.rendered.retain(|(revision, _), _| revision.index.video != video);
    }

    /// A manifest in the form a client takes, made once for each.
    async fn coded(
        &self,
        index: &Index,
        pages: &Pages,
        revision: Revision,
        coding: Coding,
        protected: Option<Protected>,
    ) -> Result<Rendered, Problem> {
        let key = (revision, Coding::Identity);
        let plain = match self.rendered.get(&key) {
            Some(plain) => plain,
            None => {
                // Before one of those who wait is chosen to render: should it fail, none tries again.
                let pages = pages.all(index.id, &index.head).await.map_err(|error| {
                    tracing::error!(video.id = %index.id.video, %error, "cannot read the segment index");
                    Problem::unavailable()
                })?;
                let render = || render(index, &pages, &key.0.manifest, protected.as_ref());
                self.rendered.get_or_insert_with(&key, render)?
            }
        };
        if coding == Coding::Identity {
            return Ok(plain);
        }
        let key = (key.0, coding);
        self.rendered.get_or_insert_async(&key, encode(plain, coding)).await
    }
}

fn cache_control(index: &Index) -> CacheControl {
    let max_age_s =
        if index.is_growing() { index.head.target_duration_s / 2 } else { COMPLETE_MAX_AGE_S };
    match index.head.access {
        Access::Public => CacheControl::Public { max_age_s, immutable: false },
        Access::Signed => CacheControl::Private { max_age_s, immutable: false },
    }
}

/// Another form of what was rendered. Its tag is another too: it is other bytes.
async fn encode(plain: Rendered, coding: Coding) -> Result<Rendered, Problem> {
    let tag = format!("{}-{}", plain.tag, coding.token().unwrap_or_default()).into();
    // Long manifests take milliseconds, in which others want to be served.
    let encoded = tokio::task::spawn_blocking(move || coding.encode(plain.body)).await;
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "cannot encode a manifest");
        Problem::internal()
    };
    let body = encoded.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    Ok(Rendered { body, tag })
}

fn render(
    index: &Index,
    pages: &[Arc<Page>],
    manifest: &Manifest,
    protected: Option<&Protected>,
) -> Result<Rendered, Problem> {
    let pages: Vec<_> = pages.iter().map(|page| Page::clone(page)).collect();
    let protected = protected.and_then(|it| {
        let uri = format!("{KEYS}/{}", it.key.key.id);
        ProtectedIndex::new(&index.head, &it.key, &uri, &it.license_url)
    });
    match rendered(&index.head, &pages, manifest, protected.as_ref()) {
        Ok(Some(text)) => {
            // Of what is said, not of the revision: another build may say it differently.
            let hash = Sha256::digest(&text);
            let tag = hash[..16].iter().fold(String::new(), |mut tag, byte| {
                let _ = write!(tag, "{byte:02x}");
                tag
            });
            Ok(Rendered { body: text.into(), tag: tag.into() })
        }
        Ok(None) => Err(Problem::not_found()),
        Err(PackagerError::NothingPublished { .. }) => Err(Problem::not_published()),
        Err(PackagerError::Deleted) => Err(Problem::deleted()),
        Err(error) => {
            tracing::error!(video.id = %index.id.video, %error, "cannot render a manifest");
            Err(Problem::internal())
        }
    }
}

fn rendered(
    head: &Head,
    pages: &[Page],
    which: &Manifest,
    protected: Option<&ProtectedIndex>,
) -> Result<Option<String>, PackagerError> {
    match (which, protected) {
        (Manifest::Hls, None) => hls::multivariant(head, pages).map(Some),
        (Manifest::Hls, Some(protected)) => protected.multivariant(head, pages).map(Some),
        (Manifest::Dash, None) => dash::mpd(head, pages).map(Some),
        (Manifest::Dash, Some(protected)) => protected.mpd(head, pages),
        (Manifest::Track(track), None) => hls::media_playlist(head, pages, track),
        (Manifest::Track(track), Some(protected)) => protected.media_playlist(head, pages, track),
        (Manifest::IFrames(track), None) => hls::i_frame_playlist(head, pages, track),
        // Where key frames end is not known of what is not sealed yet.
        (Manifest::IFrames(_), Some(_)) => Ok(None),
        (Manifest::Storyboard, _) => Ok(head
            .pictures
            .as_ref()
            .map(|pictures| text::thumbnails(&pictures.storyboard, head.duration_us))),
        (Manifest::Chapters, _) if head.chapters.is_empty() => Ok(None),
        (Manifest::Chapters, _) => Ok(Some(text::chapters(&head.chapters))),
    }
}
