//! Files as they are or packed by gzip, zstd or xz, told apart by how they begin.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much is read at once, in bytes.
const BUFFER: usize = 256 << 10;

/// Counts what goes through it.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Opens a file and unpacks it, from the offset `from` of what is in it. `read` counts what was read of the file.
pub(super) fn open(
    path: &Path,
    from: u64,
    read: Arc<AtomicU64>,
) -> io::Result<Box<dyn BufRead + Send>> {
    let file = File::open(path)?;
    let mut packed = BufReader::with_capacity(BUFFER, Counted { file, read });
    let first = packed.fill_buf()?;
    let unpacked: Box<dyn Read + Send> = match first {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::stream::read::Decoder::with_buffer(packed)?),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(packed))
        }
        _ => {
            skip(&mut packed, from)?;
            return Ok(Box::new(packed));
        }
    };
    let mut unpacked = BufReader::with_capacity(BUFFER, unpacked);
    skip(&mut unpacked, from)?;
    Ok(Box::new(unpacked))
}

fn skip(from: &mut impl Read, bytes: u64) -> io::Result<()> {
    io::copy(&mut from.by_ref().take(bytes), &mut io::sink()).map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::sync::Arc;

    use super::open;

    #[test]
    fn what_is_packed_is_unpacked_and_can_be_read_from_within() {
        let dir = tempfile::tempdir().unwrap();
        let text = "From nobody\n".repeat(1000);
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(text.as_bytes()).unwrap();
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(text.as_bytes()).unwrap();
        for (name, bytes) in [
            ("plain", text.clone().into_bytes()),
            ("gz", gz.finish().unwrap()),
            ("zst", zstd::encode_all(text.as_bytes(), 1).unwrap()),
            ("xz", xz.finish().unwrap()),
        ] {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            for from in [0, 5, 11_990] {
                let mut all = String::new();
                let mut reader = open(&path, from, Arc::default()).unwrap();
                reader.read_to_string(&mut all).unwrap();
                assert!(all == text[from as usize..], "{name} from {from}");
            }
        }
    }
}
