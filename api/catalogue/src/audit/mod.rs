//! Whether the catalogue's rows, its spool and what players are shown say the same: its half of what
//! `kinora admin verify` asks.
//!
//! Transcoding's half holds its rows against the store; a head is what its rows say, so that what is
//! compared with heads here is compared with them. Events are on their way for a while: what
//! disagrees is *pending* until it is old.

mod gather;
mod judge;

use kinora_http::audit::{Finding, Severity, Verified};
use kinora_media::VideoId;

use crate::{core::Core, error::Error};

/// How often a video that changes while it is looked at is looked at again.
const TRIES: usize = 3;

/// Looks at the next `limit` videos after `after`, in the order of their ids: those of the catalogue
/// and those that have media in the store. With the first of them, at uploads and the spool.
pub(crate) async fn verify(
    core: &Core,
    after: Option<VideoId>,
    limit: u32,
) -> Result<Verified, Error> {
    let mut verified = Verified::default();
    if after.is_none() {
        verified.findings.extend(judge::uploads(&gather::uploads(core).await?));
    }
    let mut last = after;
    for _ in 0..limit {
        let Some(video) = gather::next(core, last).await? else { return Ok(verified) };
        verified.videos += 1;
        verified.findings.extend(look_at(core, video).await?);
        last = Some(video);
    }
    Ok(Verified { next: last, ..verified })
}

async fn look_at(core: &Core, video: VideoId) -> Result<Vec<Finding>, Error> {
    for _ in 0..TRIES {
        let evidence = gather::gather(core, video).await?;
        let findings = judge::video(&evidence);
        let faulty = findings.iter().any(|finding| finding.severity == Severity::Fault);
        if !faulty || gather::rows(core, video).await? == evidence.rows {
            return Ok(findings);
        }
    }
    Ok(vec![Finding {
        video: Some(video),
        version: None,
        severity: Severity::Pending,
        code: "changing",
        message: "it changed each time it was looked at".to_owned(),
    }])
}
