//! The catalogue over a real listener, on a real database, queue and store.

#![allow(clippy::unwrap_used)]

mod audit;
mod captions;
mod crashes;
mod document;
mod events;
mod full_disk;
mod interruptions;
mod playback;
mod profiles;
mod quota;
mod support;
mod tus;
mod videos;
