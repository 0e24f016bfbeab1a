//! What the adapters share that reach their objects over HTTP: what can go wrong and when to try
//! again, and how answers are received.

mod answer;
mod fault;
mod retry;

pub use self::retry::Retries;
pub(crate) use self::{
    answer::{
        collect, etag, header, lost, meta, moving, part, range_field, unquoted, within,
        within_memory,
    },
    fault::{Fault, refused},
    retry::{Tried, run},
};
