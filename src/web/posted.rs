//! The body of a POST that is no form: unpacked where it is packed, piece by piece, within bounds of size and time.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::error::WebError;

/// How long it may be when it is unpacked. git says 50 bytes about each commit that a clone has, and not about all.
const MOST: usize = 10 << 20;
/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of it is awaited before anything is done about it: nearly always all.
const BEGINNING: usize = 16 << 10;
/// So much is unpacked at once; a thousand times as much may come out, and has to be kept.
const BITE: usize = 256;

/// Why it is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is too much of it.
    TooLarge,
    /// It stopped before its end, or cannot be unpacked.
    Broken,
    /// It is packed in a way that we do not know.
    Unknown,
}

impl From<Refusal> for WebError {
    fn from(refusal: Refusal) -> WebError {
        match refusal {
            Refusal::TooLarge => WebError::TooLarge,
            Refusal::Broken => WebError::Invalid("its body is incomplete or damaged".to_owned()),
            Refusal::Unknown => WebError::Unsuitable("gzip, or no coding at all"),
        }
    }
}

/// A body as it comes in.
pub(super) struct Input {
    body: BodyDataStream,
    unpacker: Option<MultiGzDecoder<Vec<u8>>>,
    /// What has come and was not unpacked yet.
    packed: Bytes,
    /// What was unpacked and was not asked for yet.
    ready: Vec<u8>,
    left: usize,
    until: Instant,
    ended: bool,
}

impl Input {
    /// The body of a request with these headers.
    pub(super) fn new(body: Body, headers: &HeaderMap) -> Result<Input, Refusal> {
        let coding = headers
            .get(CONTENT_ENCODING)
            .map(|coding| coding.as_bytes());
        let unpacker = match coding {
            None | Some(b"identity") => None,
            Some(b"gzip" | b"x-gzip") => Some(MultiGzDecoder::new(Vec::new())),
            Some(_) => return Err(Refusal::Unknown),
        };
        Ok(Input {
            body: body.into_data_stream(),
            unpacker,
            packed: Bytes::new(),
            ready: Vec::new(),
            left: MOST,
            until: Instant::now() + PATIENCE,
            ended: false,
        })
    }

    /// Waits for its beginning, which is all of it where it is short.
    pub(super) async fn begin(&mut self) -> Result<(), Refusal> {
        while !self.ended && self.ready.len() < BEGINNING {
            self.take().await?;
        }
        Ok(())
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        while !self.ended && self.ready.is_empty() {
            self.take().await?;
        }
        let ready = std::mem::take(&mut self.ready);
        Ok((!ready.is_empty()).then_some(ready))
    }

    async fn take(&mut self) -> Result<(), Refusal> {
        if !self.packed.is_empty() {
            return self.unpack();
        }
        match timeout_at(self.until, self.body.next()).await {
            Ok(Some(Ok(frame))) if self.unpacker.is_some() => {
                self.packed = frame;
                self.unpack()
            }
            Ok(Some(Ok(frame))) => self.add(&frame),
            Ok(None) => {
                self.ended = true;
                match self.unpacker.take().map(MultiGzDecoder::finish) {
                    Some(Ok(rest)) => self.add(&rest),
                    Some(Err(_)) => Err(Refusal::Broken),
                    None => Ok(()),
                }
            }
            Ok(Some(Err(_))) | Err(_) => Err(Refusal::Broken),
        }
    }

    /// Unpacks until there is enough to go on with. The rest stays small for as long as nobody asks for it.
    fn unpack(&mut self) -> Result<(), Refusal> {
        while self.ready.len() < BEGINNING && !self.packed.is_empty() {
            let Some(unpacker) = &mut self.unpacker else {
                return Ok(());
            };
            let bite = self.packed.split_to(BITE.min(self.packed.len()));
            unpacker
                .write_all(&bite)
                .and_then(|()| unpacker.flush())
                .map_err(broken)?;
            let plain = std::mem::take(unpacker.get_mut());
            self.add(&plain)?;
        }
        Ok(())
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.left = self
            .left
            .checked_sub(bytes.len())
            .ok_or(Refusal::TooLarge)?;
        self.ready.extend_from_slice(bytes);
        Ok(())
    }
}

fn broken(_: io::Error) -> Refusal {
    Refusal::Broken
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use axum::body::Body;
    use axum::http::header::CONTENT_ENCODING;
    use axum::http::{HeaderMap, HeaderValue};
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::{Input, MOST, Refusal};

    async fn read(body: Vec<u8>, coding: Option<&'static str>) -> Result<Vec<u8>, Refusal> {
        let mut headers = HeaderMap::new();
        if let Some(coding) = coding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        let mut input = Input::new(Body::from(body), &headers)?;
        input.begin().await?;
        let mut all = Vec::new();
        while let Some(bytes) = input.next().await? {
            all.extend(bytes);
        }
        Ok(all)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[tokio::test]
    async fn a_body_comes_out_as_it_was_meant() {
        let words = b"0032want 0123456789\n".repeat(10_000);
        assert_eq!(read(words.clone(), None).await, Ok(words.clone()));
        assert_eq!(read(gzip(&words), Some("gzip")).await, Ok(words.clone()));
        assert_eq!(read(gzip(&words), Some("x-gzip")).await, Ok(words));
        assert_eq!(read(Vec::new(), None).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn too_much_is_refused_packed_or_not() {
        let bomb = gzip(&vec![0; 2 * MOST]);
        assert!(bomb.len() < MOST / 100);
        assert_eq!(read(bomb, Some("gzip")).await, Err(Refusal::TooLarge));
        assert_eq!(read(vec![0; MOST + 1], None).await, Err(Refusal::TooLarge));
    }

    #[tokio::test]
    async fn what_nobody_asks_for_stays_packed() {
        let bomb = gzip(&vec![0; MOST / 2]);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let mut input = Input::new(Body::from(bomb), &headers).unwrap();
        input.begin().await.unwrap();
        assert!(input.ready.len() < 1 << 20, "{}", input.ready.len());
        let mut all = 0;
        while let Some(bytes) = input.next().await.unwrap() {
            assert!(bytes.len() < 1 << 20, "{}", bytes.len());
            all += bytes.len();
        }
        assert_eq!(all, MOST / 2);
    }

    #[tokio::test]
    async fn what_cannot_be_unpacked_is_refused() {
        let mut cut = gzip(&b"wool ".repeat(5000));
        cut.truncate(cut.len() - 12);
        assert_eq!(read(cut, Some("gzip")).await, Err(Refusal::Broken));
        assert_eq!(
            read(b"plain".to_vec(), Some("gzip")).await,
            Err(Refusal::Broken)
        );
        assert_eq!(read(b"x".to_vec(), Some("br")).await, Err(Refusal::Unknown));
    }
}
