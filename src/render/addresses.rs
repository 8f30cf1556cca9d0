//! How addresses are written: as they are, or so that those who collect them do not know them for addresses.

use std::borrow::Cow;

/// How addresses are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addresses<'a> {
    /// As they are.
    #[default]
    Shown,
    /// With a bullet in place of the first dot of the domain, but for these: addresses, and domains as `@example.com`,
    /// all in lower case.
    Hidden {
        /// Those that everybody may know.
        except: &'a [String],
    },
}

/// As far as a look back for the beginning of an address or a URL goes, in bytes.
const FAR: usize = 512;
/// The longest name of a host that is looked at, in bytes (RFC 1035, 2.3.4).
const LONGEST_DOMAIN: usize = 255;

impl Addresses<'_> {
    /// Whether this address is not written as it is.
    pub fn hides(self, address: &str) -> bool {
        let Addresses::Hidden { except } = self else {
            return false;
        };
        let address = address.to_ascii_lowercase();
        let domain = address.rfind('@').map_or("", |at| &address[at..]);
        !except
            .iter()
            .any(|known| *known == address || known == domain)
    }

    /// A text with its addresses written so. Those inside URLs stay, since these would lead nowhere.
    pub fn written(self, text: &str) -> Cow<'_, str> {
        if self == Addresses::Shown {
            return Cow::Borrowed(text);
        }
        let bytes = text.as_bytes();
        let mut out = String::new();
        let mut done = 0;
        for at in memchr::memchr_iter(b'@', bytes) {
            if at < done {
                continue;
            }
            let Some(dot) = first_dot(bytes, at) else {
                continue;
            };
            let before = &bytes[at.saturating_sub(FAR)..at];
            let word = before.rsplit(u8::is_ascii_whitespace).next().unwrap_or(b"");
            if memchr::memmem::find(word, b"://").is_some() || !self.hides_at(text, at) {
                continue;
            }
            out.push_str(&text[done..dot]);
            out.push('•');
            done = dot + 1;
        }
        if done == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(&text[done..]);
        Cow::Owned(out)
    }

    /// Whether the address around this `@` is to be hidden.
    fn hides_at(self, text: &str, at: usize) -> bool {
        let bytes = text.as_bytes();
        let name = bytes[at.saturating_sub(FAR)..at].iter().rev();
        let from = at - name.take_while(|b| is_local(**b)).count();
        let host = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'-' | b'.');
        let domain = bytes[at + 1..].iter().take(LONGEST_DOMAIN);
        let to = at + 1 + domain.take_while(host).count();
        text.get(from..to)
            .is_none_or(|address| self.hides(address.trim_end_matches('.')))
    }
}

/// The first dot of the domain behind this `@`, if it is that of an address.
fn first_dot(bytes: &[u8], at: usize) -> Option<usize> {
    let host = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'-';
    let has_local = at > 0 && is_local(bytes[at - 1]);
    let end = at + 1 + bytes[at + 1..].iter().take(64).take_while(host).count();
    let dotted =
        bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
    (has_local && dotted).then_some(end)
}

fn is_local(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b)
}

#[cfg(test)]
mod tests {
    use super::Addresses;

    #[test]
    fn a_bullet_stands_for_the_first_dot_of_a_domain() {
        for (text, hidden) in [
            ("a@b.c.d, e@f", "a@b•c.d, e@f"),
            (
                "see https://x.org/a@b.c/ or a@b.c",
                "see https://x.org/a@b.c/ or a@b•c",
            ),
            ("@b.c a@ .c @", "@b.c a@ .c @"),
        ] {
            assert_eq!(Addresses::Hidden { except: &[] }.written(text), hidden);
            assert_eq!(Addresses::Shown.written(text), text);
        }
    }

    #[test]
    fn some_addresses_and_domains_are_known_to_everybody() {
        let except = [
            "list@lists.example.org".to_owned(),
            "@known.example".to_owned(),
        ];
        let addresses = Addresses::Hidden { except: &except };
        for (text, hidden) in [
            (
                "To: <LIST@Lists.example.org>.",
                "To: <LIST@Lists.example.org>.",
            ),
            ("other@lists.example.org", "other@lists•example.org"),
            ("any.one@known.example, x", "any.one@known.example, x"),
            ("any@sub.known.example", "any@sub•known.example"),
            ("any@known.example.org", "any@known•example.org"),
            ("é@known.example", "é@known.example"),
        ] {
            assert_eq!(addresses.written(text), hidden);
        }
        assert!(!addresses.hides("X@KNOWN.example") && addresses.hides("x@y.z"));
    }
}
