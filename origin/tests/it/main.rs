//! The origin over a real listener, in front of a real store.

#![allow(clippy::unwrap_used)] // helpers of tests may panic as tests may

mod answers;
mod caches;
mod clients;
mod cmcd;
mod codings;
mod fixture;
mod growing;
mod hot;
mod live;
mod live_clients;
mod media_cache;
mod operation;
mod paths;
mod protected;
mod quotas;
mod ranges;
mod shield;
mod slow_clients;
mod tokens;
mod transports;
