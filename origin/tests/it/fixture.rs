//! A store with a video in it, an origin in front, and clients.

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use kinora_media::{
    Access, AudioTrack, ChunkEntry, FrameRate, HEAD_SCHEMA, Head, Page, PageRef, SegmentEntry,
    Status, TextTrack, Track, TrackId, TrackKind, VideoId, VideoTrack,
    playback::{self, TokenKey},
};
use kinora_origin::{ListenAddress, OriginConfig, OriginError, listen, serve};
use kinora_store::{
    ByteRange, Condition, FsStore, Key, ObjectMeta, ObjectStore, Put, StoreError, keys,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

pub(crate) const VIDEO: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
/// A free port.
pub(crate) const LOOPBACK: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
/// Some time in 2023, in microseconds: dates in answers do not depend on today.
const PUBLISHED_AT_US: i64 = 1_700_000_000_250_000;
pub(crate) const SECONDS: u64 = 2;
/// For what must come, however busy the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A store in a temporary folder that counts what it is asked, and can be away.
#[derive(Debug)]
pub(crate) struct TestStore {
    files: FsStore,
    _folder: tempfile::TempDir,
    pub(crate) head_reads: AtomicU32,
    pub(crate) page_reads: AtomicU32,
    pub(crate) media_reads: AtomicU32,
    /// How many reads of media may still happen; more wait.
    pub(crate) gate: Semaphore,
    pub(crate) away: AtomicBool,
}

/// A video that a publisher writes.
pub(crate) struct Video {
    pub(crate) store: Arc<TestStore>,
    pub(crate) head: Head,
    etag: Option<String>,
}

/// A running origin.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<Result<(), OriginError>>,
    client: reqwest::Client,
}

pub(crate) fn track(id: &str) -> TrackId {
    id.parse().unwrap()
}

pub(crate) fn key() -> TokenKey {
    TokenKey { id: "k1".into(), secret: vec![9; 32] }
}

pub(crate) fn path(file: &str) -> String {
    playback::path(None, VIDEO.parse().unwrap(), 1, file)
}

/// The bytes of a segment.
pub(crate) fn segment(track: &str, number: u64) -> Vec<u8> {
    let seed = track.bytes().map(u64::from).sum::<u64>() + number;
    (0..1000 + number).map(|n| ((n * 7 + seed) % 251) as u8).collect()
}

impl TestStore {
    pub(crate) fn new() -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        Arc::new(Self {
            files: FsStore::open(folder.path().to_owned()).unwrap(),
            _folder: folder,
            head_reads: AtomicU32::new(0),
            page_reads: AtomicU32::new(0),
            media_reads: AtomicU32::new(0),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            away: AtomicBool::new(false),
        })
    }

    /// Lets `reads` of media through from now on, and no more.
    pub(crate) fn open_gate(&self, reads: usize) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
        self.gate.add_permits(reads);
    }

    fn present(&self, key: &Key) -> Result<(), StoreError> {
        if self.away.load(Ordering::SeqCst) {
            let source = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
            return Err(StoreError::Io { key: key.to_string(), action: "reach", source });
        }
        Ok(())
    }
}

#[async_trait]
impl ObjectStore for TestStore {
    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, StoreError> {
        self.present(key)?;
        self.files.head(key).await
    }

    async fn get(&self, key: &Key) -> Result<Option<(ObjectMeta, Bytes)>, StoreError> {
        self.present(key)?;
        let name = key.as_str().rsplit('/').next().unwrap();
        if name == "head.json" {
            self.head_reads.fetch_add(1, Ordering::SeqCst);
            // So that those who ask at the same time do.
            tokio::time::sleep(Duration::from_millis(20)).await;
        } else if name.starts_with("page-") {
            self.page_reads.fetch_add(1, Ordering::SeqCst);
        }
        self.files.get(key).await
    }

    async fn get_range(&self, key: &Key, range: ByteRange) -> Result<Option<Bytes>, StoreError> {
        self.media_reads.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        self.present(key)?;
        self.files.get_range(key, range).await
    }

    async fn put(&self, key: &Key, body: Bytes, condition: Condition) -> Result<Put, StoreError> {
        self.files.put(key, body, condition).await
    }

