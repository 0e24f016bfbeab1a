//! What one client, or one token that many share, may take.

mod in_flight;
mod rate;

use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

pub(crate) use self::in_flight::Ticket;
use self::{in_flight::InFlight, rate::Rates};
use crate::{Bounds, Limits, transport::Peer};

/// The quotas in force.
#[derive(Debug)]
pub(crate) struct Quotas {
    addresses: Rates,
    tokens: Rates,
    in_flight: InFlight,
    hasher: RandomState,
}

/// Why an answer is refused, and when to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exceeded {
    Address(Duration),
    Token(Duration),
    InFlight,
}

impl Quotas {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            addresses: Rates::new(limits.address_rate),
            tokens: Rates::new(limits.token_rate),
            in_flight: InFlight::new(limits.token_streams),
            hasher: RandomState::new(),
        }
    }

    /// Goes on with other limits.
    pub(crate) fn adjust(&self, to: &Bounds) {
        self.addresses.limit(to.address_rate);
        self.tokens.limit(to.token_rate);
        self.in_flight.limit(to.token_streams);
    }

    /// Counts a request of `client`. Who comes by a unix socket speaks for many, and is not counted.
    pub(crate) fn client(&self, client: Peer) -> Result<(), Exceeded> {
        if !self.addresses.are_limited() {
            return Ok(());
        }
        let Some(ip) = client.ip() else { return Ok(()) };
        self.addresses.take(self.hasher.hash_one(subscriber(ip))).map_err(Exceeded::Address)
    }

    /// Counts a request that `token` opened; the answer keeps the ticket while it is sent.
    pub(crate) fn token(&self, token: &str) -> Result<Option<Ticket>, Exceeded> {
        if !self.tokens.are_limited() && !self.in_flight.is_limited() {
            return Ok(None);
        }
        let token = self.hasher.hash_one(token);
        self.tokens.take(token).map_err(Exceeded::Token)?;
        self.in_flight.begin(token).ok_or(Exceeded::InFlight)
    }
}

/// Who is counted as one: an address, or of IPv6 the network that one subscriber gets.
fn subscriber(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> Peer {
        Peer::at(format!("{address}:1").parse().unwrap())
    }

    #[test]
    fn subscribers_are_counted_apart() {
        let quotas = Quotas::new(&Limits { address_rate: 1, ..Limits::default() });
        let burst = (0..).take_while(|_| quotas.client(peer("192.0.2.1")).is_ok()).count();
        assert!((10..=11).contains(&burst), "{burst}");
        assert!(quotas.client(peer("192.0.2.2")).is_ok());
        assert!(quotas.client(peer("[::ffff:192.0.2.1]")).is_err(), "the same one");
        for nth in 0..burst {
            assert!(quotas.client(peer(&format!("[2001:db8::{nth:x}]"))).is_ok());
        }
        assert!(quotas.client(peer("[2001:db8::ffff]")).is_err(), "one network");
        assert!(quotas.client(peer("[2001:db8:1::1]")).is_ok());
        assert!((0..100).all(|_| quotas.client(Peer::Local).is_ok()));
    }

    #[test]
    fn without_limits_nothing_is_counted() {
        let quotas = Quotas::new(&Limits::default());
        assert!((0..1000).all(|_| quotas.client(peer("192.0.2.1")).is_ok()));
        assert!((0..1000).all(|_| matches!(quotas.token("~k~1~x"), Ok(None))));
    }

    #[test]
    fn a_token_has_so_many_answers_at_once() {
        let quotas = Quotas::new(&Limits { token_streams: 2, ..Limits::default() });
        let first = quotas.token("~a").unwrap();
        let second = quotas.token("~a").unwrap();
        assert_eq!(quotas.token("~a").unwrap_err(), Exceeded::InFlight);
        assert!(quotas.token("~b").unwrap().is_some());
        drop((first, second));
        assert!(quotas.token("~a").unwrap().is_some());
    }
}
