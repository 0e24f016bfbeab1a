//! What HTTP asks of every answer.

mod body;
mod conditions;
mod headers;
mod problem;
mod range;
mod resource;

pub(crate) use body::{Body, empty, whole};
pub(crate) use conditions::Validators;
pub(crate) use headers::{CacheControl, finish, preflight};
pub(crate) use problem::Problem;
pub(crate) use resource::{Content, Resource};
