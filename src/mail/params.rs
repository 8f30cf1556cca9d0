//! Structured MIME headers: `Content-Type` and `Content-Disposition` with their parameters (RFC 2045, 2183, 2231).

use super::headers::unfold;
use super::{charset, transfer, words};

/// A value and its parameters. Missing semicolons, quotes and names are forgiven.
#[derive(Clone, Debug, Default)]
pub(super) struct Structured {
    /// What stands first, in lower case: `text/plain`, `attachment`.
    pub(super) value: String,
    params: Vec<(String, String)>,
}

/// Parameters beyond this number are not looked at.
const MOST_PARAMS: usize = 200;

impl Structured {
    /// Reads a header value.
    pub(super) fn parse(value: &[u8]) -> Structured {
        let flat = unfold(value);
        let text = charset::guess(&flat);
        let end = text.find(';').unwrap_or(text.len());
        let (first, mut rest) = text.split_at(end);
        let mut params = Vec::new();
        while params.len() < MOST_PARAMS {
            rest = rest.trim_start_matches(|c: char| c == ';' || c.is_whitespace());
            if rest.is_empty() {
                break;
            }
            let end = rest.find(['=', ';']).unwrap_or(rest.len());
            let name = rest[..end].trim().to_ascii_lowercase();
            rest = &rest[end..];
            if let Some(after) = rest.strip_prefix('=') {
                let (text, tail) = param_value(after.trim_start());
                params.push((name, text));
                rest = tail;
            }
        }
        let first = first.split_whitespace().next().unwrap_or_default();
        Structured {
            value: first.to_ascii_lowercase(),
            params,
        }
    }

    /// The parameter of that name as it stands.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The parameter of that name as text: put together and decoded (RFC 2231; encoded words, which many mailers
    /// write in its stead).
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = match self.extended(name) {
            Some(text) => text,
            None => words::decode(self.param(name)?.as_bytes()),
        };
        let text = words::clean(&text);
        (!text.is_empty()).then_some(text)
    }

    /// `name*=`, `name*0=`, `name*1*=` …
    fn extended(&self, name: &str) -> Option<String> {
        let mut pieces: Vec<(u32, bool, &str)> = Vec::new();
        for (key, value) in &self.params {
            let Some(star) = key.strip_prefix(name).and_then(|k| k.strip_prefix('*')) else {
                continue;
            };
            let (number, encoded) = match star.strip_suffix('*') {
                Some(number) => (number, true),
                None => (star, star.is_empty()),
            };
            let number = if number.is_empty() {
                0
            } else {
                number.parse().ok()?
            };
            pieces.push((number, encoded, value));
        }
        pieces.sort_by_key(|(number, _, _)| *number);
        let mut label = None;
        let mut bytes = Vec::new();
        for (at, (_, encoded, value)) in pieces.iter().enumerate() {
            let mut value = *value;
            if at == 0 && *encoded {
                let mut quoted = value.splitn(3, '\'');
                if let (Some(charset), Some(_), Some(text)) =
                    (quoted.next(), quoted.next(), quoted.next())
                {
                    label = Some(charset);
                    value = text;
                }
            }
            if *encoded {
                push_percent_decoded(&mut bytes, value);
            } else {
                bytes.extend_from_slice(value.as_bytes());
            }
        }
        let label = label.filter(|l| !l.is_empty());
        (!pieces.is_empty()).then(|| match label {
            Some(label) => charset::decode(label, &bytes).text.into_owned(),
            None => charset::guess(&bytes).into_owned(),
        })
    }
}

/// A quoted string or a word, and what follows.
fn param_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        // `charset=utf-8 (Unicode)` and `charset=utf-8 format=flowed`
        let word = word.trim_end();
        return match word.find(char::is_whitespace) {
            Some(blank) if word[blank..].contains(['=', '(']) => {
                (word[..blank].to_owned(), &text[blank..])
            }
            _ => (word.to_owned(), rest),
        };
    };
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '"' if !escaped => return (value, &quoted[at + 1..]),
            // Windows paths come with single backslashes.
            c if escaped && c != '"' && c != '\\' => value.push('\\'),
            _ => {}
        }
        value.push(c);
        escaped = false;
    }
    (value, "")
}

fn push_percent_decoded(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'%', [high, low, after @ ..]) if transfer::hex(*high, *low).is_some() => {
                out.extend(transfer::hex(*high, *low));
                rest = after;
            }
            _ => out.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Structured;

    #[test]
    fn parameters_are_read_however_they_are_written() {
        for (value, name, text) in [
            ("text/plain; charset=utf-8", "charset", Some("utf-8")),
            ("Text/Plain; Charset = \"UTF-8\"", "charset", Some("UTF-8")),
            (
                "text/plain; charset=utf-8 format=flowed",
                "format",
                Some("flowed"),
            ),
            (
                "text/plain; charset=utf-8 (comment)",
                "charset",
                Some("utf-8"),
            ),
            ("text/plain;; x ; name=a b.txt", "name", Some("a b.txt")),
            ("x/y; name=\"a\\\"b;c\"; z=1", "name", Some("a\"b;c")),
            ("x/y; name=\"C:\\x\"", "name", Some("C:\\x")),
            ("x/y; name=\"open", "name", Some("open")),
            ("x/y; name*=utf-8''%C3%A9%20b", "name", Some("é b")),
            (
                "x/y; name*1=b.txt; name*0*=iso-8859-1'en'%E9",
                "name",
                Some("éb.txt"),
            ),
            ("x/y; name*0=\"a\"; name*1=\"b\"", "name", Some("ab")),
            (
                "x/y; name=\"=?utf-8?Q?=C3=A9?=.txt\"",
                "name",
                Some("é.txt"),
            ),
            ("x/y; name=\"a\nb\"", "name", Some("a b")),
            ("x/y; other=1", "name", None),
            ("x/y; name=", "name", None),
        ] {
            let parsed = Structured::parse(value.as_bytes());
            assert_eq!(parsed.text(name).as_deref(), text, "{value}");
        }
        assert_eq!(Structured::parse(b" Text/Plain ; a=b").value, "text/plain");
    }
}
