//! Common Media Client Data (CTA-5004): what players say of themselves with each request, in the
//! query or in headers, handed on to who counts it. It never changes an answer.

mod value;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use http::HeaderMap;
use kinora_media::VideoId;
use percent_encoding::percent_decode_str;
use tokio::sync::mpsc;

pub use value::CmcdValue;

/// More than this in one request is not read: players send a few hundred bytes.
const MOST_BYTES: usize = 4096;

/// By CTA-5004 2.1, sorted by how often they change.
const HEADERS: [&str; 4] = ["cmcd-object", "cmcd-request", "cmcd-status", "cmcd-session"];

/// What a player said with one request.
#[derive(Debug, Clone)]
pub struct CmcdReport {
    /// When the request came.
    pub at: SystemTime,
    /// What was asked for.
    pub video: VideoId,
    /// Which version of it.
    pub version: u32,
    text: String,
}

/// Where reports go. A full sink loses reports, never time.
#[derive(Debug, Clone, Default)]
pub struct CmcdSink {
    reports: Option<mpsc::Sender<CmcdReport>>,
    lost: Arc<AtomicU64>,
}

impl CmcdReport {
    /// The keys as they were sent, unknown ones too; what cannot be read is left out.
    pub fn keys(&self) -> BTreeMap<String, CmcdValue> {
        value::parse(&self.text)
    }
}

impl CmcdSink {
    /// A sink of at most `waiting` reports that nobody has taken yet, and its other end. The
    /// default sink takes none.
    pub fn channel(waiting: usize) -> (Self, mpsc::Receiver<CmcdReport>) {
        let (sender, receiver) = mpsc::channel(waiting.max(1));
        (Self { reports: Some(sender), lost: Arc::default() }, receiver)
    }

    /// Reports that came while the sink was full.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Takes what a request says, if it says anything.
    pub(crate) fn take(&self, query: &str, headers: &HeaderMap, video: VideoId, version: u32) {
        let Some(reports) = &self.reports else { return };
        let Some(text) = said(query, headers) else { return };
        let report = CmcdReport { at: SystemTime::now(), video, version, text };
        if reports.try_send(report).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn said(query: &str, headers: &HeaderMap) -> Option<String> {
    let argument = query.split('&').find_map(|pair| pair.strip_prefix("CMCD="));
    let argument = argument.map(|text| percent_decode_str(text).decode_utf8_lossy());
    let fields = HEADERS.iter().filter_map(|name| headers.get(*name)?.to_str().ok());
    let pieces: Vec<_> = argument.into_iter().chain(fields.map(Cow::Borrowed)).collect();
    let text = pieces.join(",");
    (!text.is_empty() && text.len() <= MOST_BYTES).then_some(text)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const VIDEO: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn take(sink: &CmcdSink, query: &str, headers: &HeaderMap) {
        sink.take(query, headers, VIDEO.parse().unwrap(), 3);
    }

    #[test]
    fn query_and_headers_say_the_same() {
        let (sink, mut reports) = CmcdSink::channel(8);
        let query = "x=1&CMCD=bl%3D21300%2Cbs%2Csid%3D%22a%2Cb%22%2Cot%3Dv&y";
        take(&sink, query, &HeaderMap::new());
        let mut headers = HeaderMap::new();
        headers.insert("cmcd-request", HeaderValue::from_static("bl=21300"));
        headers.insert("cmcd-object", HeaderValue::from_static("ot=v"));
        headers.insert("cmcd-status", HeaderValue::from_static("bs"));
        headers.insert("cmcd-session", HeaderValue::from_static("sid=\"a,b\""));
        take(&sink, "", &headers);
        let first = reports.try_recv().unwrap();
        assert_eq!((first.video.to_string().as_str(), first.version), (VIDEO, 3));
        assert_eq!(first.keys().len(), 4);
        assert_eq!(first.keys(), reports.try_recv().unwrap().keys());
        assert_eq!(first.keys()["sid"], CmcdValue::Text("a,b".into()));
    }

    #[test]
    fn silence_and_floods_are_no_reports() {
        let (sink, mut reports) = CmcdSink::channel(1);
        take(&sink, "CMCD=&x=CMCD=bs", &HeaderMap::new());
        take(&sink, &format!("CMCD={}", "x".repeat(5000)), &HeaderMap::new());
        assert!(reports.try_recv().is_err());
        for _ in 0..3 {
            take(&sink, "CMCD=bs", &HeaderMap::new());
        }
        assert_eq!(sink.lost(), 2);
        assert!(reports.try_recv().is_ok() && reports.try_recv().is_err());
        take(&CmcdSink::default(), "CMCD=bs", &HeaderMap::new());
    }
}
