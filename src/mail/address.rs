//! People: names to show, addresses to search and to write to.
//!
//! Address headers are read as they come: with groups, comments in the place of names, quotes and brackets that
//! nobody closed. No address is lost, and the time taken is linear in the length.

use std::fmt;

use memchr::{memchr, memchr3, memrchr};

use super::headers::unfold;
use super::{charset, words};

/// One mailbox of an address header (RFC 5322, 3.4), decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The display name, where there is one.
    pub name: Option<String>,
    /// The address; what stands there instead where it has no `@`.
    pub email: String,
}

impl Address {
    /// What lists and overviews call this person: the name, or else the local part of the address. Of a name that is
    /// an address itself only the local part is told, too.
    pub fn shown(&self) -> &str {
        let shown = self.name.as_ref().unwrap_or(&self.email);
        match shown.split_once('@') {
            Some((local, _)) if !local.is_empty() && !shown.contains(char::is_whitespace) => local,
            _ => shown,
        }
    }

    /// Reads the value of an address header.
    pub(super) fn list(value: &[u8]) -> Vec<Address> {
        let flat = unfold(value);
        let text = charset::guess(&flat);
        let mut reader = Reader::new(&text);
        reader.read();
        reader.found
    }
}

/// `Name <email>`, a name of more than one word or with other characters than words have in quotes.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(name) = &self.name else {
            return f.write_str(&self.email);
        };
        if name.contains(|c: char| c.is_whitespace() || "()<>[]:;@\\,.\"".contains(c)) {
            let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
            write!(f, "\"{escaped}\" <{}>", self.email)
        } else {
            write!(f, "{name} <{}>", self.email)
        }
    }
}

/// Reads an address list from left to right. All that it looks for are ASCII characters, so that every place it
/// cuts at lies between two letters.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// The last `;`: a colon after it begins no group.
    last_semicolon: usize,
    /// Whether quotes, and parentheses, are known to be closed no more.
    quotes_open: bool,
    comments_open: bool,
    phrase: String,
    comment: String,
    angle: Option<String>,
    found: Vec<Address>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Reader<'a> {
        Reader {
            text,
            at: 0,
            last_semicolon: memrchr(b';', text.as_bytes()).unwrap_or(0),
            quotes_open: false,
            comments_open: false,
            phrase: String::new(),
            comment: String::new(),
            angle: None,
            found: Vec::new(),
        }
    }

    fn read(&mut self) {
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            let plain = rest.bytes().position(|b| b"\"(<,;:\\".contains(&b));
            let plain = plain.unwrap_or(rest.len());
            self.phrase.push_str(&rest[..plain]);
            self.at += plain;
            let Some(sign) = rest.as_bytes().get(plain) else {
                break;
            };
            self.at += 1;
            match sign {
                b'"' => self.quoted(),
                b'(' => self.commented(),
                b'<' => self.bracketed(),
                b':' if self.at <= self.last_semicolon && !self.phrase.contains('@') => {
                    self.phrase.clear(); // the name of a group
                }
                b':' => self.phrase.push(':'),
                b'\\' => self.escaped(),
                _ => self.finish(),
            }
        }
        self.finish();
    }

    /// A backslash outside of quotes: mostly on the way to a quote.
    fn escaped(&mut self) {
        if let Some(c) = self.text[self.at..].chars().next() {
            self.phrase.push(c);
            self.at += c.len_utf8();
        }
    }

    fn quoted(&mut self) {
        let rest = &self.text[self.at..];
        let close = (!self.quotes_open)
            .then(|| closing_quote(rest.as_bytes()))
            .flatten();
        let Some(close) = close else {
            self.quotes_open = true;
            return;
        };
        let inner = &rest[..close];
        if !holds_a_whole_address(inner) {
            push_unescaped(&mut self.phrase, inner);
            self.at += close + 1;
        }
    }

    fn commented(&mut self) {
        let rest = &self.text[self.at..];
        let nested = (!self.comments_open)
            .then(|| closing_parenthesis(rest.as_bytes()))
            .flatten();
        self.comments_open |= nested.is_none();
        let Some(close) = nested.or_else(|| memchr(b')', rest.as_bytes())) else {
            self.phrase.push(' ');
            return;
        };
        if self.comment.is_empty() {
            push_unescaped(&mut self.comment, &rest[..close]);
        }
        self.phrase.push(' ');
        self.at += close + 1;
    }

    fn bracketed(&mut self) {
        let rest = &self.text[self.at..];
        let bytes = rest.as_bytes();
        let (inner, used) = match memchr3(b'>', b'<', b'"', bytes) {
            Some(end) if bytes[end] == b'"' => quoted_local_part(rest),
            Some(end) if bytes[end] == b'>' => (&rest[..end], end + 1),
            end => {
                let end = end.unwrap_or(rest.len());
                let end = memchr(b',', &bytes[..end]).unwrap_or(end);
                (&rest[..end], end)
            }
        };
        self.at += used;
        let bare = without_route(inner);
        if let Some(before) = self.angle.take()
            && before.contains('@')
        {
            // Two addresses with nothing between them.
            self.angle = Some(before);
            self.finish();
        }
        self.angle = Some(bare.split_whitespace().collect());
    }

    /// The end of a mailbox.
    fn finish(&mut self) {
        let (email, mut name) = match self.angle.take() {
            Some(email) if !email.is_empty() => (email, squeezed(&self.phrase)),
            _ => bare_address(&self.phrase),
        };
        if name.is_empty() && !email.is_empty() {
            name = squeezed(&self.comment);
        }
        self.phrase.clear();
        self.comment.clear();
        if email.is_empty() && name.is_empty() {
            return;
        }
        if !is_plain(&name) {
            name = words::clean(&words::decode(name.as_bytes()));
        }
        let name = bare_of_quotes(name);
        let email = match is_plain(&email) {
            true => bare_of_quotes(email),
            false => words::clean(without_single_quotes(&email)),
        };
        self.found.push(match email.is_empty() {
            true => Address {
                name: None,
                email: name,
            },
            false => Address {
                name: (!name.is_empty()).then_some(name),
                email,
            },
        });
    }
}

