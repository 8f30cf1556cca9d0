//! Which compression a visitor wants (RFC 9110, 12.5.3), and the two that we speak.

use std::io::{self, Write};

use axum::http::header::ACCEPT_ENCODING;
use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use libdeflater::{CompressionLvl, Compressor};

/// Below this a compressed body is hardly smaller, and a packet is a packet.
const WORTH_IT: usize = 256;
/// Fast levels: a third of the time of the best ones for nine tenths of the gain.
const GZIP_LEVEL: u32 = 3;
const GZIP_LEVEL_AT_ONCE: i32 = 1;
const ZSTD_LEVEL: i32 = 2;

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Coding {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    /// The best of what a request accepts: by its weight, then by our liking.
    pub(super) fn wanted(request: &HeaderMap) -> Coding {
        let lists = request.get_all(ACCEPT_ENCODING).iter();
        let items = lists
            .filter_map(|list| list.to_str().ok())
            .flat_map(|list| list.split(','));
        let (mut zstd, mut gzip, mut identity, mut any) = (None, None, None, None);
        for item in items {
            let (name, weight) = weighed(item);
            let place = match name.to_ascii_lowercase().as_str() {
                "zstd" => &mut zstd,
                "gzip" | "x-gzip" => &mut gzip,
                "identity" => &mut identity,
                "*" => &mut any,
                _ => continue,
            };
            *place = Some(weight);
        }
        let zstd = zstd.or(any).unwrap_or(0);
        let gzip = gzip.or(any).unwrap_or(0);
        // What is not named is acceptable, but nobody asks for it.
        let identity = identity.unwrap_or(0);
        if zstd > 0 && zstd >= gzip && zstd >= identity {
            Coding::Zstd
        } else if gzip > 0 && gzip >= identity {
            Coding::Gzip
        } else {
            Coding::Identity
        }
    }

    /// The value of `Content-Encoding`, where there is one.
    pub(super) fn header(self) -> Option<HeaderValue> {
        match self {
            Coding::Identity => None,
            Coding::Gzip => Some(HeaderValue::from_static("gzip")),
            Coding::Zstd => Some(HeaderValue::from_static("zstd")),
        }
    }

    /// A whole body in this coding. Says which it has become: short ones stay as they are.
    pub(super) fn apply(self, body: Bytes) -> (Coding, Bytes) {
        if self == Coding::Identity || body.len() < WORTH_IT {
            return (Coding::Identity, body);
        }
        let done = match self {
            Coding::Gzip => Gzip::default().pack(&body),
            _ => {
                let mut packed = Encoder::new(self, Vec::with_capacity(body.len() / 3));
                packed.write_all(&body).and_then(|()| packed.finish())
            }
        };
        match done {
            Ok(packed) => (self, packed.into()),
            // Memory can run out inside zstd; the page is good without it.
            Err(_) => (Coding::Identity, body),
        }
    }
}

/// Makes gzip members of what is there as a whole: in half the time that a stream takes.
pub(super) struct Gzip(Compressor);

impl Default for Gzip {
    fn default() -> Gzip {
        let level = CompressionLvl::new(GZIP_LEVEL_AT_ONCE).unwrap_or_default();
        Gzip(Compressor::new(level))
    }
}

impl Gzip {
    /// One member (RFC 1952, 2.3) of these bytes.
    ///
    /// # Errors
    /// There is no room for it, which is more than such a member ever takes.
    pub(super) fn pack(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut member = vec![0; self.0.gzip_compress_bound(bytes.len())];
        let packed = self.0.gzip_compress(bytes, &mut member);
        member.truncate(packed.map_err(io::Error::other)?);
        // What is kept should take no more room than it needs.
        member.shrink_to_fit();
        Ok(member)
    }
}

