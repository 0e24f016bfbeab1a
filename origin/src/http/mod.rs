//! What HTTP asks of every answer.

mod body;
mod coding;
mod conditions;
mod headers;
mod multipart;
mod problem;
mod range;
mod resource;

pub(crate) use body::{Body, Piece, empty, of, pieces, whole};
pub(crate) use coding::Coding;
pub(crate) use conditions::Validators;
pub(crate) use headers::{
    CacheControl, SERVER_TIMING, finish, license_preflight, preflight, timing,
};
pub(crate) use multipart::content_range;
pub(crate) use problem::Problem;
pub(crate) use range::{Asked, parse as asked};
pub(crate) use resource::{Content, Resource};
