//! The filesystem adapter: the contract every adapter keeps, and what only files can get wrong.

#![allow(clippy::unwrap_used)] // a helper of a test may panic as the test may

#![allow(clippy::unwrap_used)] // helpers of tests may panic as tests may

mod filesystem;
mod rooms;