/// Its words with one blank between each two.
fn squeezed(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !squeezed.is_empty() {
            squeezed.push(' ');
        }
        squeezed.push_str(word);
    }
    squeezed
}

/// Whether there is nothing in it to decode or to clean, as in most names and addresses.
fn is_plain(squeezed: &str) -> bool {
    let mut bytes = squeezed.bytes();
    bytes.all(|b| (b' '..=b'~').contains(&b)) && !squeezed.contains("=?")
}

/// What words without brackets mean: an address, with a name where only one of them looks like an address.
fn bare_address(text: &str) -> (String, String) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_address = |word: &&str| word.trim_matches('@').contains('@');
    let mut addresses = words.iter().enumerate().filter(|(_, w)| is_address(w));
    match (addresses.next(), addresses.next()) {
        (Some((at, email)), None) => {
            let others = words.iter().enumerate().filter(|(n, _)| *n != at);
            let name: Vec<&str> = others.map(|(_, w)| *w).collect();
            ((*email).to_owned(), name.join(" "))
        }
        // `someone @ example.com`
        (None, _) if words.iter().any(|w| w.contains('@')) => (words.concat(), String::new()),
        (None, _) => (words.join(" "), String::new()),
        (Some(_), Some(_)) => (words.join(" "), String::new()),
    }
}

/// Whether text between two quotes rather lies outside of them: `Someone <a@example>, `.
fn holds_a_whole_address(inner: &str) -> bool {
    inner.contains(">,") && inner.contains('<') && inner.contains('@')
}

fn closing_quote(bytes: &[u8]) -> Option<usize> {
    let mut escaped = false;
    bytes.iter().position(|b| {
        let closes = !escaped && *b == b'"';
        escaped = !escaped && *b == b'\\';
        closes
    })
}

fn closing_parenthesis(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut escaped) = (1_usize, false);
    bytes.iter().position(|b| {
        match b {
            _ if escaped => {}
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        escaped = !escaped && *b == b'\\';
        depth == 0
    })
}

fn push_unescaped(out: &mut String, text: &str) {
    let mut escaped = false;
    for c in text.chars() {
        escaped = !escaped && c == '\\';
        if !escaped {
            out.push(c);
        }
    }
}

/// `"john doe"@example.com>`: the address up to its bracket, and how much of `rest` it takes.
fn quoted_local_part(rest: &str) -> (&str, usize) {
    let bytes = rest.as_bytes();
    let open = memchr(b'"', bytes).unwrap_or(0);
    let after = closing_quote(&bytes[open + 1..]).map_or(open, |n| open + n + 2);
    match memchr3(b'>', b'<', b',', &bytes[after..]).map(|n| after + n) {
        Some(end) if bytes[end] == b'>' => (&rest[..end], end + 1),
        Some(end) => (&rest[..end], end),
        None => (rest, rest.len()),
    }
}

