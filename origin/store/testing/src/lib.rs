//! Real servers for tests, on free loopback ports, and a network between that misbehaves on
//! demand. What goes wrong here panics: it is a test that fails.

mod authority;
mod clock;
mod database;
mod link;
mod listing;
mod moto;
mod policy;
mod ports;
mod postgres;
mod proxy;
mod rabbitmq;
mod s3s;

pub use self::{
    authority::Authority,
    clock::wrong_clock,
    database::{POSTGRES_VARIABLE, TestDatabase},
    link::{FaultyLink, Trouble},
    moto::Moto,
    ports::free_ports,
    postgres::Postgres,
    proxy::{Fault, FaultProxy},
    rabbitmq::RabbitMq,
    s3s::S3s,
};

/// The bucket that every S3 server has.
pub const BUCKET: &str = "films";
/// Who may use it.
pub const ACCESS_KEY_ID: &str = "tests";
/// With which secret.
pub const SECRET_ACCESS_KEY: &str = "known to everybody";
