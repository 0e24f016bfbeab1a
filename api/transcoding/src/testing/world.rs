//! The service and all it talks to, driven by hand.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex},
};

use kinora_db::{Clock, Database, ManualClock, new_event_id, new_video_id};
use kinora_http::{ApiKey, ApiKeySecret, Authenticator};
use kinora_media::{AccountId, VideoId, playback::TokenKey};
use kinora_plan::{
    ProfileSet,
    job::{JobMessage, JobReport},
};
use kinora_queue::{Event, EventBus, EventData, JobQueue, UploadedCaptions};
use kinora_store::keys;
use kinora_testing::TestDatabase;

use super::{
    bus::SimBus,
    faults::{Faults, Outcome},
    film::Film,
    queue::SimQueue,
    store::SimStore,
    worker,
};
use crate::{
    config::TranscodingConfig,
    error::TranscodingError,
    housekeeping,
    orchestrator::{dispatch, events, leases, progress, reports},
    publisher,
    service::{Transcoding, TranscodingDeps},
};

/// When the world begins.
pub(crate) const BEGINNING_US: i64 = 1_800_000_000_000_000;

pub(crate) struct World {
    pub service: Arc<Transcoding>,
    /// Replicas that are not at it just now.
    others: Vec<Arc<Transcoding>>,
    pub db: Database,
    pub clock: Clock,
    pub hand: ManualClock,
    pub faults: Arc<Faults>,
    pub store: Arc<SimStore>,
    pub queue: Arc<SimQueue>,
    pub bus: Arc<SimBus>,
    pub key: ApiKeySecret,
    /// Videos, in the order they were uploaded.
    pub films: Vec<(VideoId, Film)>,
    /// The catalogue's events on their way.
    pub events: Vec<Event>,
    /// Reports on their way.
    pub reports: Vec<JobReport>,
    /// Whether the publisher is woken by every report, as it is when it has nothing else to do.
    pub eager: bool,
    /// Whether no worker has a graphics processor: what is for one stays on its lane.
    pub no_devices: bool,
    /// Versions of the catalogue's events.
    versions: BTreeMap<VideoId, u64>,
    /// Steps that hang, as those of another replica do.
    stalled: VecDeque<Taking>,
    /// Heads that origins were told of.
    pub notified: Arc<Mutex<Vec<(VideoId, u32)>>>,
    deps: TranscodingDeps,
    folder: tempfile::TempDir,
    _home: TestDatabase,
}

/// A step under way; what it found to do.
type Taking = Pin<Box<dyn Future<Output = Result<usize, TranscodingError>>>>;

/// A step of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Dispatch,
    Leases,
    Renew,
    Publish,
    Chores,
    Relay,
}

