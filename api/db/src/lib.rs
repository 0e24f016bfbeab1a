//! The database under the services, SQLite or Postgres behind `sqlx::Any`: embedded migrations, the transactional outbox, and the inbox of its consumers.
//!
//! SQL here and in the services keeps to what both dialects share: TEXT, BIGINT and DOUBLE
//! columns, `$n` parameters, `CAST(SUM(..) AS BIGINT)`, and conditional single-statement updates
//! instead of read-then-write. What differs lies in [`Dialect`].

pub mod backup;
mod clock;
mod database;
mod dialect;
mod error;
mod exclusive;
mod id;
pub mod inbox;
mod missing;
pub mod outbox;
mod relay;
mod retry;
mod server_clock;

pub use clock::{Clock, ManualClock};
pub use database::{DEFAULT_CONNECTIONS, Database, WriteTransaction};
pub use dialect::Dialect;
pub use error::DbError;
pub use exclusive::Exclusive;
pub use id::{new_event_id, new_job_id, new_video_id};
pub use retry::{Conflict, retrying};
