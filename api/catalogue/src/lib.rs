//! The catalogue: what videos there are, how their sources arrive, and what became of them.
//!
//! Commands and queries are apart. Command handlers change what owners say and append
//! events to the outbox in the same transaction; queries read one joined row a video; a consumer
//! applies the transcoding service's events to the read side, once and in order.
//!
//! - `upload/` is tus 1.0.0: bytes go to a spool file and become durable before the offset says so.
//! - `http/` is the only place that knows statuses and headers.
//! - `repository/` is the only place that knows SQL.

mod adopt;
mod audit;
mod captions;
mod catalogue;
mod command;
mod config;
mod consumer;
mod core;
mod error;
mod http;
mod lost;
mod model;
mod query;
mod repository;
mod upload;

pub use adopt::{Adopted, adopt};
pub use catalogue::{Catalogue, CatalogueDeps};
pub use config::CatalogueConfig;
pub use consumer::GROUP;
pub use error::Error;
pub use lost::lose;
pub use model::{State, Visibility};
