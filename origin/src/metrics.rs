//! What operators count and measure, in the words of Prometheus.

use std::{sync::Arc, time::Duration};

use prometheus_client::{
    encoding::{
        EncodeLabelSet, EncodeLabelValue,
        text::{encode_eof, encode_registry},
    },
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::{
    cache::Got,
    route::{File, LiveFile, LiveTrackFile, Route},
};

/// Counters of an origin. Clones share them, so a clone tells what the origin did.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    answers: Family<AnswerLabels, Counter>,
    bytes: Family<ClassLabels, Counter>,
    seconds: Family<ClassLabels, Histogram, fn() -> Histogram>,
    /// What the fast path counts, found once.
    hot: [(Counter, Counter); CLASSES.len()],
    again: [(Counter, Histogram); CLASSES.len()],
    connections: Gauge,
    parked: Gauge,
    cached_bytes: Gauge,
    fetches: Family<FetchLabels, Counter>,
    fetched_bytes: Counter,
    fetch_seconds: Histogram,
}

/// What is asked for, as far as it matters to who looks at a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Class {
    Manifest,
    Init,
    Segment,
    Picture,
    /// Live playlists and parts are waited for, so their times say something else.
    LivePlaylist,
    LivePart,
    /// Keys and licences.
    Key,
    /// For other origins.
    Stored,
    Other,
}

const CLASSES: [Class; 9] = [
    Class::Manifest,
    Class::Init,
    Class::Segment,
    Class::Picture,
    Class::LivePlaylist,
    Class::LivePart,
    Class::Key,
    Class::Stored,
    Class::Other,
];

/// How an answer was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Cache {
    Hot,
    Hit,
    Miss,
    Joined,
    None,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    class: Class,
    status: u32,
    cache: Cache,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabels {
    class: Class,
}

/// What became of a read of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Fetch {
    Found,
    Absent,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FetchLabels {
    outcome: Fetch,
}

