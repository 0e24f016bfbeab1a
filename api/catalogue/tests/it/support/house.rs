use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use kinora_catalogue::{Catalogue, CatalogueConfig, CatalogueDeps};
use kinora_db::{Clock, Database, ManualClock};
use kinora_http::{ApiKey, ApiKeySecret, Authenticator, boundary};
use kinora_media::{AccountId, VideoId, playback::TokenKey};
use kinora_plan::ProfileSet;
use kinora_queue::{Event, EventData, SqliteQueue};
use kinora_store::{FsStore, ObjectStore, keys};
use kinora_testing::TestDatabase;
use serde_json::Value;
use sqlx::Row;
use tokio_util::sync::CancellationToken;

use super::{Answer, Pending};

pub(crate) const PATCH_TYPE: (&str, &str) = ("content-type", "application/offset+octet-stream");

/// A running catalogue with two accounts: ada and bob.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) catalogue: Catalogue,
    pub(crate) db: Database,
    pub(crate) queue: Arc<SqliteQueue>,
    pub(crate) store: Arc<FsStore>,
    pub(crate) hand: ManualClock,
    pub(crate) shutdown: CancellationToken,
    messages: sqlx::AnyPool,
    ada: String,
    bob: String,
    folder: tempfile::TempDir,
    _home: TestDatabase,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(configure: impl FnOnce(&mut CatalogueConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let home = TestDatabase::new().await;
        let db = Database::open(home.url()).await.unwrap();
        let queue = Arc::new(SqliteQueue::open(&root.join("queue.db")).await.unwrap());
        let store = Arc::new(FsStore::open(root.join("objects")).unwrap());
        let (clock, hand) = Clock::manual(1_800_000_000_000_000);
        let account = |name: &str| AccountId::new(name).unwrap();
        let (ada, ada_key) = ApiKey::generate("laptop", account("ada")).unwrap();
        let (bob, bob_key) = ApiKey::generate("laptop", account("bob")).unwrap();
        let token_key = TokenKey { id: "k1".into(), secret: vec![7; 32] };
        let mut config = CatalogueConfig::new(
            root.join("uploads"),
            "http://origin.test",
            "http://gateway.test",
            vec![token_key],
        );
        configure(&mut config);
        let catalogue = Catalogue::new(CatalogueDeps {
            db: db.clone(),
            bus: queue.clone(),
            store: store.clone(),
            clock,
            authenticator: Authenticator::new(vec![ada_key, bob_key]),
            config,
            profiles: Arc::new(ProfileSet::built_in()),
        })
        .unwrap();
        let shutdown = CancellationToken::new();
        let address = serve(&catalogue).await;
        catalogue.recover().await.unwrap();
        tokio::spawn({
            let (catalogue, shutdown) = (catalogue.clone(), shutdown.clone());
            async move { catalogue.run(shutdown).await.unwrap() }
        });
        let key = |secret: ApiKeySecret| format!("Bearer {}", secret.expose());
        let (ada, bob) = (key(ada), key(bob));
        let messages = format!("sqlite://{}", root.join("queue.db").display());
        let messages = sqlx::AnyPool::connect(&messages).await.unwrap();
        Self {
            address,
            catalogue,
            db,
            queue,
            store,
            hand,
            shutdown,
            messages,
            ada,
            bob,
            folder,
            _home: home,
        }
    }

    /// The filesystem that uploads lie on.
    pub(crate) fn spool_disk(&self) -> u64 {
        rustix::fs::stat(self.folder.path()).unwrap().st_dev
    }

    /// Sends a request without any headers of its own.
    pub(crate) async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let length = body.len().to_string();
        let mut all = headers.to_vec();
        if !headers.iter().any(|(name, _)| *name == "transfer-encoding") {
            all.push(("content-length", &length));
        }
        let mut pending = Pending::start(self.address, method, path, &all).await;
        pending.send(body).await;
        pending.answer().await
    }

    /// Ada's JSON request.
    pub(crate) async fn ada(&self, method: &str, path: &str, body: &str) -> Answer {
        let headers = [("authorization", &*self.ada), ("content-type", "application/json")];
        self.raw(method, path, &headers, body.as_bytes()).await
    }

    /// Bob's.
    pub(crate) async fn bob(&self, method: &str, path: &str, body: &str) -> Answer {
        let headers = [("authorization", &*self.bob), ("content-type", "application/json")];
        self.raw(method, path, &headers, body.as_bytes()).await
    }

    /// Ada's tus request.
    pub(crate) async fn tus(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut all = self.tus_headers();
        all.extend(headers);
        self.raw(method, path, &all, body).await
    }

    pub(crate) fn tus_headers(&self) -> Vec<(&str, &str)> {
        vec![("authorization", &self.ada), ("tus-resumable", "1.0.0")]
    }

    /// Bob's, with nothing added.
    pub(crate) async fn bob_tus(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut all = vec![("authorization", &*self.bob)];
        all.extend(headers.iter().filter(|(name, _)| *name != "tus-resumable"));
        all.push(("tus-resumable", "1.0.0"));
        self.raw(method, path, &all, body).await
    }

    /// Puts captions on a video of Ada's; `language` may carry a query.
    pub(crate) async fn put_captions(
        &self,
        video: &str,
        language: &str,
        content_type: &str,
        body: &[u8],
    ) -> Answer {
        let path = format!("/api/v1/videos/{video}/captions/{language}");
        let headers = [("authorization", &*self.ada), ("content-type", content_type)];
        self.raw("PUT", &path, &headers, body).await
    }

    /// Uploads three bytes to a video of Ada's.
    pub(crate) async fn finish_upload(&self, video: &str) {
        let metadata = format!("video {}", STANDARD.encode(video));
        let headers = [("upload-length", "3"), ("upload-metadata", &*metadata)];
        let answer = self.tus("POST", "/api/v1/uploads", &headers, b"").await;
        assert_eq!(self.patch(answer.header("location"), 0, b"abc").await.status, 204);
    }

    /// An event of transcoding's.
    pub(crate) fn event(&self, video: VideoId, version: u64, data: EventData) -> Event {
        Event {
            id: kinora_db::new_event_id(),
            producer: "transcoding".into(),
            account: AccountId::new("ada").unwrap(),
            video,
            aggregate_version: version,
            occurred_at_us: 0,
            trace: None,
            data,
        }
    }

    /// Waits until a video is as it should be.
    pub(crate) async fn until(&self, id: VideoId, holds: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..1000 {
            let row = self.video(id).await;
            if holds(&row) {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:#}", self.video(id).await);
    }

    /// Waits until every event that was published is taken in.
    pub(crate) async fn queue_is_empty(&self) {
        let count = "SELECT CAST(COUNT(*) AS BIGINT) FROM messages";
        while sqlx::query_scalar::<_, i64>(count).fetch_one(&self.messages).await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The keys of everything that was uploaded for a video.
    pub(crate) async fn objects(&self, video: &str) -> Vec<String> {
        let folder = keys::source_folder(video.parse().unwrap());
        let found = self.store.list(&folder, None, 100).await.unwrap();
        found.into_iter().map(|object| object.key.to_string()).collect()
    }

    /// Creates an upload, and says its path and its video.
    pub(crate) async fn upload(&self, size: usize) -> (String, VideoId) {
        let size = size.to_string();
        let answer = self.tus("POST", "/api/v1/uploads", &[("upload-length", &size)], b"").await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let video = answer.header("kinora-video").parse().unwrap();
        (answer.header("location").to_owned(), video)
    }

    /// Asks for an upload of so many bytes.
    pub(crate) async fn upload_for(&self, size: u64) -> Answer {
        let size = size.to_string();
        self.tus("POST", "/api/v1/uploads", &[("upload-length", size.as_str())], b"").await
    }

    pub(crate) async fn patch(&self, path: &str, offset: usize, body: &[u8]) -> Answer {
        let offset = offset.to_string();
        self.tus("PATCH", path, &[PATCH_TYPE, ("upload-offset", &offset)], body).await
    }

    /// Begins a PATCH of which `sent` is there so far.
    pub(crate) async fn begin_patch(
        &self,
        path: &str,
        offset: usize,
        length: usize,
        sent: &[u8],
    ) -> Pending {
        self.begin_patch_with(&[], path, offset, length, sent).await
    }

    /// The same with further headers.
    pub(crate) async fn begin_patch_with(
        &self,
        further: &[(&str, &str)],
        path: &str,
        offset: usize,
        length: usize,
        sent: &[u8],
    ) -> Pending {
        let (offset, length) = (offset.to_string(), length.to_string());
        let mut headers = self.tus_headers();
        headers.extend([PATCH_TYPE, ("upload-offset", &*offset), ("content-length", &*length)]);
        headers.extend(further);
        let mut pending = Pending::start(self.address, "PATCH", path, &headers).await;
        pending.send(sent).await;
        // The file is made under the lock: from now on the server is at it.
        while !self.spool(path).exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        pending
    }

    pub(crate) async fn head(&self, path: &str) -> Answer {
        self.tus("HEAD", path, &[], b"").await
    }

    pub(crate) async fn offset(&self, path: &str) -> usize {
        let answer = self.head(path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.header("upload-offset").parse().unwrap()
    }

    pub(crate) async fn video(&self, id: VideoId) -> Value {
        let answer = self.ada("GET", &format!("/api/v1/videos/{id}"), "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// What is stored as the video's source.
    pub(crate) async fn source(&self, id: VideoId) -> Option<Vec<u8>> {
        let found = self.store.get(&keys::source(id)).await.unwrap();
        found.map(|(_, bytes)| bytes.to_vec())
    }

    /// Every event the catalogue wrote about a video, in order.
    pub(crate) async fn events(&self, id: VideoId) -> Vec<EventData> {
        let rows =
            sqlx::query("SELECT event FROM outbox WHERE video = $1 ORDER BY aggregate_version")
                .bind(id.to_string())
                .fetch_all(self.db.read())
                .await
                .unwrap();
        let event = |row: &sqlx::any::AnyRow| {
            let event: Event = serde_json::from_str(row.try_get("event").unwrap()).unwrap();
            assert_eq!((event.producer.as_str(), event.account.as_str()), ("catalogue", "ada"));
            event.data
        };
        rows.iter().map(event).collect()
    }

    /// Runs a statement behind the catalogue's back.
    pub(crate) async fn sql(&self, statement: &'static str, id: &str) {
        let mut tx = self.db.begin_write().await.unwrap();
        sqlx::query(statement).bind(id).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) fn spool(&self, path: &str) -> PathBuf {
        let id = path.rsplit('/').next().unwrap();
        self.folder.path().join(format!("uploads/{id}.part"))
    }
}

async fn serve(catalogue: &Catalogue) -> SocketAddr {
    let (router, _) = catalogue.router().split_for_parts();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, boundary::around(router)).await });
    address
}

/// `size` bytes in which no two stretches are alike.
pub(crate) fn pattern(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}