/// `@relay,@other:a@example.com` is `a@example.com` (RFC 5322, 4.4).
fn without_route(inner: &str) -> &str {
    match inner.trim_start().starts_with('@') {
        true => inner.rsplit(':').next().unwrap_or(inner),
        false => inner,
    }
}

/// Outlook puts names that are addresses into single quotes.
fn without_single_quotes(text: &str) -> &str {
    let inner = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
    inner.map_or(text, str::trim)
}

fn bare_of_quotes(text: String) -> String {
    match without_single_quotes(&text) {
        bare if bare.len() < text.len() => bare.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    fn read(value: &str) -> String {
        let list = Address::list(value.as_bytes());
        let shown = list.iter().map(|a| match &a.name {
            Some(name) => format!("{name}|{}", a.email),
            None => format!("|{}", a.email),
        });
        shown.collect::<Vec<_>>().join(" & ")
    }

    #[test]
    fn address_lists_are_read_as_they_come() {
        for (value, list) in [
            ("a@b", "|a@b"),
            ("A B <a@b>", "A B|a@b"),
            ("\"B, A\" <a@b>, c@d", "B, A|a@b & |c@d"),
            ("\"A \\\"x\\\" B\" <a@b>", "A \"x\" B|a@b"),
            ("a@b (A B)", "A B|a@b"),
            ("a@b (A (x) B), c@d", "A (x) B|a@b & |c@d"),
            ("A (x) <a@b>", "A|a@b"),
            ("=?utf-8?Q?Ren=C3=A9=2C_X?= <a@b>", "René, X|a@b"),
            ("\"=?utf-8?Q?Ren=C3=A9?=\" <a@b>", "René|a@b"),
            ("team: A <a@b>, c@d;, e@f", "A|a@b & |c@d & |e@f"),
            ("undisclosed-recipients:;", ""),
            ("A: B <a@b>", "A: B|a@b"),
            ("'a@b' <a@b>", "a@b|a@b"),
            ("'a@b'", "|a@b"),
            ("<a@b", "|a@b"),
            ("<a@b, C <c@d>", "|a@b & C|c@d"),
            ("A <a@b <c@d>", "A|a@b & |c@d"),
            ("A B a@b", "A B|a@b"),
            ("< a @ b >", "|a@b"),
            ("a @ b", "|a@b"),
            ("<@r,@s:a@b>", "|a@b"),
            ("just a name", "|just a name"),
            ("uucp!path!user", "|uucp!path!user"),
            ("\"A <a@b>, \"C\" <c@d>", "A|a@b & C|c@d"),
            ("\"open <a@b>", "open|a@b"),
            ("A (open <a@b>, c@d", "A open|a@b & |c@d"),
            ("<\"a b\"@c>", "|\"ab\"@c"),
            ("A <>, <>", "|A"),
            (",,;", ""),
            ("", ""),
            ("a@b,\n\tC\n D <c@d>", "|a@b & C D|c@d"),
            ("ü \"é\" <a@b>", "ü é|a@b"),
        ] {
            assert_eq!(read(value), list, "{value}");
        }
    }

    #[test]
    fn they_are_written_so_that_they_can_be_read_again() {
        for (value, written) in [
            ("a@b", "a@b"),
            ("A <a@b>", "A <a@b>"),
            ("A B <a@b>", "\"A B\" <a@b>"),
            ("\"B, A\" <a@b>", "\"B, A\" <a@b>"),
            ("\"B \\\"x\\\" A.\" <a@b>", "\"B \\\"x\\\" A.\" <a@b>"),
        ] {
            let list = Address::list(value.as_bytes());
            assert_eq!(list[0].to_string(), written);
            assert_eq!(Address::list(written.as_bytes()), list);
        }
    }

    #[test]
    fn a_person_without_a_name_is_shown_by_the_local_part() {
        assert_eq!(Address::list(b"a.b@c")[0].shown(), "a.b");
        assert_eq!(Address::list(b"A <a@b>")[0].shown(), "A");
        assert_eq!(Address::list(b"\"x@y\" <a@b>")[0].shown(), "x");
        assert_eq!(Address::list(b"\"A @ B\" <a@b>")[0].shown(), "A @ B");
        assert_eq!(Address::list(b"\"@home\" <a@b>")[0].shown(), "@home");
    }

    #[test]
    fn a_hundred_thousand_of_anything_are_read_in_linear_time() {
        for piece in [
            "a@b,", "(", "(()", "\"", "\"<a@b>,", "<", "<a,", "\\", ":", "<\"", "a@b ", "<\"\">",
            ";:",
        ] {
            let _list = Address::list(piece.repeat(100_000).as_bytes());
        }
    }
}
