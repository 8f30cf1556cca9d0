//! The access log: a line for every answer, with as much of the visitor's address as the operator wants to keep.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderName, Method, Response};

use super::class::Class;
use super::figures;
use crate::config::LogAddresses;

/// By what a request is called, in our log and in those of a proxy before us.
pub(super) static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// So much of a path is worth a line in the log.
const LOGGED_PATH: usize = 500;
/// A longer name for a request is none.
const LONGEST_ID: usize = 64;

/// The name that a proxy gave a request, where it is one that cannot spoil a log.
pub(super) fn given_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(&REQUEST_ID)?.to_str().ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (!id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(plain)).then(|| id.to_owned())
}

/// A new name for a request. Nobody can tell from it how many there were.
pub(super) fn new_id() -> String {
    static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{:016x}", SEED.hash_one(number))
}

/// Notes an answer: in the log, and in the figures.
pub(super) fn note<T>(
    asked: (&Method, &str),
    from: &str,
    class: Class,
    response: &Response<T>,
    took: Duration,
) {
    let status = response.status().as_u16();
    figures::answered(class, status, took);
    let (method, path) = asked;
    let path = &path[..path.floor_char_boundary(LOGGED_PATH)];
    let length = response.headers().get(CONTENT_LENGTH);
    let bytes: Option<u64> = length.and_then(|value| value.to_str().ok()?.parse().ok());
    let ms = took.as_micros() as f64 / 1000.0;
    let class = class.name();
    tracing::info!(target: "access", %method, path, status, bytes, ms, class, from);
}

/// An address as the log may show it.
pub(super) fn shown(address: Option<IpAddr>, how: LogAddresses) -> String {
    match (how, address) {
        (LogAddresses::None, _) | (_, None) => "-".to_owned(),
        (LogAddresses::Full, Some(address)) => address.to_string(),
        (LogAddresses::Network, Some(IpAddr::V4(address))) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 0).to_string()
        }
        (LogAddresses::Network, Some(IpAddr::V6(address))) => {
            let [a, b, c, ..] = address.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{REQUEST_ID, given_id, new_id, shown};
    use crate::config::LogAddresses::{Full, Network, None as Nothing};

    #[test]
    fn addresses_are_shown_as_far_as_they_may_be() {
        for (address, how, said) in [
            ("192.0.2.77", Full, "192.0.2.77"),
            ("192.0.2.77", Network, "192.0.2.0"),
            ("192.0.2.77", Nothing, "-"),
            ("2001:db8:1:2::3", Full, "2001:db8:1:2::3"),
            ("2001:db8:1:2::3", Network, "2001:db8:1::"),
        ] {
            assert_eq!(shown(Some(address.parse().unwrap()), how), said);
        }
        assert_eq!(shown(None, Full), "-");
    }

    #[test]
    fn only_a_plain_word_is_the_name_of_a_request() {
        let given = |value: &'static [u8]| {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_bytes(value).unwrap();
            headers.insert(REQUEST_ID.clone(), value);
            given_id(&headers)
        };
        assert_eq!(given(b"a-1_2.Z").as_deref(), Some("a-1_2.Z"));
        for bad in [&b""[..], b"a b", b"a\"b", b"\xff", &[b'x'; 65]] {
            assert_eq!(given(bad), None);
        }
        assert_ne!(new_id(), new_id());
    }
}
