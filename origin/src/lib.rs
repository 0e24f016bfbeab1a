//! The origin: manifests and segments over HTTP/1.1 and HTTP/2, from the object store alone.
//!
//! A request is an address (`route`), opened by a token where the video asks for one (`access`),
//! looked up in the segment index (`index`), and answered with a manifest rendered once a
//! revision (`manifest`) or a range of an object (`media`) that is kept in memory (`cache`). What
//! is asked for often is answered before hyper sees the request (`hot`). `http` holds what HTTP
//! asks of every answer: validators, conditions, ranges, codings, caching, CORS and problems.
//! `secrets` holds the keys of encrypted videos, which are sealed on their way into the cache.
//! `cmcd` hands on what players report, `metrics` and `access_log` what operators want to know. `server` and
//! `connection` keep clients within limits, `transport` is what they come by,
//! `quota` what one may take.

mod access;
mod access_log;
mod adjust;
mod cache;
mod cmcd;
mod config;
mod connection;
mod hot;
mod http;
mod index;
mod live;
mod manifest;
mod media;
mod metrics;
mod notices;
mod quota;
mod route;
mod secrets;
mod server;
mod service;
mod transport;

pub use adjust::{Adjust, Bounds};
pub use cmcd::{CmcdReport, CmcdSink, CmcdValue};
pub use config::{Caches, Limits, OriginConfig, OriginError, Timeouts};
pub use live::{Description, Live, serve_ingest};
pub use metrics::Metrics;
pub use notices::Notices;
pub use server::serve;
pub use transport::{ListenAddress, Listener, Proxies, Tls, TlsError, listen, spread};
