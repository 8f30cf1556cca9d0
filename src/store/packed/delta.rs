//! Deltas: an object told as pieces of another one and what is new (gitformat-pack(5), "Deltified representation").

/// What `delta` makes of `base`. `None` where it does not fit it, or makes more than `max` bytes.
pub(super) fn apply(base: &[u8], delta: &[u8], max: usize) -> Option<Vec<u8>> {
    let mut rest = delta;
    let from = number(&mut rest)?;
    let size = number(&mut rest)?;
    if from != base.len() || size > max {
        return None;
    }
    let mut whole = Vec::with_capacity(size);
    while let Some((&code, after)) = rest.split_first() {
        rest = after;
        if code & 0x80 != 0 {
            let at = sparse(&mut rest, code, 4)?;
            let len = match sparse(&mut rest, code >> 4, 3)? {
                0 => 0x10000,
                len => len,
            };
            let piece = base.get(at..at.checked_add(len)?)?;
            push(&mut whole, piece, size)?;
        } else {
            // A piece of no length is none that git makes: 0 is kept for later versions.
            let (piece, after) = rest.split_at_checked(usize::from(code))?;
            rest = after;
            push(&mut whole, (code != 0).then_some(piece)?, size)?;
        }
    }
    (whole.len() == size).then_some(whole)
}

fn push(whole: &mut Vec<u8>, piece: &[u8], size: usize) -> Option<()> {
    (whole.len() + piece.len() <= size).then(|| whole.extend_from_slice(piece))
}

/// Seven bits a byte, the lowest first.
fn number(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    for shift in (0..usize::BITS - 7).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A number of which only those bytes are there whose bit in `which` is set.
fn sparse(rest: &mut &[u8], which: u8, bytes: u32) -> Option<usize> {
    let mut value = 0;
    for n in (0..bytes).filter(|n| which & (1 << n) != 0) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= usize::from(byte) << (8 * n);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::apply;

    #[test]
    fn pieces_are_copied_and_put_in() {
        let base = b"the quick brown fox";
        for (delta, whole) in [
            (&b"\x13\x09\x90\x09\x00"[..], None), // no length
            (b"\x13\x09\x90\x09", Some(&b"the quick"[..])),
            (b"\x13\x05\x91\x0a\x05", Some(b"brown")),
            (b"\x13\x03\x03abc", Some(b"abc")),
            (b"\x13\x06\x03abc\x90\x03", Some(b"abcthe")),
            (b"\x13\x00", Some(b"")),
            (b"\x12\x05\x91\x0a\x05", None),
            (b"\x13\x06\x91\x0a\x05", None),
            (b"\x13\x04\x91\x0a\x05", None),
            (b"\x13\x05\x91\x0f\x05", None),
            (b"\x13\x05\x91\x0a", None),
            (b"\x13\x03\x03ab", None),
            (b"\x13\x65\x90\x65", None),
            (b"\x13", None),
            (b"", None),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
        ] {
            assert_eq!(apply(base, delta, 100).as_deref(), whole, "{delta:?}");
        }
    }

    #[test]
    fn what_would_be_too_long_is_refused_before_it_takes_room() {
        let huge = b"\x01\xff\xff\xff\xff\x0f\x90\x01";
        assert_eq!(apply(b"x", huge, 1 << 20), None);
    }
}
