//! What is wrong with a video: pure.

use kinora_http::audit::{Finding, Severity};
use kinora_media::{Status, VideoId};

use super::gather::{Evidence, Shown, Strays};
use crate::{
    model::{State, UploadState},
    repository::audit::{UploadLine, VideoLine},
};

/// How long events, removals and sweeps may take before what they leave is a fault, microseconds.
const SETTLED_US: i64 = 3600 * 1_000_000;

/// What is wrong with a video.
pub(super) fn video(evidence: &Evidence) -> Vec<Finding> {
    let mut judge = Judge { evidence, findings: Vec::new() };
    match evidence.rows.video.as_ref().filter(|video| !video.deleted) {
        Some(video) => {
            judge.presentation(video);
            judge.uploads(video);
        }
        None => judge.nobodys(),
    }
    judge.findings
}

/// What is wrong with uploads that no video has.
pub(super) fn uploads(strays: &Strays) -> Vec<Finding> {
    let held = strays.held.iter().map(|held| {
        let message = format!(
            "the upload {} still holds {} bytes of its account's quota, and its video is gone",
            held.upload, held.size
        );
        finding(Some(held.video), Severity::Fault, "quota_held", message)
    });
    let spooled = strays.spooled.iter().map(|(upload, written_at_us)| {
        let severity = severity(strays.now_us, *written_at_us);
        finding(None, severity, "orphan_spool", format!("no upload needs the spool of {upload}"))
    });
    held.chain(spooled).collect()
}

fn finding(
    video: Option<VideoId>,
    severity: Severity,
    code: &'static str,
    message: impl Into<String>,
) -> Finding {
    Finding { video, version: None, severity, code, message: message.into() }
}

/// Of something that time mends within [`SETTLED_US`].
fn severity(now_us: i64, since_us: i64) -> Severity {
    let young = now_us.saturating_sub(since_us) < SETTLED_US;
    if young { Severity::Pending } else { Severity::Fault }
}

struct Judge<'a> {
    evidence: &'a Evidence,
    findings: Vec<Finding>,
}

impl Judge<'_> {
    fn say(&mut self, severity: Severity, code: &'static str, message: impl Into<String>) {
        self.findings.push(finding(Some(self.evidence.video), severity, code, message));
    }

    fn fault(&mut self, code: &'static str, message: impl Into<String>) {
        self.say(Severity::Fault, code, message);
    }

    fn shown(&self, version: u32) -> Option<&Shown> {
        self.evidence.shown.iter().find(|shown| shown.version == version)
    }

    /// What the catalogue sends players to is there, and nothing else is shown to them.
    fn presentation(&mut self, video: &VideoLine) {
        let state = video.state;
        let now_us = self.evidence.now_us;
        match state {
            State::Playable | State::PlaysThrough | State::Ready => {
                let shown = video.playback_version.and_then(|version| self.shown(version)).copied();
                match shown.map(|shown| shown.status) {
                    None | Some(Status::Deleted) => {
                        let what =
                            format!("it is {}, yet there is nothing to play", state.as_str());
                        self.fault("no_presentation", what);
                    }
                    Some(Status::Growing) if state == State::Ready => {
                        self.fault(
                            "presentation_unfinished",
                            "it is ready, yet its head still grows",
                        );
                    }
                    Some(_) => {}
                }
            }
            State::Failed => {
                let stands = self.evidence.shown.iter().any(|head| head.status != Status::Deleted);
                if stands {
                    let what = "it failed, yet players are still shown what there was of it";
                    self.say(severity(now_us, video.updated_at_us), "presentation_stands", what);
                }
            }
            State::AwaitingUpload | State::Uploading | State::Queued | State::Encoding => {}
        }
        let over = matches!(state, State::Ready | State::Failed);
        let complete = self.shown(video.version).filter(|head| head.status == Status::Complete);
        if let Some(at_us) = complete.map(|head| head.at_us).filter(|_| !over) {
            let what = format!("all of it is encoded, yet it is {}", state.as_str());
            self.say(severity(now_us, at_us), "not_told", what);
        }
    }

    /// An upload for each video that waits for one, its bytes in the spool, its size in the sum.
    fn uploads(&mut self, video: &VideoLine) {
        let uploads = &self.evidence.rows.uploads;
        let of = |state| uploads.iter().find(|upload| upload.state == state);
        match (of(UploadState::Active), video.state) {
            (Some(upload), State::Uploading) => self.spool(upload),
            (Some(upload), state) => {
                let what =
                    format!("it is {}, yet the upload {} is open", state.as_str(), upload.id);
                self.fault("upload_open", what);
            }
            (None, State::Uploading) => {
                self.fault("upload_lost", "it is being uploaded, yet has no upload");
            }
            (None, _) => {}
        }
        let counted = of(UploadState::Finished).map(|upload| upload.size);
        match (video.size, counted) {
            (Some(size), None) => {
                let what = format!("its {size} bytes do not count against its account's quota");
                self.fault("quota_missing", what);
            }
            (Some(size), Some(counted)) if size != counted => {
                let what = format!("it has {size} bytes, and {counted} count against the quota");
                self.fault("quota_differs", what);
            }
            _ => {}
        }
    }

    fn spool(&mut self, upload: &UploadLine) {
        let there = self.evidence.spooled.unwrap_or(0);
        let handed_over = upload.received == upload.size && self.evidence.source.is_some();
        if handed_over {
            self.say(Severity::Pending, "unfinished_upload", "its upload is being finished");
        } else if there < upload.received {
            let what = format!(
                "of {} bytes that were acknowledged the spool of {} has {there}",
                upload.received, upload.id
            );
            self.fault("spool_lost", what);
        } else {
            let what = format!("{} of {} bytes have come", upload.received, upload.size);
            self.say(Severity::Pending, "unfinished_upload", what);
        }
    }

    /// No video is to be shown that the catalogue does not have.
    fn nobodys(&mut self) {
        let evidence = self.evidence;
        let standing = evidence.shown.iter().filter(|head| head.status != Status::Deleted);
        let newest_us = standing.map(|head| head.at_us).max();
        // A deletion is on its way for a while.
        let since_us = evidence.rows.video.as_ref().map(|video| video.updated_at_us);
        if let Some(newest_us) = newest_us {
            let since_us = since_us.unwrap_or(newest_us).max(newest_us);
            let what = "players are shown a video that the catalogue does not have";
            self.say(severity(evidence.now_us, since_us), "presentation_without_video", what);
        }
    }
}
