//! A worker in a folder of its own, and the jobs to give it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use kinora_media::{AccountId, FrameRate, JobId, Priority, TrackId, VideoId};
use kinora_plan::{
    AudioStream, Chunk, Orientation, Rung, VideoStream,
    device::EncoderFamily,
    encoder::{AudioSpec, ChunkSpec, Failure},
    job::{JobMessage, JobPayload, JobReport, Report},
};
use kinora_queue::{JobQueue, SqliteQueue};
use kinora_store::{
    ByteRange, Condition, FsStore, Key, ObjectMeta, ObjectStore, Put, StoreError, keys,
};
use kinora_workers::{GpuPolicy, WorkerConfig};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// More than two cache blocks, and no multiple of one.
pub(crate) const SOURCE_SIZE: u64 = 2_500_003;
const SOON: Duration = Duration::from_secs(30);

pub(crate) struct Rig {
    pub(crate) folder: TempDir,
    pub(crate) queue: Arc<SqliteQueue>,
    pub(crate) store: Arc<FsStore>,
    pub(crate) config: WorkerConfig,
    pub(crate) video: VideoId,
}

pub(crate) struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        soon(self.task).await.unwrap().unwrap();
    }
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let queue = SqliteQueue::open(&folder.path().join("queue.sqlite")).await.unwrap();
        let store = FsStore::open(folder.path().join("store")).unwrap();
        let encoder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/worker/fake_encoder");
        let mut config = WorkerConfig::new(encoder, folder.path().join("scratch"));
        config.gpu = GpuPolicy::Cpu;
        config.progress_interval = Duration::from_millis(100);
        let video = VideoId(Uuid::now_v7());
        let rig = Self { folder, queue: Arc::new(queue), store: Arc::new(store), config, video };
        rig.put(&keys::source(video), source()).await;
        rig
    }

    pub(crate) fn start(&self) -> Running {
        self.start_on(self.store.clone())
    }

    pub(crate) fn start_on(&self, store: Arc<dyn ObjectStore>) -> Running {
        let shutdown = CancellationToken::new();
        let worker = kinora_workers::run(
            self.config.clone(),
            Arc::clone(&self.queue) as _,
            store,
            shutdown.clone(),
        );
        Running { shutdown, task: tokio::spawn(worker) }
    }

    pub(crate) async fn put(&self, key: &Key, body: Vec<u8>) {
        let put = self.store.put(key, body.into(), Condition::Absent).await.unwrap();
        assert!(matches!(put, Put::Stored { .. }), "{key}");
    }

    pub(crate) async fn object(&self, track: &str, object: &str) -> Option<Vec<u8>> {
        let key = keys::track_object(self.video, 1, &TrackId::new(track).unwrap(), object);
        self.store.get(&key).await.unwrap().map(|(_, bytes)| bytes.to_vec())
    }

    /// Chunk 7 in two rungs, with a script for the child.
    pub(crate) fn chunk(&self, script: &str) -> JobMessage {
        let spec = ChunkSpec {
            source_size: SOURCE_SIZE,
            video: video_stream(script),
            chunk: Chunk { index: 7, first_frame: 60, frames: 60, segment_frames: 60 },
            last: false,
            sequential: false,
            gop_frames: 60,
            rungs: vec![rung("v1080"), rung("v360")],
            layout: None,
            encoder: Default::default(),
            generation: 0,
            output_dir: PathBuf::new(),
        };
        self.message(JobPayload::EncodeChunk(Box::new(spec)))
    }

    /// The same on a graphics processor.
    pub(crate) fn chunk_on(&self, family: EncoderFamily, script: &str) -> JobMessage {
        let mut message = self.chunk(script);
        if let JobPayload::EncodeChunk(spec) = &mut message.payload {
            spec.encoder.family = family;
        }
        message
    }

    /// A soundtrack of three parts, with a script for the child.
    pub(crate) fn audio(&self, script: &str, first_part: u32) -> JobMessage {
        let spec = AudioSpec {
            source_size: SOURCE_SIZE,
            audio: AudioStream {
                stream_id: script.into(),
                codec: "audio/mpeg".into(),
                channels: 2,
                sample_rate: 48_000,
                language: None,
                title: None,
                default: false,
                loudness: None,
                first_pts_ns: 0,
                end_pts_ns: 1,
            },
            origin_ns: 0,
            duration_ns: 1_000_000_000,
            sample_rate: 48_000,
            channels: 2,
            bitrate: 128_000,
            gain_cdb: 0,
            true_peak_dbtp: None,
            boundaries_ns: Vec::new(),
            segment_ns: 2_000_000_000,
            part_segments: vec![1],
            output_dir: PathBuf::new(),
        };
        let track = TrackId::new("a-und").unwrap();
        self.message(JobPayload::EncodeAudio { track, spec: Box::new(spec), first_part })
    }

    pub(crate) fn message(&self, payload: JobPayload) -> JobMessage {
        JobMessage {
            job: JobId(Uuid::now_v7()),
            attempt: 2,
            account: AccountId::new("test").unwrap(),
            video: self.video,
            version: 1,
            source_key: keys::source(self.video).to_string(),
            deadline_ms: 60_000,
            lease_ms: 10_000,
            priority: Priority::default(),
            trace: None,
            payload,
        }
    }

    pub(crate) async fn dispatch(&self, message: &JobMessage) {
        self.queue.dispatch(message).await.unwrap();
    }

    pub(crate) async fn report(&self) -> JobReport {
        let delivery = soon(self.queue.receive_report()).await.unwrap();
        self.queue.finish_report(delivery.receipt).await.unwrap();
        delivery.report
    }

    /// What a job alone on a worker ends with; checks that it left nothing behind.
    pub(crate) async fn outcome(&self, message: &JobMessage) -> Report {
        self.dispatch(message).await;
        let worker = self.start();
        let report = self.report().await;
        assert_eq!((report.job, report.attempt), (message.job, message.attempt));
        self.settled().await;
        worker.stop().await;
        assert_eq!(self.scratch_folders(), 0);
        report.report
    }

    pub(crate) async fn failure(&self, message: &JobMessage) -> Failure {
        match self.outcome(message).await {
            Report::Failed(failure) => failure,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until no message lies in the queue's file.
    pub(crate) async fn settled(&self) {
        let file = format!("sqlite://{}", self.folder.path().join("queue.sqlite").display());
        let mut sql = <sqlx::SqliteConnection as sqlx::Connection>::connect(&file).await.unwrap();
        soon(async {
            while sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM messages")
                .fetch_one(&mut sql)
                .await
                .unwrap()
                > 0
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    pub(crate) fn scratch_folders(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("scratch/worker/jobs")).unwrap().count()
    }
}

pub(crate) fn source() -> Vec<u8> {
    (0..SOURCE_SIZE).map(|n| (n % 251) as u8).collect()
}

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future).await.expect("it takes too long")
}

fn rung(track: &str) -> Rung {
    Rung {
        track: TrackId::new(track).unwrap(),
        width: 640,
        height: 360,
        rate_divisor: 1.try_into().unwrap(),
        frame_rate: frame_rate(),
        crf: 23,
        max_kbps: 800,
        preset: "veryfast".into(),
        level: 30,
        tune: None,
        x264: Default::default(),
        copy: false,
    }
}

fn frame_rate() -> FrameRate {
    FrameRate::new(30, 1).unwrap()
}

fn video_stream(script: &str) -> VideoStream {
    VideoStream {
        stream_id: script.into(),
        codec: "video/x-h264".into(),
        width: 640,
        height: 360,
        pixel_aspect: (1, 1),
        orientation: Orientation::Rotate0,
        frame_rate: frame_rate(),
        variable_rate: false,
        interlaced: false,
        colorimetry: None,
        hdr: false,
        peak_nits: None,
        bit_depth: 8,
        first_pts_ns: 0,
        end_pts_ns: 1,
        frames: 60,
        key_frames_ns: vec![0],
        coded: None,
    }
}

/// A store whose sources can be looked at, but never read.
#[derive(Debug)]
pub(crate) struct HangingStore(Arc<FsStore>);

impl HangingStore {
    pub(crate) fn of(store: Arc<FsStore>) -> Arc<dyn ObjectStore> {
        Arc::new(Self(store))
    }
}

#[async_trait::async_trait]
impl ObjectStore for HangingStore {
    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        self.0.head(key).await
    }
    async fn get(&self, _key: &Key) -> Result<Option<(ObjectMeta, Bytes)>, StoreError> {
        std::future::pending().await
    }
    async fn get_range(&self, _key: &Key, _range: ByteRange) -> Result<Option<Bytes>, StoreError> {
        std::future::pending().await
    }
    async fn put(&self, key: &Key, body: Bytes, condition: Condition) -> Result<Put, StoreError> {
        self.0.put(key, body, condition).await
    }
    async fn put_file(
        &self,
        key: &Key,
        file: &std::path::Path,
        condition: Condition,
    ) -> Result<Put, StoreError> {
        self.0.put_file(key, file, condition).await
    }
    async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        self.0.delete(key).await
    }
    async fn list(
        &self,
        prefix: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<ObjectMeta>, StoreError> {
        self.0.list(prefix, after, limit).await
    }
}
