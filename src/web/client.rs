//! Who asks: an address, and the network it stands for when shares are dealt out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::HeaderMap;

use crate::config::{ClientHeader, Proxy};

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

/// Whether what comes from there comes from a front end of ours.
pub(super) fn is_front_end(proxy: &Proxy, peer: Option<IpAddr>) -> bool {
    match peer {
        Some(address) => proxy.trust.iter().any(|block| block.has(address)),
        None => proxy.trust_unix,
    }
}

/// The address of the client of a request that came from `peer`: what front ends say, as far as they are believed.
///
/// Each front end adds, at the end, from whom it has the request. So the list is read from its end, and the first
/// address that is none of our front ends is the client's: what stands before that, he may have written himself.
pub(super) fn client(proxy: &Proxy, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
    if !is_front_end(proxy, peer) {
        return peer;
    }
    let (name, read): (_, fn(&str) -> Option<IpAddr>) = match proxy.header {
        ClientHeader::XForwardedFor => ("x-forwarded-for", address),
        ClientHeader::Forwarded => ("forwarded", forwarded_for),
        ClientHeader::None => return peer,
    };
    let mut client = peer;
    let lines = headers.get_all(name).iter().rev();
    let hops = lines.flat_map(|line| line.to_str().unwrap_or("").rsplit(','));
    for hop in hops.take(HOPS) {
        // What cannot be read is not believed, and nothing before it.
        let Some(before) = read(hop.trim()) else {
            break;
        };
        client = Some(before);
        if !is_front_end(proxy, client) {
            break;
        }
    }
    client
}

/// More front ends in a row nobody has.
const HOPS: usize = 20;

/// An address as front ends write it: `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]:443`.
fn address(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    match text.parse() {
        Ok(address) => Some(address),
        Err(_) => text
            .rsplit_once(':')?
            .0
            .parse::<Ipv4Addr>()
            .ok()
            .map(IpAddr::V4),
    }
}

/// The address in one element of `Forwarded` (RFC 7239, 4): `for="[2001:db8::1]:443";proto=https`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case("for"))?;
    address(value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::http::{HeaderMap, HeaderValue};

    use super::{Network, client};
    use crate::config::{ClientHeader, Proxy};

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

    fn client_of(
        peer: Option<&str>,
        header: ClientHeader,
        lines: &[(&str, &str)],
    ) -> Option<String> {
        let proxy = Proxy {
            trust: vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()],
            trust_unix: true,
            header,
            protocol: false,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: axum::http::HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let peer = peer.map(|peer| peer.parse().unwrap());
        client(&proxy, peer, &headers).map(|address: IpAddr| address.to_string())
    }

    #[test]
    fn front_ends_are_believed_and_nobody_else() {
        let xff = "x-forwarded-for";
        for (peer, lines, found) in [
            // Not a front end: whatever it says.
            (
                Some("192.0.2.1"),
                vec![(xff, "203.0.113.9")],
                Some("192.0.2.1"),
            ),
            (
                Some("10.1.1.1"),
                vec![(xff, "203.0.113.9")],
                Some("203.0.113.9"),
            ),
            (None, vec![(xff, "203.0.113.9")], Some("203.0.113.9")),
            (
                Some("::1"),
                vec![(xff, "[2001:db8::7]:80")],
                Some("2001:db8::7"),
            ),
            (
                Some("::1"),
                vec![(xff, "203.0.113.9:1234")],
                Some("203.0.113.9"),
            ),
            // What the client wrote himself stands before what the front end added.
            (
                Some("10.1.1.1"),
                vec![(xff, "198.51.100.1, 203.0.113.9")],
                Some("203.0.113.9"),
            ),
            (
                Some("10.1.1.1"),
                vec![(xff, "198.51.100.1"), (xff, "203.0.113.9")],
                Some("203.0.113.9"),
            ),
            // Two front ends.
            (
                Some("10.1.1.1"),
                vec![(xff, "203.0.113.9, 10.2.2.2")],
                Some("203.0.113.9"),
            ),
            // Nonsense is not believed, nor what stands before it.
            (
                Some("10.1.1.1"),
                vec![(xff, "203.0.113.9, unknown")],
                Some("10.1.1.1"),
            ),
            (Some("10.1.1.1"), vec![(xff, "")], Some("10.1.1.1")),
            (Some("10.1.1.1"), vec![], Some("10.1.1.1")),
            // The other header may come from anybody.
            (
                Some("10.1.1.1"),
                vec![("forwarded", "for=203.0.113.9")],
                Some("10.1.1.1"),
            ),
            (None, vec![], None),
        ] {
            let client = client_of(peer, ClientHeader::XForwardedFor, &lines);
            assert_eq!(client.as_deref(), found, "{peer:?} {lines:?}");
        }
        for (value, found) in [
            ("for=203.0.113.9", "203.0.113.9"),
            ("For=\"[2001:db8::7]:4711\";proto=https", "2001:db8::7"),
            ("for=198.51.100.1, by=x;for=203.0.113.9", "203.0.113.9"),
            ("for=_hidden", "10.1.1.1"),
            ("proto=https", "10.1.1.1"),
        ] {
            let client = client_of(
                Some("10.1.1.1"),
                ClientHeader::Forwarded,
                &[("forwarded", value)],
            );
            assert_eq!(client.as_deref(), Some(found), "{value}");
        }
        let client = client_of(
            Some("10.1.1.1"),
            ClientHeader::None,
            &[(xff, "203.0.113.9")],
        );
        assert_eq!(client.as_deref(), Some("10.1.1.1"));
    }
}