/// The name and the weight in thousandths of one item of the list. What cannot be read weighs nothing.
fn weighed(item: &str) -> (&str, u32) {
    let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
    let mut weight = 1000;
    for parameter in parameters.split(';') {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if key.trim().eq_ignore_ascii_case("q") {
            let value = value.trim().parse::<f32>().unwrap_or(0.0);
            weight = (value.clamp(0.0, 1.0) * 1000.0) as u32; // NaN becomes 0
        }
    }
    (name.trim(), weight)
}

/// Compresses what is written to it into `W`.
pub(super) enum Encoder<W: Write> {
    Identity(W),
    Gzip(Box<GzEncoder<W>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, W>>),
}

impl<W: Write> Encoder<W> {
    /// An encoder of this coding. Where zstd cannot be had for want of memory the answer is cut off by its first write.
    pub(super) fn new(coding: Coding, out: W) -> Encoder<W> {
        match coding {
            Coding::Identity => Encoder::Identity(out),
            Coding::Gzip => {
                Encoder::Gzip(Box::new(GzEncoder::new(out, Compression::new(GZIP_LEVEL))))
            }
            Coding::Zstd => Encoder::zstd(out),
        }
    }

    #[expect(
        clippy::expect_used,
        reason = "zstd refuses only levels that do not exist"
    )]
    fn zstd(out: W) -> Encoder<W> {
        let encoder = zstd::stream::write::Encoder::new(out, ZSTD_LEVEL);
        Encoder::Zstd(Box::new(encoder.expect("the level is one that zstd has")))
    }

    /// Where it writes to.
    pub(super) fn out(&mut self) -> &mut W {
        match self {
            Encoder::Identity(out) => out,
            Encoder::Gzip(encoder) => encoder.get_mut(),
            Encoder::Zstd(encoder) => encoder.get_mut(),
        }
    }

    /// Writes what is still held back, and the end.
    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Encoder::Identity(out) => Ok(out),
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Encoder::Identity(out) => out.write(bytes),
            Encoder::Gzip(encoder) => encoder.write(bytes),
            Encoder::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Encoder::Identity(out) => out.flush(),
            Encoder::Gzip(encoder) => encoder.flush(),
            Encoder::Zstd(encoder) => encoder.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use axum::http::header::ACCEPT_ENCODING;
    use axum::http::{HeaderMap, HeaderValue};
    use bytes::Bytes;

    use super::Coding;

    #[test]
    fn the_best_accepted_coding_is_taken() {
        for (accept, coding) in [
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("gzip", Coding::Gzip),
            ("GZIP;q=0.5, x", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
            ("zstd;q=0, *", Coding::Gzip),
            ("*;q=0", Coding::Identity),
            ("*", Coding::Zstd),
            ("zstd;q=0.4, gzip;q=0.8", Coding::Gzip),
            ("identity, gzip;q=0.5", Coding::Identity),
            ("gzip;q=nan", Coding::Identity),
            ("gzip;q=", Coding::Identity),
            ("gzip;q=7", Coding::Gzip),
            ("gzip;level=1;Q=0", Coding::Identity),
            ("", Coding::Identity),
            (",,;;=,", Coding::Identity),
        ] {
            let mut request = HeaderMap::new();
            request.insert(ACCEPT_ENCODING, HeaderValue::from_static(accept));
            assert_eq!(Coding::wanted(&request), coding, "{accept}");
        }
        assert_eq!(Coding::wanted(&HeaderMap::new()), Coding::Identity);
    }

    #[test]
    fn both_codings_come_back_as_they_were() {
        let body = Bytes::from("a page of words, ".repeat(500));
        let (_, gzip) = Coding::Gzip.apply(body.clone());
        let (_, zstd) = Coding::Zstd.apply(body.clone());
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&gzip[..])
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!(plain, body);
        assert_eq!(zstd::stream::decode_all(&zstd[..]).unwrap(), body);
        assert!(gzip.len() < body.len() / 10 && zstd.len() < body.len() / 10);
    }

    #[test]
    fn a_short_body_stays_as_it_is() {
        assert_eq!(
            Coding::Gzip.apply(Bytes::from("hi")),
            (Coding::Identity, Bytes::from("hi"))
        );
    }
}
