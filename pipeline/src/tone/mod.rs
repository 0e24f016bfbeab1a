//! From HDR, and from colours wider than BT.709's, to what every player shows.
//!
//! `transfer` turns signals into light, `gamut` brings it into BT.709's primaries, `eetf` dims what
//! is brighter than SDR's white; `colour` is the three for one colour, exact, `cube` a table of it,
//! and `planes` takes pictures through the table. [`ToSdr`] is the way in: everything behind a
//! decoder, rungs, analysis and pictures alike, takes its frames from there.

mod colour;
mod cube;
mod eetf;
mod frame;
mod gamut;
mod planes;
mod transfer;

pub(crate) use frame::ToSdr;
