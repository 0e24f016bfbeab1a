//! s3s-fs, an S3 server in this process: it checks signatures, MD5 and conditions. It lists neither
//! ETags nor uploads; what a listing costs is by [`Listed`].
//!
//! By itself it lets all of racing writers win, one with its bytes and another with its metadata. So
//! requests for one object take turns here.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY, listing::Listed, policy::Policies};

/// A running server with one bucket; gone when dropped.
#[derive(Debug)]
pub struct S3s {
    address: SocketAddr,
    root: tempfile::TempDir,
    task: JoinHandle<()>,
}

impl S3s {
    /// Starts one on an empty folder.
    pub async fn start() -> Self {
        Self::start_for(&[]).await
    }

    /// The same with further users, each bound by a policy: JSON as IAM has it, in which `BUCKET`
    /// and `PREFIX` stand for ours. All have the same secret.
    pub async fn start_for(users: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(root.path().join(BUCKET)).expect("a folder for the bucket");
        let mut builder = S3ServiceBuilder::new(Listed::new(root.path()));
        let mut auth = SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY);
        let mut policies = Policies::default();
        for (user, policy) in users {
            auth.register((*user).to_owned(), SECRET_ACCESS_KEY.into());
            policies.bind(user, policy);
        }
        builder.set_auth(auth);
        builder.set_access(policies);
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let task = tokio::spawn(async move {
            let turns = Turns::default();
            while let Ok((socket, _)) = listener.accept().await {
                let (service, turns) = (service.clone(), turns.clone());
                let in_turn = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let (service, turn) = (service.clone(), turns.of(request.uri().path()));
                    async move {
                        let _mine = turn.lock().await;
                        Service::call(&service, request).await
                    }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), in_turn);
                // A client that goes away is no news.
                tokio::spawn(async move { drop(connection.await) });
            }
        });
        Self { address, root, task }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has on disk: objects lie in the folder of the bucket, uploads and metadata beside it.
    pub fn root(&self) -> &Path {
        self.root.path()
    }
}

/// Whose turn it is, for each path.
#[derive(Clone, Default)]
struct Turns(Arc<Mutex<HashMap<String, Turn>>>);

type Turn = Arc<tokio::sync::Mutex<()>>;

impl Turns {
    fn of(&self, path: &str) -> Turn {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Turn::clone(turns.entry(path.to_owned()).or_default())
    }
}

impl Drop for S3s {
    fn drop(&mut self) {
        self.task.abort();
    }
}
