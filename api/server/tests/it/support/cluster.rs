//! Processes that share a database, a broker and a bucket, with a network between that can be made
//! to go wrong.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use kinora_testing::{
    ACCESS_KEY_ID, BUCKET, FaultProxy, FaultyLink, Moto, Postgres, RabbitMq, S3s,
    SECRET_ACCESS_KEY, free_ports,
};

use super::Server;

/// The roles of the process that has the database.
pub(crate) const SERVICES: &str = "gateway,catalogue-command,catalogue-query,transcoding";

/// Who asks the bucket besides the services, and what each may do there.
const POLICIES: [(&str, &str); 2] = [
    ("worker", include_str!("../../../../../deploy/s3/worker.json")),
    ("origin", include_str!("../../../../../deploy/s3/origin.json")),
];

/// What the gateway and services sign with at first.
pub(crate) const SERVICES_SECRET: &str = "known to the gateway and services alone";

/// A gateway, and the services it asks.
pub(crate) struct Apart {
    pub(crate) gateway: Server,
    pub(crate) catalogue: Server,
    pub(crate) transcoding: Server,
}

/// What every process is told, and the servers behind it.
pub(crate) struct Cluster {
    pub(crate) postgres: Postgres,
    pub(crate) broker: RabbitMq,
    /// The other nodes of a broker of three.
    pub(crate) further_brokers: Vec<RabbitMq>,
    pub(crate) to_postgres: FaultyLink,
    pub(crate) to_broker: FaultyLink,
    pub(crate) to_bucket: FaultProxy,
    /// The server that has the bucket; gone when dropped.
    _bucket: Box<dyn std::any::Any + Send>,
    playback_key: PathBuf,
    /// The file by which the gateway and services know each other.
    pub(crate) services_key: PathBuf,
    _folder: tempfile::TempDir,
}

impl Cluster {
    /// With an S3 server that checks signatures and digests, and who may do what.
    pub(crate) async fn start() -> Self {
        let bucket = S3s::start_for(&POLICIES).await;
        Self::with(bucket.address(), Box::new(bucket), vec![RabbitMq::start()]).await
    }

    /// As [`Self::start`], with a broker of three nodes behind a balancer.
    pub(crate) async fn start_on_three_brokers() -> Self {
        let (bucket, brokers) = (S3s::start_for(&POLICIES).await, RabbitMq::start_three());
        Self::with(bucket.address(), Box::new(bucket), brokers.into()).await
    }

    /// With an S3 server that says which uploads are open.
    pub(crate) async fn start_on_moto() -> Self {
        let bucket = Moto::start().await;
        Self::with(bucket.address(), Box::new(bucket), vec![RabbitMq::start()]).await
    }

    async fn with(
        address: SocketAddr,
        bucket: Box<dyn std::any::Any + Send>,
        mut brokers: Vec<RabbitMq>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let playback_key = folder.path().join("key");
        std::fs::write(&playback_key, "known to services and origins alone").unwrap();
        let services_key = folder.path().join("services-key");
        std::fs::write(&services_key, SERVICES_SECRET).unwrap();
        let postgres = Postgres::start();
        let nodes = brokers.iter().map(RabbitMq::address).collect();
        Self {
            to_postgres: FaultyLink::start(postgres.address()).await,
            to_broker: FaultyLink::start_before(nodes).await,
            to_bucket: FaultProxy::start(address).await,
            postgres,
            broker: brokers.remove(0),
            further_brokers: brokers,
            _bucket: bucket,
            playback_key,
            services_key,
            _folder: folder,
        }
    }

    /// A process; each is told what it needs and nothing else.
    pub(crate) async fn process(&self, roles: &str, further: &[(&str, &str)]) -> Server {
        let settings = self.settings(roles, further);
        let settings: Vec<_> = settings.iter().map(|(name, value)| (&**name, &**value)).collect();
        Server::start_roles(roles, &settings).await
    }

    /// What a process says that ends at its start, as it must.
    pub(crate) async fn refused(&self, roles: &str, gateway: &Server) -> String {
        let folder = tempfile::tempdir().unwrap();
        let further = [
            ("KINORA_SERVER_PUBLIC_URL", &*gateway.gateway),
            ("KINORA_SERVICES_LISTEN", "127.0.0.1:0"),
        ];
        let child = tokio::process::Command::new(env!("CARGO_BIN_EXE_kinorad"))
            .args(["serve", "--roles", roles])
            .env("KINORA_DATA_DIR", folder.path().join("data"))
            .env("KINORA_ORIGIN_PUBLIC_URL", &gateway.origin)
            .envs(self.settings(roles, &further))
            .kill_on_drop(true)
            .output();
        let ended = tokio::time::timeout(Duration::from_secs(120), child).await;
        let ended = ended.expect("it goes on").unwrap();
        assert!(!ended.status.success());
        String::from_utf8(ended.stderr).unwrap()
    }

