//! The object store: one port, and the adapters behind it.
//!
//! Media objects are created once and never change; only a segment index's head is replaced,
//! under compare-and-swap. [`contract`] is what every adapter must pass.

pub mod contract;
mod fs;
pub mod keys;
mod port;
mod remote;
mod s3;
pub mod transfer;
mod upstream;

pub use fs::FsStore;
pub use port::{
    ByteRange, Condition, Key, KeyError, ObjectMeta, ObjectStore, Put, StoreError, Unfinished,
};
pub use remote::Retries;
pub use s3::{S3Config, S3ConfigError, S3Credentials, S3Location, S3Store, S3Timeouts};
pub use upstream::{UpstreamConfig, UpstreamConfigError, UpstreamStore};