    async fn put_file(
        &self,
        key: &Key,
        file: &std::path::Path,
        condition: Condition,
    ) -> Result<Put, StoreError> {
        self.files.put_file(key, file, condition).await
    }

    async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        self.files.delete(key).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<ObjectMeta>, StoreError> {
        self.files.list(prefix, after, limit).await
    }
}

impl Video {
    /// A video with init segments and captions, and nothing to play yet. Not published.
    pub(crate) async fn new(store: &Arc<TestStore>, access: Access) -> Self {
        let id: VideoId = VIDEO.parse().unwrap();
        let mut video = Self { store: Arc::clone(store), head: head(id, access), etag: None };
        for name in ["v360", "a-en"] {
            let init = format!("init of {name}");
            video.create(keys::init(id, 1, &track(name)), init.into()).await;
        }
        let captions = Bytes::from("WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n");
        let entry = SegmentEntry::new(captions.len() as u64, 20_000);
        let chunk = ChunkEntry { object: "00000-1.vtt".into(), start: 0, segments: vec![entry] };
        video.create(keys::track_object(id, 1, &track("t-en"), &chunk.object), captions).await;
        video.head.tail.tracks.insert(track("t-en"), vec![chunk]);
        video
    }

    /// A finished public video: three chunks of two segments, two of them on a closed page.
    pub(crate) async fn finished(store: &Arc<TestStore>, access: Access) -> Self {
        let mut video = Self::new(store, access).await;
        video.append(2).await;
        video.append(2).await;
        video.close_page().await;
        video.append(2).await;
        video.publish(Status::Complete).await;
        video
    }

    /// Puts a chunk of each track and lists it, not yet published.
    pub(crate) async fn append(&mut self, segments: u64) {
        for (name, scale) in [("v360", 90_000), ("a-en", 48_000)] {
            let first = self.count(name);
            let numbers = first..first + segments;
            let bodies: Vec<_> = numbers.map(|number| segment(name, number)).collect();
            let entry = |body: &Vec<u8>| SegmentEntry::new(body.len() as u64, SECONDS * scale);
            let segments = bodies.iter().map(entry).collect();
            self.list(name, first * SECONDS * scale, segments, bodies.concat().into()).await;
        }
    }

    /// Puts one chunk and lists it as `segments`, whether or not that is true.
    pub(crate) async fn list(
        &mut self,
        name: &str,
        start: u64,
        segments: Vec<SegmentEntry>,
        body: Bytes,
    ) {
        let object = keys::chunk_object(self.count(name) as u32, 1);
        let key = keys::track_object(self.head.video, 1, &track(name), &object);
        self.create(key, body).await;
        let chunks = self.head.tail.tracks.entry(track(name)).or_default();
        chunks.push(ChunkEntry { object, start, segments });
    }

    pub(crate) async fn close_page(&mut self) {
        let object = format!("page-{:04}.json", self.head.pages.len());
        let page = std::mem::take(&mut self.head.tail);
        let body = serde_json::to_vec(&page).unwrap().into();
        self.create(keys::index(self.head.video, 1, &object), body).await;
        self.head.pages.push(PageRef { object, segments: page.counts() });
    }

    /// Swaps the head.
    pub(crate) async fn publish(&mut self, status: Status) {
        self.head.revision += 1;
        self.head.status = status;
        let condition = self.etag.take().map_or(Condition::Absent, Condition::Matches);
        let body = serde_json::to_vec(&self.head).unwrap().into();
        let put = self.store.put(&keys::head(self.head.video, 1), body, condition).await.unwrap();
        let Put::Stored { etag } = put else { panic!("another publisher") };
        self.etag = Some(etag);
    }

    fn count(&self, name: &str) -> u64 {
        let name = track(name);
        let closed: u64 = self.head.pages.iter().filter_map(|page| page.segments.get(&name)).sum();
        closed + self.head.tail.segments(&name).count() as u64
    }

    pub(crate) async fn create(&self, key: Key, body: Bytes) {
        let put = self.store.put(&key, body, Condition::Absent).await.unwrap();
        assert_ne!(put, Put::ConditionFailed, "{key}");
    }
}

