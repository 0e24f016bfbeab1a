//! From where somebody asks.

use std::{net::IpAddr, str::FromStr, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, request::Parts};
use ipnet::IpNet;

/// By which a gateway tells services in other processes who asks it.
pub const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("kinora-client-address");
/// By which proxies tell whom they ask for: each adds who asked it at the end.
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Proxies that are believed. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl FromStr for TrustedProxies {
    type Err = String;

    /// Addresses and networks, separated by commas: `10.0.0.0/8, ::1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let network = |entry: &str| {
            let address = || entry.parse::<IpAddr>().map(IpNet::from);
            let network = entry.parse::<IpNet>().or_else(|_| address());
            network.map_err(|_| format!("'{entry}' is no address and no network"))
        };
        entries.map(network).collect::<Result<_, _>>().map(Self)
    }
}

/// The address of whoever asks, in the extensions of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// That of `peer`, or where it is one of `proxies` what it says: from the end of
    /// X-Forwarded-For the first that is none of them. What is no address says nothing.
    pub fn of(peer: IpAddr, headers: &HeaderMap, proxies: &TrustedProxies) -> Option<Self> {
        let is_proxy = |it: &IpAddr| proxies.0.iter().any(|network| network.contains(it));
        let mut client = peer.to_canonical();
        let said = headers.get_all(FORWARDED).into_iter().rev();
        let mut said = said.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        while is_proxy(&client) {
            client = match said.next() {
                Some(said) => said.trim().parse::<IpAddr>().ok()?.to_canonical(),
                // It asks for itself.
                None => break,
            };
        }
        Some(Self(client))
    }

    /// What was told of a request.
    pub fn in_parts(parts: &Parts) -> Option<IpAddr> {
        parts.extensions.get().map(|Self(address)| *address)
    }

    /// What a gateway says of it.
    pub fn in_headers(headers: &HeaderMap) -> Option<Self> {
        headers.get(CLIENT_ADDRESS)?.to_str().ok()?.parse().ok().map(Self)
    }

    /// What a gateway says to others.
    pub fn field(self) -> HeaderValue {
        HeaderValue::try_from(self.0.to_string()).expect("an address is a header value")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_proxies_are_believed() {
        let proxies: TrustedProxies = "10.0.0.0/8, ::1".parse().unwrap();
        assert!("10.0.0.0/8,proxy".parse::<TrustedProxies>().is_err());
        let of = |peer: &str, fields: &[&str]| {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(FORWARDED, HeaderValue::from_str(field).unwrap());
            }
            ClientAddress::of(peer.parse().unwrap(), &headers, &proxies).map(|it| it.0.to_string())
        };
        for (peer, fields, client) in [
            ("192.0.2.1", &[][..], Some("192.0.2.1")),
            ("192.0.2.1", &["198.51.100.7"], Some("192.0.2.1")),
            ("10.0.0.1", &["198.51.100.7"], Some("198.51.100.7")),
            ("::ffff:10.0.0.1", &["198.51.100.7"], Some("198.51.100.7")),
            ("::1", &["2001:db8::1"], Some("2001:db8::1")),
            // What the client itself wrote stands before.
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7"], Some("198.51.100.7")),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.7 , 10.9.9.9"], Some("198.51.100.7")),
            ("10.0.0.1", &[], Some("10.0.0.1")),
            ("10.0.0.1", &["10.0.0.2"], Some("10.0.0.2")),
            ("10.0.0.1", &["198.51.100.7, unknown"], None),
        ] {
            assert_eq!(of(peer, fields).as_deref(), client, "{peer} {fields:?}");
        }
    }
}
