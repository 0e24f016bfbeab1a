//! What the services share on axum: problems, authentication, pages, extractors, the layers of
//! the boundary, and the frame of the OpenAPI document.
//!
//! A handler returns `Result<_, Problem>`. Failures are logged once, in [`boundary`], where they
//! leave the process.

mod api_key;
pub mod audit;
pub mod boundary;
mod client;
pub mod cluster;
mod extract;
pub mod openapi;
mod page;
mod principal;
mod problem;
pub mod sweep;
mod timestamp;
mod trace;
mod viewer;

pub use api_key::{ApiKey, ApiKeyError, ApiKeySecret, Authenticator};
pub use client::{CLIENT_ADDRESS, ClientAddress, TrustedProxies};
pub use extract::{Json, Path, Query};
pub use page::{Cursor, CursorError, Page, PageQuery};
pub use principal::{OptionalPrincipal, Principal};
pub use problem::{PROBLEM_JSON, Problem, ProblemBody};
pub use timestamp::Timestamp;
pub use trace::Trace;
pub use viewer::{Subject, Viewer};