fn head(video: VideoId, access: Access) -> Head {
    let track = |id, timescale, codec: &str, max_bandwidth, priming, kind| Track {
        id: track(id),
        timescale,
        codec: codec.into(),
        max_bandwidth,
        priming,
        kind,
    };
    let frame_rate = FrameRate::new(30, 1).unwrap();
    let picture = TrackKind::Video(VideoTrack { width: 640, height: 360, frame_rate });
    let sound = TrackKind::Audio(AudioTrack {
        sample_rate: 48_000,
        channels: 2,
        language: "en".into(),
        name: "English".into(),
        default: true,
        surround_of: None,
        role: kinora_media::AudioRole::Main,
    });
    let captions = TrackKind::Text(TextTrack { language: "en".into(), name: "English".into() });
    Head {
        schema: HEAD_SCHEMA,
        video,
        version: 1,
        revision: 0,
        writer: "test".into(),
        status: Status::Growing,
        access,
        first_published_complete: false,
        published_at_us: PUBLISHED_AT_US,
        first_published_at_us: PUBLISHED_AT_US,
        duration_us: 20_000_000,
        target_duration_s: SECONDS as u32,
        tracks: vec![
            track("v360", 90_000, "avc1.4d401e", 900_000, 0, picture),
            track("a-en", 48_000, "mp4a.40.2", 130_000, 1024, sound),
            track("t-en", 1000, "wvtt", 256, 0, captions),
        ],
        periods: Vec::new(),
        pages: Vec::new(),
        tail: Page::default(),
        chapters: Vec::new(),
        pictures: None,
        encryption: kinora_media::Encryption::None,
    }
}

impl Origin {
    pub(crate) async fn start(store: &Arc<TestStore>) -> Self {
        Self::start_with(store, OriginConfig::default()).await
    }

    /// With the key of all tests.
    pub(crate) async fn start_with(store: &Arc<TestStore>, mut config: OriginConfig) -> Self {
        config.token_keys = vec![key()].into();
        Self::start_as_is(store, config).await
    }

    pub(crate) async fn start_as_is(store: &Arc<TestStore>, config: OriginConfig) -> Self {
        Self::begin(LOOPBACK, Arc::clone(store) as _, config)
    }

    /// At an address, on any store.
    pub(crate) fn begin(
        address: SocketAddr,
        store: Arc<dyn ObjectStore>,
        config: OriginConfig,
    ) -> Self {
        let listeners = listen(&address.into(), NonZeroUsize::MIN).unwrap();
        let ListenAddress::Tcp(address) = listeners[0].address().unwrap() else { unreachable!() };
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(serve(listeners, config, store, shutdown.clone()));
        // The first to come installs it; reqwest wants one even for plain HTTP.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { address, shutdown, task, client }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.request("GET", path).send().await.unwrap()
    }

    pub(crate) async fn status(&self, path: &str) -> u16 {
        self.get(path).await.status().as_u16()
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        self.get(path).await.error_for_status().unwrap().text().await.unwrap()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes as they are, on a connection of their own, and reads until it ends.
    pub(crate) async fn raw(&self, request: &str) -> Vec<u8> {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await
    }

    pub(crate) async fn raw_status(&self, request_line: &str) -> u16 {
        let request = format!("{request_line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = self.raw(&request).await;
        std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap()
    }
}

/// What a connection still says until it is closed or cut; panics if it is neither in time.
pub(crate) async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut read = Vec::new();
    let end = stream.read_to_end(&mut read);
    // A reset ends it as well as a close.
    let _ = tokio::time::timeout(PATIENCE, end).await.expect("it ends");
    read
}

/// Status, headers in order of name, and the body if it is text: a whole answer for a snapshot.
pub(crate) async fn whole(response: reqwest::Response) -> String {
    let mut lines = vec![format!("{:?} {}", response.version(), response.status())];
    let headers = response.headers();
    let mut fields: Vec<_> = headers
        .iter()
        .map(|(name, value)| match name.as_str() {
            "date" => "date: [date]".to_owned(),
            "server-timing" => "server-timing: [timing]".to_owned(),
            name => format!("{name}: {}", value.to_str().unwrap()),
        })
        .collect();
    fields.sort();
    lines.extend(fields);
    lines.push(String::new());
    let body = response.bytes().await.unwrap();
    lines.push(match std::str::from_utf8(&body) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("[{} bytes]", body.len()),
    });
    lines.join("\n")
}
