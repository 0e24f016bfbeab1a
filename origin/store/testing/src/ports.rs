//! Ports for servers that cannot say which one they took.

use std::net::TcpListener;

/// Ports below those that the system gives to clients, so that nobody gets them in between, from a
/// hundred of this process's own.
///
/// # Panics
/// When there are not as many.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let ours = u16::try_from(std::process::id() % 100).expect("less than a hundred") * 100;
    let mut ports = 20_000 + ours..20_100 + ours;
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::array::from_fn(|_| ports.find(free).expect("some of a hundred ports are free"))
}
