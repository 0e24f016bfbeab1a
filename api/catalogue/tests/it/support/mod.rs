//! A catalogue of its own for each test, and a plain HTTP/1.1 client to be rude with.

mod client;
mod house;

pub(crate) use client::{Answer, Pending};
pub(crate) use house::{House, PATCH_TYPE, pattern};
