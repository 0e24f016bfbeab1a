//! What is wrong with a video: pure.

use std::collections::BTreeMap;

use kinora_media::{ChunkEntry, Head, Page, SegmentLocation, Status, TrackKind};
use kinora_store::{ObjectMeta, keys};

use super::{
    Finding, Severity,
    gather::{Encode, Evidence, Index},
    named::named,
    strays,
};
use crate::state::{Chore, VideoState};

pub(super) fn judge(evidence: &Evidence) -> Vec<Finding> {
    let mut judge = Judge { evidence, version: None, findings: Vec::new() };
    for encode in &evidence.encodes {
        judge.version = Some(encode.row.version);
        judge.encode(encode);
    }
    judge.version = None;
    for object in strays::of_no_encode(evidence) {
        judge.orphan(object, "no encode in the database is its");
    }
    judge.sources();
    judge.secrets();
    judge.findings
}

struct Judge<'a> {
    evidence: &'a Evidence,
    version: Option<u32>,
    findings: Vec<Finding>,
}

impl Judge<'_> {
    fn say(&mut self, severity: Severity, code: &'static str, message: impl Into<String>) {
        let (video, version) = (Some(self.evidence.video), self.version);
        self.findings.push(Finding { video, version, severity, code, message: message.into() });
    }

    fn fault(&mut self, code: &'static str, message: impl Into<String>) {
        self.say(Severity::Fault, code, message);
    }

    fn encode(&mut self, encode: &Encode) {
        let state = encode.row.state;
        match state {
            VideoState::Queued | VideoState::Encoding => {
                self.say(Severity::Pending, "unfinished", format!("it is {}", state.as_str()));
            }
            VideoState::Ready | VideoState::Failed | VideoState::Cancelled => {
                if encode.open_jobs > 0 {
                    let jobs = encode.open_jobs;
                    let what = format!("it is {}, yet {jobs} jobs are not over", state.as_str());
                    self.fault("open_job", what);
                }
            }
        }
        match (state, encode.chore) {
            (VideoState::Failed, _) if encode.row.reason.is_none() => {
                self.fault("no_reason", "it failed, and nothing says why");
            }
            (VideoState::Ready, _) if encode.row.published < encode.row.wanted => {
                self.fault("unpublished", "it is ready, yet not all of it was published");
            }
            _ => {}
        }
        match (state, encode.chore) {
            (VideoState::Failed | VideoState::Cancelled, Some(Chore::Remove)) => {
                self.say(Severity::Pending, "removal_due", "its objects are to be removed");
            }
            (VideoState::Failed | VideoState::Cancelled, chore) => self.removed(encode, chore),
            _ => self.kept(encode),
        }
    }

    /// An encode that has ended for good: nothing of it is left but a tombstone for late writers.
    fn removed(&mut self, encode: &Encode, chore: Option<Chore>) {
        let tombstone = "index/head.json";
        match (&encode.index, chore) {
            (Index::Read { head, .. }, _) if head.status != Status::Deleted => {
                self.fault("head_stands", "its objects were removed, yet its head lists segments");
            }
            (Index::None, Some(Chore::Forget)) => {
                self.fault("missing_tombstone", "nothing keeps a late writer from reviving it");
            }
            _ => {}
        }
        for (name, object) in self.evidence.stored_in(&self.evidence.folder_of(encode)) {
            match chore {
                None => self.fault("orphan_object", format!("{} was left behind", object.key)),
                // Late workers may write until the tombstone goes.
                Some(_) if name != tombstone => {
                    let what = format!("{} goes with the tombstone", object.key);
                    self.say(Severity::Pending, "removal_due", what);
                }
                Some(_) => {}
            }
        }
    }

    fn kept(&mut self, encode: &Encode) {
        match &encode.index {
            Index::Read { head, pages } => self.index(encode, head, pages),
            Index::Unreadable(why) => {
                self.fault("unreadable_head", format!("its head cannot be read: {why}"));
            }
            Index::None if encode.row.state == VideoState::Ready => {
                self.fault("missing_head", "it is ready, yet has no head");
            }
            Index::None => {}
        }
        let folder = self.evidence.folder_of(encode);
        let stored: BTreeMap<_, _> = self.evidence.stored_in(&folder).collect();
        for (name, least) in &named(encode) {
            match stored.get(name.as_str()) {
                None => self.fault("missing_object", format!("{name} is not in the store")),
                Some(object) if object.size < *least => {
                    let what = format!("{name} has {} of {least} bytes", object.size);
                    self.fault("short_object", what);
                }
                Some(_) => {}
            }
        }
        for object in strays::unnamed(self.evidence, encode) {
            self.orphan(object, "nothing names it");
        }
    }

    /// An object that nothing names: a fault once it is older than what is swept.
    fn orphan(&mut self, object: &ObjectMeta, why: &str) {
        let age_us = self.evidence.now_us.saturating_sub(object.modified_at_us);
        match age_us < self.evidence.young_us {
            true => {
                self.say(Severity::Pending, "young_object", format!("{}: {why} yet", object.key));
            }
            false => self.fault("orphan_object", format!("{}: {why}", object.key)),
        }
    }

    fn index(&mut self, encode: &Encode, head: &Head, pages: &[Option<Page>]) {
        let ready = encode.row.state == VideoState::Ready;
        if ready != (head.status == Status::Complete) && (ready || head.status == Status::Deleted) {
            let (state, status) = (encode.row.state.as_str(), head.status);
            self.fault("head_disagrees", format!("it is {state}, its head says {status:?}"));
        }
        for (reference, page) in head.pages.iter().zip(pages) {
            let holds = page.as_ref().is_some_and(|page| page.counts() == reference.segments);
            if !holds {
                let what = format!("{} is missing, or not what the head says", reference.object);
                self.fault("damaged_page", what);
            }
        }
        let media = head.tracks.iter().filter(|t| !matches!(t.kind, TrackKind::Text(_)));
        for track in media.map(|track| &track.id) {
            let pages = pages.iter().flatten().chain([&head.tail]);
            let listed: Vec<SegmentLocation> =
                pages.flat_map(|page| page.segments(track)).collect();
            let chunks = encode.accepted.get(track).into_iter().flatten();
            let accepted: Vec<_> = chunks.flat_map(ChunkEntry::locations).collect();
            let agrees = if ready { listed == accepted } else { accepted.starts_with(&listed) };
            if !agrees {
                let what =
                    format!("the head's segments of {track} are not those that were accepted");
                self.fault("head_disagrees", what);
            }
        }
    }

    /// A version that is encrypted has a key, and nothing else has.
    fn secrets(&mut self) {
        let evidence = self.evidence;
        let folder = keys::secret_folder(evidence.video);
        let mut stored: BTreeMap<_, _> = evidence.stored_in(&folder).collect();
        for encode in &evidence.encodes {
            self.version = Some(encode.row.version);
            let found = stored.remove(&*encode.row.version.to_string());
            let needed = match &encode.index {
                Index::Read { head, .. } => !head.encryption.is_none(),
                Index::None | Index::Unreadable(_) => false,
            };
            match (found, encode.chore) {
                (None, _) if needed => {
                    self.fault("missing_key", "its content key is gone: nothing can play it");
                }
                (Some(object), Some(Chore::Remove | Chore::Forget)) => {
                    let what = format!("{} goes with the tombstone", object.key);
                    self.say(Severity::Pending, "removal_due", what);
                }
                (Some(object), _) if !needed => {
                    self.orphan(object, "nothing is encrypted with it");
                }
                _ => {}
            }
        }
        self.version = None;
        for object in stored.into_values() {
            self.orphan(object, "no encode in the database is its");
        }
    }

    /// What was uploaded stays until the video is deleted.
    fn sources(&mut self) {
        let folder = keys::source_folder(self.evidence.video);
        let encodes = &self.evidence.encodes;
        let kept = encodes.iter().find(|encode| encode.row.state != VideoState::Cancelled);
        let chore = encodes.iter().any(|encode| encode.chore.is_some());
        let stored = self.evidence.stored_in(&folder).map(|(_, object)| object);
        match kept {
            Some(encode) => {
                let source = self.evidence.stored.get(&encode.row.source_key);
                match source.map(|source| source.size) {
                    None => self.fault("missing_source", "what was uploaded is gone"),
                    Some(size) if size != encode.row.source_size => {
                        let what = format!(
                            "of {} bytes uploaded {size} are there",
                            encode.row.source_size
                        );
                        self.fault("short_source", what);
                    }
                    Some(_) => {}
                }
            }
            // The catalogue writes a source before anybody here hears of it.
            None if encodes.is_empty() => {
                stored.for_each(|object| self.orphan(object, "nothing was heard of its upload"));
            }
            None if chore => {}
            None => {
                for object in stored {
                    self.fault("orphan_object", format!("{}: its video was deleted", object.key));
                }
            }
        }
    }
}
