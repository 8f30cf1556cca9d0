//! `[threadbare "limits"]` and `[threadbare "proxy"]`: how much may be asked for at once, and who says for whom.

use std::net::IpAddr;
use std::str::FromStr;

/// `[threadbare "limits"]`: what is not said follows from the number of processors (`docs/limits.md`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// `connections`: how many at once.
    pub connections: Option<usize>,
    /// `connectionsPerNetwork`: how many of one network (/24, /48).
    pub connections_per_network: Option<usize>,
    /// `pages`: messages, threads and raw mail that are worked on at once.
    pub pages: Option<usize>,
    /// `lists`: lists and feeds.
    pub lists: Option<usize>,
    /// `searches`.
    pub searches: Option<usize>,
    /// `bulk`: git's files, whole lists, results as files, differences of copies.
    pub bulk: Option<usize>,
    /// `clones`: git processes.
    pub clones: Option<usize>,
    /// `streams`: long answers under way in each class.
    pub streams: Option<usize>,
    /// `answers`: how many megabytes of finished answers may wait for their readers.
    pub answers: Option<usize>,
    /// `incoming`: how many megabytes of mail the callers of LMTP may have in hand together.
    pub incoming: Option<usize>,
    /// `patience`: how many seconds a request waits for its turn.
    pub patience: Option<u32>,
    /// `searchesPerMinute`: how many searches a network may ask for.
    pub searches_per_minute: Option<u32>,
    /// `bulkPerMinute`: how much of what is in bulk.
    pub bulk_per_minute: Option<u32>,
}

/// `[threadbare "proxy"]`: front ends whose word is taken for where a request comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxy {
    /// `trust`: addresses and blocks of addresses of front ends; empty where nobody is believed.
    pub trust: Vec<Block>,
    /// Whether whoever comes by a unix socket is a front end: `unix` among `trust`.
    pub trust_unix: bool,
    /// `header`: where it says so.
    pub header: ClientHeader,
    /// `protocol`: whether connections of front ends begin with a PROXY header.
    pub protocol: bool,
}

/// The header in which a front end names the client. One only: another may come from the client himself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// None: all that front ends say is in the PROXY header.
    None,
}

/// An address, or all addresses that begin alike: `192.0.2.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    address: IpAddr,
    /// How many bits count.
    bits: u32,
}

impl Block {
    /// Whether an address is in it.
    pub fn has(&self, address: IpAddr) -> bool {
        let shifted = |value: u128, width: u32| value.checked_shr(width - self.bits).unwrap_or(0);
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let value = |address: u32| shifted(u128::from(address), 32);
                value(ours.to_bits()) == value(theirs.to_bits())
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                shifted(ours.to_bits(), 128) == shifted(theirs.to_bits(), 128)
            }
            _ => false,
        }
    }
}

impl FromStr for Block {
    type Err = String;

    fn from_str(text: &str) -> Result<Block, String> {
        let wrong = || format!("{text:?} is neither an address nor a block like 192.0.2.0/24");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= width),
            None => Some(width),
        };
        let bits = bits.ok_or_else(wrong)?;
        Ok(Block { address, bits })
    }
}

/// The keys of `[threadbare "limits"]`.
pub(super) const LIMITS: &[&str] = &[
    "answers",
    "bulk",
    "bulkPerMinute",
    "clones",
    "connections",
    "connectionsPerNetwork",
    "incoming",
    "lists",
    "pages",
    "patience",
    "searches",
    "searchesPerMinute",
    "streams",
];

/// The keys of `[threadbare "proxy"]`.
pub(super) const PROXY: &[&str] = &["header", "protocol", "trust"];

impl Limits {
    /// Follows a line, or says why not. The key is in lower case.
    pub(super) fn follow(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "connections" => self.connections = Some(count(value)?),
            "connectionspernetwork" => self.connections_per_network = Some(count(value)?),
            "pages" => self.pages = Some(count(value)?),
            "lists" => self.lists = Some(count(value)?),
            "searches" => self.searches = Some(count(value)?),
            "bulk" => self.bulk = Some(count(value)?),
            "clones" => self.clones = Some(count(value)?),
            "streams" => self.streams = Some(count(value)?),
            "answers" => self.answers = Some(count(value)?),
            "incoming" => self.incoming = Some(count(value)?),
            "patience" => self.patience = Some(number(value)?),
            "searchesperminute" => self.searches_per_minute = rate(value)?,
            "bulkperminute" => self.bulk_per_minute = rate(value)?,
            _ => return Err(unknown("limits", key, LIMITS)),
        }
        Ok(())
    }
}

