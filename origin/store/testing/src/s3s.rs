//! s3s-fs, an S3 server in this process: it checks signatures, MD5 and conditions, one request at
//! a time. It lists neither ETags nor uploads, and racing writers it may let all win.

use std::{net::SocketAddr, path::Path};

use hyper_util::rt::TokioIo;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY, policy::Policies};

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
        let mut builder =
            S3ServiceBuilder::new(FileSystem::new(root.path()).expect("the folder is there"));
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
            while let Ok((socket, _)) = listener.accept().await {
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service.clone());
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

impl Drop for S3s {
    fn drop(&mut self) {
        self.task.abort();
    }
}
