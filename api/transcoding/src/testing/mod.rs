//! A world around the service that can be driven step by step and made to fail: the real
//! database, with a store, a queue, a bus and workers in memory.

mod accompanied;
pub(crate) mod bus;
pub(crate) mod check;
mod devices;
pub(crate) mod faults;
pub(crate) mod film;
mod gpu;
mod late;
mod loops;
mod model;
mod quality;
pub(crate) mod queue;
mod quotas;
mod retried;
pub(crate) mod store;
mod stories;
pub(crate) mod worker;
pub(crate) mod world;
