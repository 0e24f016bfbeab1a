//! The adapters: the contract both keep, what only files can get wrong, and what only a server
//! and a network can.

#![allow(clippy::unwrap_used)] // helpers of tests may panic as tests may

mod filesystem;
mod rooms;
mod s3;
mod transfer;
