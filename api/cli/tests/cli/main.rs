//! The binary, run as a user or a script runs it, against a server over loopback.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "../../../client/tests/fake/mod.rs"]
mod fake;

mod failing;
mod help;
mod lint;
mod login;
mod manage;
mod package;
mod profiles;
mod resume;
mod run;
mod uploading;
