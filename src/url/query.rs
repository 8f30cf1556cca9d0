//! What follows the `?`.

use super::escape::{decode, escape_query};
use crate::time::Timestamp;

/// The query of a request. Only keys of one letter are known; the last of several counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(u8, String)>);

impl Query {
    /// Reads what follows the `?`: pairs parted by `&` or `;`, `+` for a blank, no value means an empty one.
    pub fn parse(raw: &str) -> Query {
        let mut pairs: Vec<(u8, String)> = Vec::new();
        for pair in raw.split(['&', ';']) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let &[key] = key.as_bytes() else { continue };
            pairs.retain(|(known, _)| *known != key);
            pairs.push((key, decode(&value.replace('+', " ")).into_owned()));
        }
        Query(pairs)
    }

    /// The value of a key, where it was given.
    pub fn value(&self, key: char) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| char::from(*known) == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the key was given, with a value other than `0` or none.
    pub fn flag(&self, key: char) -> bool {
        self.value(key).is_some_and(|value| value != "0")
    }

    /// The same with these keys alone, in this order: how it is spelled where nothing else makes a difference.
    pub fn only(&self, keys: &str) -> String {
        let known = keys.chars().filter_map(|key| Some((key, self.value(key)?)));
        let pairs = known.map(|(key, value)| format!("{key}={}", escape_query(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// The window that `?t=` asks for.
    pub fn window(&self) -> Window {
        self.value('t').map_or(Window::Latest, Window::parse)
    }
}

/// A stretch of an inbox by received time, as `?t=` names it. Both ends are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// No `t`, or none that can be read: the newest.
    Latest,
    /// `t=X`: the newest up to that second.
    UpTo(Timestamp),
    /// `t=X-`: the oldest from that second on.
    From(Timestamp),
    /// `t=X-Y`: the newest between the two.
    Between(Timestamp, Timestamp),
}

impl Window {
    /// Reads the value of `t`.
    pub fn parse(text: &str) -> Window {
        match text.split_once('-') {
            None => Timestamp::from_digits(text).map_or(Window::Latest, Window::UpTo),
            Some((from, to)) => match (Timestamp::from_digits(from), Timestamp::from_digits(to)) {
                (Some(from), Some(to)) => Window::Between(from, to),
                (Some(from), None) => Window::From(from),
                (None, Some(to)) => Window::UpTo(to),
                (None, None) => Window::Latest,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Query, Window};
    use crate::time::Timestamp;
    use crate::url::escape_query;

    #[test]
    fn queries_are_read_as_people_write_them() {
        let query = Query::parse("q=first&q=a+b%2Bc;t=20200101&long=1&r&x=&o=0");
        assert_eq!(query.value('q'), Some("a b+c"));
        assert_eq!(query.window(), Window::UpTo(Timestamp(1_577_836_800)));
        assert!(query.flag('r') && query.flag('x') && !query.flag('o') && !query.flag('l'));
        for (text, only) in [
            ("t=20260301-&q=a+b", "q=a+b&t=20260301-"),
            ("q=%22x%22;q=y&utm=1&z=2", "q=y"),
            ("x=1&&=&t", "t="),
            ("", ""),
        ] {
            assert_eq!(Query::parse(text).only("qt"), only, "{text}");
        }
        for (text, window) in [
            ("19700102", Window::UpTo(Timestamp(86_400))),
            ("19700102-", Window::From(Timestamp(86_400))),
            (
                "19700101-19700102",
                Window::Between(Timestamp(0), Timestamp(86_400)),
            ),
            ("1999", Window::Latest),
            ("-", Window::Latest),
        ] {
            assert_eq!(Window::parse(text), window, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_printed_query_is_read_back(text in "\\PC{0,40}") {
            let query = Query::parse(&format!("q={}", escape_query(&text)));
            prop_assert_eq!(query.value('q'), Some(text.as_str()));
        }

        #[test]
        fn any_query_is_answered(text in "(\\PC|[&;=+%]){0,60}") {
            Query::parse(&text);
        }
    }
}
