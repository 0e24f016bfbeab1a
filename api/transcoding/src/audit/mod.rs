//! Whether database, objects and segment index say the same: what `kinora admin verify` asks; and
//! what nobody needs, which `kinora admin sweep` removes.
//!
//! The invariant: an accepted upload ends ready, or failed with a reason; all its jobs are over;
//! its objects are those that its rows name, and its head lists just these; nothing else lies in
//! the store. What is under way, or young enough for a chore to be still due, is *pending*, and not
//! yet a *fault*.

mod gather;
mod judge;
mod named;
mod strays;
mod sweep;
#[cfg(test)]
mod tests;
mod walk;

use self::walk::{Stored, Walk};
use kinora_http::audit::{Finding, Severity, Verified};
use kinora_media::VideoId;
use kinora_store::Unfinished;

pub(crate) use self::gather::list;
pub(crate) use self::sweep::{Broom, sweep, sweep_video};
use crate::{config::micros, error::TranscodingError, service::Transcoding};

/// How often a video that changes while it is looked at is looked at again.
const TRIES: usize = 3;

/// Looks at the next `limit` videos after `after`, in the order of their ids: those in the
/// database and those in the store.
pub(crate) async fn verify(
    service: &Transcoding,
    after: Option<VideoId>,
    limit: u32,
) -> Result<Verified, TranscodingError> {
    let mut verified = Verified::default();
    if after.is_none() {
        verified.findings.extend(unfinished_writes(service).await);
    }
    let (mut walk, mut last) = (Walk::after(service, after), after);
    for _ in 0..limit {
        let Some((video, stored)) = walk.next().await? else { return Ok(verified) };
        look_at(service, video, stored, &mut verified).await?;
        last = Some(video);
    }
    Ok(Verified { next: last, ..verified })
}

async fn look_at(
    service: &Transcoding,
    video: VideoId,
    stored: Stored,
    verified: &mut Verified,
) -> Result<(), TranscodingError> {
    let mut ahead = Some(stored);
    for attempt in 1.. {
        // What was listed ahead of the rows may lack what they name since: then it is looked again.
        let listed_ahead = ahead.is_some();
        let evidence = gather::gather(service, video, ahead.take()).await?;
        let findings = judge::judge(&evidence);
        let moved = gather::revisions(service, video).await? != evidence.revisions();
        let faulty = findings.iter().any(|finding| finding.severity == Severity::Fault);
        if faulty && (listed_ahead || (moved && attempt < TRIES)) {
            continue;
        }
        verified.videos += 1;
        verified.objects += evidence.stored.len() as u64;
        verified.bytes += evidence.stored.values().map(|object| object.size).sum::<u64>();
        match moved && faulty {
            true => verified.findings.push(Finding {
                video: Some(video),
                version: None,
                severity: Severity::Pending,
                code: "changing",
                message: "it changed each time it was looked at".to_owned(),
            }),
            false => verified.findings.extend(findings),
        }
        break;
    }
    Ok(())
}

/// Uploads to the store that nobody ended.
async fn unfinished_writes(service: &Transcoding) -> Vec<Finding> {
    let finding =
        |severity, code, message| Finding { video: None, version: None, severity, code, message };
    let open = match service.deps.store.unfinished().await {
        Ok(open) => open,
        // Not every server that speaks S3 lists them.
        Err(error) => {
            let what = format!("the store does not say which uploads to it are open: {error}");
            return vec![finding(Severity::Pending, "unlisted_writes", what)];
        }
    };
    let (now_us, sweep_us) = (service.now_us(), micros(service.deps.config.sweep_ms));
    let unfinished = |write: Unfinished| {
        let young = now_us.saturating_sub(write.begun_at_us) < sweep_us;
        let severity = if young { Severity::Pending } else { Severity::Fault };
        let what = format!("the upload of {} to the store was never ended", write.key);
        finding(severity, "unfinished_write", what)
    };
    open.into_iter().map(unfinished).collect()
}