impl Metrics {
    /// The counters as OpenMetrics text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        self.encode(&mut text);
        // Writing to a string does not fail.
        let _ = encode_eof(&mut text);
        text
    }

    /// Appends the counters to a text of metrics that others may go on with.
    pub fn encode(&self, text: &mut String) {
        let _ = encode_registry(text, &self.0.registry);
    }

    /// An answer begins: `length` bytes of body, `took` from the request's head to the answer's.
    pub(crate) fn answered(
        &self,
        class: Class,
        status: u16,
        got: Option<Got>,
        length: u64,
        took: Duration,
    ) {
        let cache = match got {
            Some(Got::Hit) => Cache::Hit,
            Some(Got::Miss) => Cache::Miss,
            Some(Got::Joined) => Cache::Joined,
            None => Cache::None,
        };
        let labels = AnswerLabels { class, status: status.into(), cache };
        self.0.answers.get_or_create(&labels).inc();
        let class = ClassLabels { class };
        self.0.bytes.get_or_create(&class).inc_by(length);
        self.0.seconds.get_or_create(&class).observe(took.as_secs_f64());
    }

    /// The fast path answers.
    pub(crate) fn answered_hot(&self, class: Class, length: u64) {
        let (answers, bytes) = &self.0.hot[class as usize];
        answers.inc();
        bytes.inc_by(length);
    }

    /// The same by hyper, which `took` so long.
    pub(crate) fn answered_again(&self, class: Class, length: u64, took: Duration) {
        let (answers, seconds) = &self.0.again[class as usize];
        answers.inc();
        seconds.observe(took.as_secs_f64());
        self.0.hot[class as usize].1.inc_by(length);
    }

    pub(crate) fn fetched(&self, outcome: Fetch, bytes: u64, took: Duration) {
        self.0.fetches.get_or_create(&FetchLabels { outcome }).inc();
        self.0.fetched_bytes.inc_by(bytes);
        self.0.fetch_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn cached(&self, bytes: u64) {
        self.0.cached_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub(crate) fn connection(&self) -> Counted {
        Counted::begin(&self.0.connections)
    }

    /// A request begins to wait for live media.
    pub(crate) fn parked(&self) -> Counted {
        Counted::begin(&self.0.parked)
    }
}

/// Something that is counted while it lasts.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Counted {
    fn begin(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Class {
    pub(crate) fn of(route: Option<&Route<'_>>) -> Self {
        match route {
            Some(Route::Media(address)) => match address.file {
                File::Manifest(_) => Self::Manifest,
                File::Init { .. } => Self::Init,
                File::Segment { .. } => Self::Segment,
                File::Picture(_) => Self::Picture,
                File::License | File::Key(_) => Self::Key,
            },
            Some(Route::Live(address)) => match &address.file {
                LiveFile::Hls => Self::LivePlaylist,
                LiveFile::Track { file, .. } => match file {
                    LiveTrackFile::Playlist => Self::LivePlaylist,
                    LiveTrackFile::Init => Self::Init,
                    LiveTrackFile::Segment(_) => Self::Segment,
                    LiveTrackFile::Part(..) => Self::LivePart,
                },
            },
            Some(Route::Stored(_)) => Self::Stored,
            Some(Route::Health | Route::Ready) | None => Self::Other,
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let answers = Family::<AnswerLabels, Counter>::default();
        let bytes = Family::<ClassLabels, Counter>::default();
        let seconds = Family::<ClassLabels, _>::new_with_constructor(seconds as fn() -> Histogram);
        let hot = CLASSES.map(|class| {
            let labels = AnswerLabels { class, status: 200, cache: Cache::Hot };
            let answers = answers.get_or_create(&labels).clone();
            (answers, bytes.get_or_create(&ClassLabels { class }).clone())
        });
        let again = CLASSES.map(|class| {
            let labels = AnswerLabels { class, status: 200, cache: Cache::Hit };
            let answers = answers.get_or_create(&labels).clone();
            (answers, seconds.get_or_create(&ClassLabels { class }).clone())
        });
        let inner = Inner {
            registry: Registry::with_prefix("kinora_origin"),
            answers,
            bytes,
            seconds,
            hot,
            again,
            connections: Gauge::default(),
            parked: Gauge::default(),
            cached_bytes: Gauge::default(),
            fetches: Family::default(),
            fetched_bytes: Counter::default(),
            fetch_seconds: self::seconds(),
        };
        Self(Arc::new(inner.registered()))
    }
}

impl Inner {
    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("answers", "Answers, by how they were come by", self.answers.clone());
        let help = "Body bytes of answers that were begun";
        registry.register_with_unit("body", help, Unit::Bytes, self.bytes.clone());
        let help = "From a request's head to its answer's, but for hot answers";
        registry.register_with_unit("answer", help, Unit::Seconds, self.seconds.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        let help = "Requests that wait for live media";
        registry.register("parked_requests", help, self.parked.clone());
        let help = "Media in memory";
        registry.register_with_unit("cached", help, Unit::Bytes, self.cached_bytes.clone());
        registry.register("fetches", "Reads of media from the store", self.fetches.clone());
        let help = "Media read from the store";
        registry.register_with_unit("fetched", help, Unit::Bytes, self.fetched_bytes.clone());
        let help = "How long reads of media from the store took";
        registry.register_with_unit("fetch", help, Unit::Seconds, self.fetch_seconds.clone());
        self
    }
}

/// From a tenth of a millisecond to seven seconds.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.0001, 2.0, 17))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_numbered_as_they_are_listed() {
        for (nth, class) in CLASSES.into_iter().enumerate() {
            assert_eq!(class as usize, nth);
        }
    }

    #[test]
    fn what_is_counted_is_told() {
        let metrics = Metrics::default();
        let took = Duration::from_millis(3);
        metrics.answered(Class::Segment, 206, Some(Got::Miss), 10, took);
        metrics.answered_hot(Class::Segment, 32);
        metrics.fetched(Fetch::Failed, 0, took);
        let open = metrics.connection();
        let text = metrics.clone().render();
        for line in [
            r#"kinora_origin_answers_total{class="Segment",status="206",cache="Miss"} 1"#,
            r#"kinora_origin_answers_total{class="Segment",status="200",cache="Hot"} 1"#,
            r#"kinora_origin_body_bytes_total{class="Segment"} 42"#,
            r#"kinora_origin_answer_seconds_bucket{le="0.0032",class="Segment"} 1"#,
            r#"kinora_origin_fetches_total{outcome="Failed"} 1"#,
            "kinora_origin_connections 1",
        ] {
            assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
        }
        drop(open);
        assert!(metrics.render().contains("kinora_origin_connections 0"));
    }
}
