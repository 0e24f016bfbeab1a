//! The main job through real processes: kinorad, its workers and `kinora-encoder`.

// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

mod apart;
mod backup;
mod bad_input;
mod bound;
mod captions;
mod cluster;
mod control;
mod encryption;
mod extras;
mod faults;
mod gpu;
mod handover;
mod invariant;
mod kill;
mod media_table;
mod operation;
mod operator;
mod origins;
mod playable_early;
mod postgres;
mod published;
mod quality;
mod random_kills;
mod s3;
mod setbacks;
mod small_disk;
mod soak;
mod soundtracks;
mod support;
mod trace;
mod upgrade;
