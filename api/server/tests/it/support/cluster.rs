//! Processes that share a database, a broker and a bucket, with a network between that can be made
//! to go wrong.

use std::{net::SocketAddr, path::PathBuf};

use kinora_testing::{
    ACCESS_KEY_ID, BUCKET, FaultProxy, FaultyLink, Moto, Postgres, RabbitMq, S3s,
    SECRET_ACCESS_KEY, free_ports,
};

use super::Server;

/// The roles of the process that has the database.
pub(crate) const SERVICES: &str = "gateway,catalogue-command,catalogue-query,transcoding";

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
    _folder: tempfile::TempDir,
}

impl Cluster {
    /// With an S3 server that checks signatures and digests.
    pub(crate) async fn start() -> Self {
        let bucket = S3s::start().await;
        Self::with(bucket.address(), Box::new(bucket), vec![RabbitMq::start()]).await
    }

    /// As [`Self::start`], with a broker of three nodes behind a balancer.
    pub(crate) async fn start_on_three_brokers() -> Self {
        let (bucket, brokers) = (S3s::start().await, RabbitMq::start_three());
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
        std::fs::write(&playback_key, "known to gateway and origins alone").unwrap();
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
            _folder: folder,
        }
    }

    /// A process; each is told what it needs and nothing else.
    pub(crate) async fn process(&self, roles: &str, settings: &[(&str, &str)]) -> Server {
        let (store, endpoint) =
            (format!("s3://{BUCKET}/kinora"), format!("http://{}", self.to_bucket.address()));
        let broker = RabbitMq::url_at(self.to_broker.address());
        let database = format!("{}/postgres", Postgres::url_at(self.to_postgres.address()));
        let mut all = vec![
            ("KINORA_STORE_URL", &*store),
            ("KINORA_STORE_ENDPOINT", &endpoint),
            ("KINORA_STORE_ACCESS_KEY_ID", ACCESS_KEY_ID),
            ("KINORA_STORE_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
        ];
        if roles != "origin" {
            all.push(("KINORA_QUEUE_URL", &broker));
        }
        if roles != "worker" {
            all.push(("KINORA_PLAYBACK_KEY_FILE", self.playback_key.to_str().unwrap()));
        }
        if roles == SERVICES {
            all.push(("KINORA_DATABASE_URL", &database));
        }
        all.extend(settings);
        Server::start_roles(roles, &all).await
    }

    /// The process with the database; silent workers are noticed after five seconds.
    pub(crate) async fn services(&self, origin: &Server) -> Server {
        let [port] = free_ports();
        let listen = format!("127.0.0.1:{port}");
        let settings = [
            ("KINORA_SERVER_LISTEN", &*listen),
            ("KINORA_ORIGIN_PUBLIC_URL", &origin.origin),
            ("KINORA_TRANSCODING_MAX_IN_FLIGHT", "4"),
            ("KINORA_TRANSCODING_LEASE_MS", "5000"),
        ];
        self.process(SERVICES, &settings).await
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
