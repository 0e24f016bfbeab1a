//! S3 against real servers. s3s-fs checks signatures and digests; moto lets exactly one of racing
//! writers win and lists uploads in parts.

mod adapter;
mod clock;
mod faults;
mod parts;
mod rights;

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use kinora_store::{Key, Retries, S3Config, S3Credentials, S3Store, S3Timeouts, contract::Handle};
use kinora_testing::{ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY};
use tempfile::TempDir;

/// How often a request is sent before its caller hears of it.
const TRIES: usize = 4;

fn config(server: SocketAddr) -> S3Config {
    S3Config {
        location: format!("s3://{BUCKET}/kinora/tests").parse().unwrap(),
        endpoint: format!("http://{server}"),
        region: "us-east-1".to_owned(),
        path_style: true,
        credentials: S3Credentials {
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: SECRET_ACCESS_KEY.to_owned(),
        },
        timeouts: S3Timeouts::default(),
        retries: Retries {
            times: TRIES - 1,
            first: Duration::from_millis(5),
            most: Duration::from_millis(20),
        },
        journal: None,
    }
}

pub(crate) fn store(server: SocketAddr) -> S3Store {
    S3Store::new(config(server)).unwrap()
}

fn handle(server: SocketAddr) -> Handle {
    Arc::new(store(server))
}

pub(crate) fn key(text: &str) -> Key {
    text.parse().unwrap()
}

/// A file that takes three parts, of bytes that differ from part to part.
fn long_file(folder: &TempDir) -> (std::path::PathBuf, Vec<u8>) {
    let bytes: Vec<u8> = (0..(33_u32 << 20)).map(|n| (n % 251 + (n >> 20)) as u8).collect();
    (file(folder.path(), &bytes), bytes)
}

fn file(folder: &Path, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.join("file");
    std::fs::write(&path, bytes).unwrap();
    path
}
