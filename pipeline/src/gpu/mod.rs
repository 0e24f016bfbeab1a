//! Graphics processors: what they are, what a pipeline on one looks like, and what was proven.
//!
//! Elements of a GPU plugin register only where its hardware is, and an element that reaches READY
//! proves nothing. So [`doctor`] lets each device encode ten frames by the very path a chunk takes,
//! in a process of its own that a driver may crash or hang.
//!
//! - `device` a device and its elements by name.
//! - `describe` pure: the stages of a pipeline on a device.
//! - `stage` makes elements of stages.
//! - `parameters` makes parameter sets of every encoder promise the same.
//! - `discover` what this host may have; `prove` whether it works; `doctor` the whole answer.
//! - `fake` a device of tests that fails when it is told to.

pub mod describe;
mod device;
mod discover;
mod doctor;
mod fake;
pub(crate) mod parameters;
mod prove;
pub mod stage;

pub use device::Device;
pub use doctor::{DoctorArgs, run as doctor};
pub use fake::{FAKE_GPU, Faults};
pub use prove::{ProveArgs, run as prove};
