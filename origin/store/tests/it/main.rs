//! The filesystem adapter: the contract every adapter keeps, and what only files can get wrong.

#![allow(clippy::unwrap_used)] // helpers of tests may panic as tests may

mod filesystem;
mod rooms;