impl Proxy {
    /// Follows a line, or says why not. The key is in lower case; `truth` is the value as a truth value.
    pub(super) fn follow(
        &mut self,
        key: &str,
        value: &str,
        truth: Option<bool>,
    ) -> Result<(), String> {
        match key {
            "trust" => {
                let words = value.split([',', ' ', '\t']);
                for word in words.filter(|word| !word.is_empty()) {
                    match word {
                        "unix" => self.trust_unix = true,
                        block => self.trust.push(block.parse()?),
                    }
                }
            }
            "header" => {
                self.header = match value.to_ascii_lowercase().as_str() {
                    "x-forwarded-for" => ClientHeader::XForwardedFor,
                    "forwarded" => ClientHeader::Forwarded,
                    "none" => ClientHeader::None,
                    _ => {
                        return Err(format!(
                            "{value:?} is none of X-Forwarded-For, Forwarded and none"
                        ));
                    }
                }
            }
            "protocol" => {
                self.protocol =
                    truth.ok_or_else(|| format!("{value:?} is neither true nor false"))?;
            }
            _ => return Err(unknown("proxy", key, PROXY)),
        }
        Ok(())
    }
}

fn unknown(section: &str, key: &str, keys: &[&str]) -> String {
    format!(
        "threadbare.{section}.{key} is no setting; there are {}",
        keys.join(", ")
    )
}

/// A number of things that has to be one at least: none of them would be no service.
fn count(value: &str) -> Result<usize, String> {
    let count = value.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| format!("{value:?} is no number above 0"))
}

fn number(value: &str) -> Result<u32, String> {
    value.parse().map_err(|_| format!("{value:?} is no number"))
}

/// So many in a minute; 0 is no bound.
fn rate(value: &str) -> Result<Option<u32>, String> {
    Ok(Some(number(value)?).filter(|rate| *rate > 0))
}

#[cfg(test)]
mod tests {
    use super::{Block, ClientHeader, Limits, Proxy};

    #[test]
    fn a_block_has_the_addresses_that_begin_like_it() {
        for (block, address, has) in [
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("192.0.2.7", "::ffff:192.0.2.7", true),
            ("10.0.0.0/8", "10.255.1.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::1", "::1", true),
        ] {
            let parsed: Block = block.parse().unwrap();
            assert_eq!(
                parsed.has(address.parse().unwrap()),
                has,
                "{block} {address}"
            );
        }
        for wrong in [
            "",
            "x",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/-1",
            "10.0.0.0/",
        ] {
            assert!(wrong.parse::<Block>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn lines_are_followed_or_the_reason_is_said() {
        let mut limits = Limits::default();
        for (key, value, good) in [
            ("connections", "500", true),
            ("searches", "0", false),
            ("patience", "0", true),
            ("searchesperminute", "30", true),
            ("bulkperminute", "0", true),
            ("pages", "many", false),
            ("nothing", "1", false),
        ] {
            assert_eq!(limits.follow(key, value).is_ok(), good, "{key}");
        }
        let expected = Limits {
            connections: Some(500),
            patience: Some(0),
            searches_per_minute: Some(30),
            ..Limits::default()
        };
        assert_eq!(limits, expected);
        let mut proxy = Proxy::default();
        proxy.follow("trust", "127.0.0.1, unix ::1", None).unwrap();
        proxy.follow("header", "Forwarded", None).unwrap();
        proxy.follow("protocol", "", Some(true)).unwrap();
        assert!(proxy.follow("trust", "proxy.example", None).is_err());
        assert!(proxy.follow("header", "X-Real-IP", None).is_err());
        assert!(proxy.trust_unix && proxy.protocol && proxy.trust.len() == 2);
        assert_eq!(proxy.header, ClientHeader::Forwarded);
    }
}
