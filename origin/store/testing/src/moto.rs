//! moto, an S3 server in Python: of racing conditional writers exactly one wins, and it lists
//! uploads in parts. It checks no signature. `deploy/bootstrap.sh` puts it under `target/moto`.

use std::{
    net::{SocketAddr, TcpListener},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use http_body_util::Full;
use hyper::Request;

use crate::{BUCKET, proxy::forward};

/// A running server with one bucket; killed when dropped.
#[derive(Debug)]
pub struct Moto {
    address: SocketAddr,
    child: Child,
}

impl Moto {
    /// Starts one that holds nothing.
    pub async fn start() -> Self {
        let program =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/moto/bin/moto_server");
        assert!(program.exists(), "moto is missing: deploy/bootstrap.sh test installs it");
        // Somebody else may take the port in between; then another is tried.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
            let address = port.expect("a free port");
            let child = Command::new(&program)
                .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
                // Ctrl-C is for whoever uses it.
                .process_group(0)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("moto can be run");
            let mut moto = Self { address, child };
            if moto.make_bucket().await {
                return moto;
            }
        }
        panic!("moto did not start");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it answers; whether it did.
    async fn make_bucket(&mut self) -> bool {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            if self.child.try_wait().expect("a child can be asked").is_some() {
                return false;
            }
            let request = Request::put(format!("/{BUCKET}"))
                .header("host", self.address.to_string())
                .header("authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x")
                .header("content-length", 0)
                .body(Full::default())
                .expect("a request");
            if forward(self.address, request).await.is_ok_and(|made| made.status().is_success()) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