impl Step {
    async fn take(
        self,
        service: &Transcoding,
        bus: &dyn EventBus,
    ) -> Result<usize, TranscodingError> {
        match self {
            Self::Dispatch => dispatch::step_dispatch(service).await,
            Self::Leases => leases::step_leases(service).await,
            Self::Renew => progress::step_renew(service).await,
            Self::Publish => publisher::step_publish(service).await,
            Self::Chores => housekeeping::step_chores(service).await,
            Self::Relay => {
                let (db, clock) = (&service.deps.db, &service.deps.clock);
                let round = kinora_db::outbox::relay_once(db, bus, clock).await?;
                Ok(round.published)
            }
        }
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// One whose service is set up otherwise.
    pub(crate) async fn with(set: impl FnOnce(&mut TranscodingConfig)) -> Self {
        let mut config = TranscodingConfig::default();
        set(&mut config);
        let folder = tempfile::tempdir().unwrap();
        let home = TestDatabase::new().await;
        let db = Database::open(home.url()).await.unwrap();
        let (clock, hand) = Clock::manual(BEGINNING_US);
        let faults = Arc::new(Faults::default());
        let store = Arc::new(SimStore::new(faults.clone(), clock.clone()));
        let queue = Arc::new(SimQueue::new(faults.clone()));
        let bus = Arc::new(SimBus::new(faults.clone()));
        let notified = Arc::new(Mutex::new(Vec::new()));
        let (key, known) = ApiKey::generate("test", account()).unwrap();
        let told = notified.clone();
        let deps = TranscodingDeps {
            db: db.clone(),
            queue: queue.clone(),
            bus: bus.clone(),
            store: store.clone(),
            clock: clock.clone(),
            config,
            profiles: Arc::new(ProfileSet::built_in()),
            on_head_change: Arc::new(move |video, version| {
                told.lock().unwrap().push((video, version));
            }),
            authenticator: Authenticator::new(vec![known]),
            playback_keys: vec![token_key()].into(),
        };
        Self {
            service: Transcoding::new(deps.clone()),
            others: vec![],
            db,
            clock,
            hand,
            faults,
            store,
            queue,
            bus,
            key,
            films: vec![],
            events: vec![],
            reports: vec![],
            eager: true,
            no_devices: false,
            stalled: VecDeque::new(),
            versions: BTreeMap::new(),
            notified,
            deps,
            folder,
            _home: home,
        }
    }

    /// The same service on another queue, bus and clock.
    pub(crate) fn deps_on(
        &self,
        queue: Arc<dyn JobQueue>,
        bus: Arc<dyn EventBus>,
        clock: Clock,
    ) -> TranscodingDeps {
        TranscodingDeps { queue, bus, clock, ..self.deps.clone() }
    }

    /// Where its queue lies.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Two replicas take steps at the same time, each as its loop does; nothing outside goes wrong
    /// meanwhile.
    pub(crate) async fn race(&mut self, steps: [Step; 2]) {
        self.replicas();
        let planned = self.faults.hold();
        let services = [self.service.clone(), self.others[0].clone()];
        let [first, second] = [0, 1].map(|at| {
            let (service, bus) = (services[at].clone(), self.bus.clone());
            let step = steps[at];
            async move { kinora_db::retrying(|| step.take(&service, bus.as_ref())).await }
        });
        let (first, second) = tokio::join!(first, second);
        for taken in [first, second] {
            taken.expect("a step that nothing hinders is taken");
        }
        self.faults.go_on(planned);
    }

    /// A new process on the same database.
    pub(crate) fn restart(&mut self) {
        self.service = Transcoding::new(self.deps.clone());
    }

    /// Another of three replicas takes the next steps; it remembers what it knew when it was last at it.
    pub(crate) fn change_replica(&mut self, which: usize) {
        self.replicas();
        let other = which % self.others.len();
        std::mem::swap(&mut self.service, &mut self.others[other]);
    }

    fn replicas(&mut self) {
        if self.others.is_empty() {
            self.others = (0..2).map(|_| Transcoding::new(self.deps.clone())).collect();
        }
    }

    /// The catalogue says that a film is there.
    pub(crate) fn upload(&mut self, film: Film, captions: bool) -> VideoId {
        let video = new_video_id();
        let source = keys::source(video);
        self.store.write(&source, bytes::Bytes::from_static(b"film"));
        let mut uploaded = Vec::new();
        if captions {
            let language = kinora_media::TrackId::new("en").unwrap();
            let key = keys::source_captions(video, &language);
            self.store.write(&key, bytes::Bytes::from_static(b"WEBVTT\n"));
            let (language, key) = (language.to_string(), key.to_string());
            uploaded.push(UploadedCaptions { language, name: "English".into(), key });
        }
        let source_key = source.to_string();
        let data = EventData::Uploaded {
            source_key,
            size: 4,
            signed: true,
            captions: uploaded,
            version: 1,
            profile: matches!(film, Film::Measured(_)).then(|| "quality".to_owned()),
            priority: kinora_media::Priority::default(),
        };
        self.films.push((video, film));
        self.say(video, data);
        video
    }

    /// The catalogue says something about a video.
    pub(crate) fn say(&mut self, video: VideoId, data: EventData) {
        let version = self.versions.entry(video).or_default();
        *version += 1;
        self.events.push(Event {
            id: new_event_id(),
            producer: "catalogue".into(),
            account: account(),
            video,
            aggregate_version: *version,
            occurred_at_us: self.clock.now_us(),
            trace: None,
            data,
        });
    }

    /// Takes a step; `None` if it hangs, or the process died in it and was started anew.
    pub(crate) async fn step(&mut self, step: Step) -> Option<Result<usize, TranscodingError>> {
        let (service, bus) = (self.service.clone(), self.bus.clone());
        self.drive(Box::pin(async move { step.take(&service, bus.as_ref()).await })).await
    }

    /// Delivers an event; whether it was taken in.
    pub(crate) async fn deliver_event(&mut self, event: Event) -> bool {
        let service = self.service.clone();
        let taking = async move { events::on_event(&service, event).await.map(|()| 1) };
        matches!(self.drive(Box::pin(taking)).await, Some(Ok(_)))
    }

    /// Delivers a report; whether it was taken in.
    pub(crate) async fn deliver_report(&mut self, report: &JobReport) -> bool {
        let (service, report) = (self.service.clone(), report.clone());
        let taking = async move {
            let intake = reports::on_report(&service, &report).await?;
            Ok(usize::from(intake != reports::Intake::TooEarly))
        };
        matches!(self.drive(Box::pin(taking)).await, Some(Ok(1)))
    }

    /// Declares lost what was in flight.
    pub(crate) async fn recover(&mut self) {
        let service = self.service.clone();
        self.drive(Box::pin(async move { service.recover().await })).await;
    }

    /// Lets a step go on that hung.
    pub(crate) async fn resume(&mut self) {
        if let Some(taking) = self.stalled.pop_front() {
            self.faults.resume();
            self.drive(taking).await;
        }
    }

    async fn drive(&mut self, mut taking: Taking) -> Option<Result<usize, TranscodingError>> {
        match self.faults.drive(taking.as_mut()).await {
            Outcome::Done(result) => Some(result),
            Outcome::Died => {
                self.restart();
                None
            }
            Outcome::Stalled => {
                self.stalled.push_back(taking);
                None
            }
        }
    }

    /// What a worker reports of a job.
    pub(crate) fn reports_of(&self, message: &JobMessage) -> Vec<JobReport> {
        let film = self.films.iter().find(|(video, _)| *video == message.video).unwrap().1;
        worker::work(message, film)
    }

    /// A worker does the job of a message whole: its objects are stored.
    pub(crate) fn work(&self, message: &JobMessage) -> Vec<JobReport> {
        let reports = self.reports_of(message);
        reports.iter().for_each(|report| worker::store(&self.store, message, report));
        reports
    }

    /// Everything that is due happens, nothing goes wrong; whether anything did happen.
    pub(crate) async fn round(&mut self) -> bool {
        let mut happened = false;
        for event in std::mem::take(&mut self.events) {
            assert!(self.deliver_event(event).await);
            happened = true;
        }
        for step in [Step::Leases, Step::Dispatch] {
            happened |= self.step(step).await.unwrap().unwrap() > 0;
        }
        for message in self.queue.take_all(!self.no_devices) {
            let reports = self.work(&message);
            self.reports.extend(reports);
            happened = true;
        }
        for report in std::mem::take(&mut self.reports) {
            if !self.deliver_report(&report).await {
                self.reports.push(report);
            }
            if self.eager {
                self.step(Step::Publish).await.unwrap().unwrap();
            }
            happened = true;
        }
        for step in [Step::Publish, Step::Chores, Step::Relay] {
            happened |= self.step(step).await.unwrap().unwrap() > 0;
        }
        happened
    }

    /// Lets everything come to rest, time passing when nothing else happens. Fails if it does
    /// not.
    pub(crate) async fn drain(&mut self) {
        self.faults.clear();
        while !self.stalled.is_empty() {
            self.resume().await;
        }
        let mut quiet = 0;
        for _ in 0..3000 {
            if self.round().await {
                quiet = 0;
                continue;
            }
            quiet += 1;
            // Longer than any lease or pause, several times over.
            if quiet == 5 {
                return;
            }
            self.hand.advance_us(700 * 1_000_000);
        }
        panic!("it does not come to rest");
    }
}

pub(crate) fn account() -> AccountId {
    AccountId::new("ada").unwrap()
}

pub(crate) fn token_key() -> TokenKey {
    TokenKey { id: "k".into(), secret: vec![1; 32] }
}
