//! Who asks: an address, and the network it stands for when shares are dealt out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network of a client: a /24 of IPv4, a /48 of IPv6, or whoever has no address, such as the other end of a unix
/// socket. Crawlers come with many addresses, but from fewer networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// The first 24 bits.
    V4([u8; 3]),
    /// The first 48 bits.
    V6([u16; 3]),
    /// On this machine, without an address.
    Local,
}

impl Network {
    /// The network of an address; an IPv4 address in IPv6 clothes is one of IPv4.
    pub fn of(address: Option<IpAddr>) -> Network {
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => v4(address),
            Some(IpAddr::V6(address)) => v6(address),
            None => Network::Local,
        }
    }
}

fn v4(address: Ipv4Addr) -> Network {
    let [a, b, c, _] = address.octets();
    Network::V4([a, b, c])
}

fn v6(address: Ipv6Addr) -> Network {
    let [a, b, c, ..] = address.segments();
    Network::V6([a, b, c])
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn neighbours_are_of_one_network() {
        let network = |text: &str| Network::of(Some(text.parse().unwrap()));
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.254", true),
            ("192.0.2.1", "192.0.3.1", false),
            ("192.0.2.1", "::ffff:192.0.2.9", true),
            ("2001:db8:1::1", "2001:db8:1:ffff::2", true),
            ("2001:db8:1::1", "2001:db8:2::1", false),
            ("::", "0.0.0.0", false),
        ] {
            assert_eq!(network(one) == network(other), same, "{one} {other}");
        }
        assert_eq!(Network::of(None), Network::Local);
    }
}
