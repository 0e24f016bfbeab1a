//! The packager from outside: snapshots of what it writes, other people's readers over it, and
//! properties of timelines.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod atoms;
mod crypt;
mod dash;
mod entries;
mod fixtures;
mod hdr;
mod hls;
mod init;
mod just_in_time;
mod lint;
mod live;
mod media;
mod package;
mod peers;
mod periods;
mod read;
mod schema;
mod segment;
mod text;
mod text_tracks;
mod tree;
mod trick;
