//! The lines of a text, found by the bytes of many places at once: a patch has thousands of short ones.

/// The lines of `text` in order, each with the line feed that ends it.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = match memchr::memchr(b'\n', rest.as_bytes()) {
            Some(at) => at + 1,
            None => rest.len(),
        };
        let (line, after) = rest.split_at(end);
        rest = after;
        (!line.is_empty()).then_some(line)
    })
}

/// A line without what ends it, LF or CRLF.
pub fn bare_line(line: &str) -> &str {
    let ends = match line.as_bytes() {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    };
    &line[..line.len() - ends]
}

#[cfg(test)]
mod tests {
    use super::{bare_line, lines};

    #[test]
    fn lines_are_those_of_the_standard_library() {
        for text in ["", "\n", "a", "a\n", "a\r\n\r\n\nb\r", "é\n\n", "\r\n"] {
            let own: Vec<&str> = lines(text).collect();
            assert_eq!(own, text.split_inclusive('\n').collect::<Vec<_>>());
            let own: Vec<&str> = own.into_iter().map(bare_line).collect();
            assert_eq!(own, text.lines().collect::<Vec<_>>());
        }
    }
}