    fn settings(&self, roles: &str, further: &[(&str, &str)]) -> Vec<(String, String)> {
        let (store, endpoint) =
            (format!("s3://{BUCKET}/kinora"), format!("http://{}", self.to_bucket.address()));
        let broker = RabbitMq::url_at(self.to_broker.address());
        let database = format!("{}/postgres", Postgres::url_at(self.to_postgres.address()));
        let mut all = Vec::new();
        let has_tables = roles.contains("catalogue") || roles.contains("transcoding");
        let user = POLICIES.iter().map(|(user, _)| *user).find(|user| *user == roles);
        if roles != "gateway" {
            all.extend([
                ("KINORA_STORE_URL", &*store),
                ("KINORA_STORE_ENDPOINT", &endpoint),
                ("KINORA_STORE_ACCESS_KEY_ID", user.unwrap_or(ACCESS_KEY_ID)),
                ("KINORA_STORE_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
            ]);
        }
        if has_tables || roles == "worker" {
            all.push(("KINORA_QUEUE_URL", &broker));
        }
        if has_tables || roles == "origin" {
            all.push(("KINORA_PLAYBACK_KEY_FILE", self.playback_key.to_str().unwrap()));
        }
        if has_tables {
            all.push(("KINORA_DATABASE_URL", &database));
        }
        if has_tables != roles.contains("gateway") {
            all.push(("KINORA_SERVICES_KEY_FILE", self.services_key.to_str().unwrap()));
        }
        all.extend(further);
        all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The process with the database; silent workers are noticed after five seconds.
    pub(crate) async fn services(&self, origin: &Server) -> Server {
        self.services_with(origin, &[]).await
    }

    /// The same with further settings.
    pub(crate) async fn services_with(&self, origin: &Server, further: &[(&str, &str)]) -> Server {
        let [port] = free_ports();
        let listen = format!("127.0.0.1:{port}");
        let settings = [
            ("KINORA_SERVER_LISTEN", &*listen),
            ("KINORA_ORIGIN_PUBLIC_URL", &origin.origin),
            ("KINORA_TRANSCODING_MAX_IN_FLIGHT", "4"),
            ("KINORA_TRANSCODING_LEASE_MS", "5000"),
        ];
        self.process(SERVICES, &[&settings, further].concat()).await
    }

    /// Gateway, catalogue and transcoding as processes of their own.
    pub(crate) async fn apart(&self, origin: &Server) -> Apart {
        let [gateway, catalogue, transcoding] =
            free_ports().map(|port| format!("127.0.0.1:{port}"));
        let [public, catalogue_url, transcoding_url] =
            [&gateway, &catalogue, &transcoding].map(|address| format!("http://{address}"));
        let settings = [
            ("KINORA_SERVICES_LISTEN", &*catalogue),
            ("KINORA_SERVER_PUBLIC_URL", &public),
            ("KINORA_ORIGIN_PUBLIC_URL", &origin.origin),
        ];
        let catalogue = self.process("catalogue-command,catalogue-query", &settings).await;
        let transcoding = self.transcoding(&transcoding).await;
        let settings = [
            ("KINORA_SERVER_LISTEN", &*gateway),
            ("KINORA_SERVICES_CATALOGUE_URL", &catalogue_url),
            ("KINORA_SERVICES_TRANSCODING_URL", &transcoding_url),
            ("KINORA_ORIGIN_PUBLIC_URL", &origin.origin),
        ];
        let gateway = self.process("gateway", &settings).await;
        Apart { gateway, catalogue, transcoding }
    }

    /// An orchestrator, of which there may be several; silent workers are noticed after five seconds.
    pub(crate) async fn transcoding(&self, listen: &str) -> Server {
        let settings = [
            ("KINORA_SERVICES_LISTEN", listen),
            ("KINORA_TRANSCODING_MAX_IN_FLIGHT", "4"),
            ("KINORA_TRANSCODING_LEASE_MS", "5000"),
        ];
        self.process("transcoding", &settings).await
    }

    /// A worker of one slot.
    pub(crate) async fn worker(&self, name: &str) -> Server {
        self.process("worker", &[("KINORA_WORKER_NAME", name), ("KINORA_WORKER_SLOTS", "1")]).await
    }

    /// An origin that keeps its address when it starts again.
    pub(crate) async fn origin(&self) -> Server {
        let [port] = free_ports();
        let listen = format!("127.0.0.1:{port}");
        self.process("origin", &[("KINORA_ORIGIN_LISTEN", &listen)]).await
    }
}
