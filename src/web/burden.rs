//! How much of the memory finished answers take: those that are kept, and those whose readers have not taken them yet.
//!
//! Bytes are counted once, however many are sent them, from when they are finished to when the last connection has written
//! them out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Answers shorter than this are not counted: connections have a bound of their own.
const SHORT: usize = 4 << 10;

/// The count. All clones are the same one.
#[derive(Clone, Default)]
pub(super) struct Burden(Arc<AtomicUsize>);

/// Bytes that are counted for as long as anybody has them.
struct Borne {
    bytes: Bytes,
    burden: Burden,
}

impl Burden {
    /// The same bytes, counted.
    pub(super) fn bear(&self, bytes: Bytes) -> Bytes {
        if bytes.len() < SHORT {
            return bytes;
        }
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
        Bytes::from_owner(Borne {
            bytes,
            burden: self.clone(),
        })
    }

    /// How many bytes there are.
    pub(super) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl AsRef<[u8]> for Borne {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Borne {
    fn drop(&mut self) {
        self.burden.0.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Burden;

    #[test]
    fn bytes_are_counted_once_until_the_last_copy_is_gone() {
        let burden = Burden::default();
        let body = burden.bear(Bytes::from(vec![b'x'; 10_000]));
        let (copy, part) = (body.clone(), body.slice(9_000..));
        assert_eq!(burden.bytes(), 10_000);
        assert_eq!(body, vec![b'x'; 10_000]);
        drop((body, copy));
        assert_eq!(burden.bytes(), 10_000, "a part keeps all of it");
        drop(part);
        assert_eq!(burden.bytes(), 0);
        assert_eq!(burden.bear(Bytes::from_static(b"short")), "short");
        assert_eq!(burden.bytes(), 0);
    }
}
