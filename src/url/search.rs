//! The address of a search: `?q=WORDS&o=FROM&k=PLACE&l=COUNT&r&t&x=VIEW`.

use std::fmt;

use super::{Query, escape_query};

/// How many results a page has at most, and where nothing is said.
const LIMIT: usize = 200;

/// A search as its address says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// What is sought, in the query language.
    pub q: String,
    /// From which result on, and in which direction.
    pub start: Start,
    /// Behind or before which result, if that is said: then it counts, and `start` only tells the direction.
    pub edge: Option<Edge>,
    /// How many results at most, 1 to 200.
    pub limit: usize,
    /// Whether what fits best comes first, not what came last.
    pub relevance: bool,
    /// Whether each thread is shown by one message only.
    pub threads: bool,
    /// As what the results are shown.
    pub view: SearchView,
}

/// Where a page of results begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// So many from the first.
    First(usize),
    /// So many from the last, which comes first then: `o=-1` passes over none.
    Last(usize),
}

/// A side of a page of results, by the place of the result next to it, as the index of words prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The page begins behind it: `PLACE..`
    After(String),
    /// The page ends before it: `..PLACE`
    Before(String),
}

impl Edge {
    fn parse(text: &str) -> Option<Edge> {
        let is_place = |place: &str| {
            let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'-');
            (1..=80).contains(&place.len()) && place.bytes().all(plain)
        };
        if let Some(place) = text.strip_suffix("..").filter(|place| is_place(place)) {
            return Some(Edge::After(place.to_owned()));
        }
        let place = text.strip_prefix("..").filter(|place| is_place(place))?;
        Some(Edge::Before(place.to_owned()))
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Edge::After(place) => write!(f, "{place}.."),
            Edge::Before(place) => write!(f, "..{place}"),
        }
    }
}

/// As what results are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchView {
    /// A list.
    Summary,
    /// Whole messages.
    Nested,
    /// A feed.
    Atom,
    /// A file to download, by POST only.
    Mbox,
}

impl Search {
    /// A search for `q` with nothing else said.
    pub fn new(q: impl Into<String>) -> Search {
        Search {
            q: q.into(),
            start: Start::First(0),
            edge: None,
            limit: LIMIT,
            relevance: false,
            threads: false,
            view: SearchView::Summary,
        }
    }

    /// What a request asks for. What cannot be read counts as not said.
    pub fn of(query: &Query) -> Search {
        let offset: i64 = query.value('o').and_then(|o| o.parse().ok()).unwrap_or(0);
        let from = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX >> 1);
        let limit = query.value('l').and_then(|l| l.parse().ok());
        let q = query
            .value('q')
            .unwrap_or("")
            .replace(char::is_control, " ");
        Search {
            q: q.trim().to_owned(),
            start: match offset < 0 {
                true => Start::Last(from - 1),
                false => Start::First(from),
            },
            edge: query.value('k').and_then(Edge::parse),
            limit: limit.filter(|l| (1..=LIMIT).contains(l)).unwrap_or(LIMIT),
            relevance: query.flag('r'),
            threads: query.flag('t'),
            view: match query.value('x') {
                Some("t") => SearchView::Nested,
                Some("A") => SearchView::Atom,
                Some("m") => SearchView::Mbox,
                _ => SearchView::Summary,
            },
        }
    }

    /// How many results are passed over.
    pub fn offset(&self) -> usize {
        match self.start {
            Start::First(n) | Start::Last(n) => n,
        }
    }

    /// The same search from another result on, in the same direction. `edge` finds it also when mail has come since.
    #[must_use]
    pub fn at(&self, offset: usize, edge: Option<Edge>) -> Search {
        let start = match self.start {
            Start::First(_) => Start::First(offset),
            Start::Last(_) => Start::Last(offset),
        };
        Search {
            start,
            edge,
            ..self.clone()
        }
    }

    /// The same search shown as something else.
    #[must_use]
    pub fn shown(&self, view: SearchView) -> Search {
        Search {
            view,
            ..self.clone()
        }
    }
}

/// From its `?` on, to be put behind a path.
impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "?q={}", escape_query(&self.q))?;
        match self.start {
            Start::First(0) => {}
            Start::First(n) => write!(f, "&o={n}")?,
            Start::Last(n) => write!(f, "&o=-{}", n.saturating_add(1))?,
        }
        if let Some(edge) = &self.edge {
            write!(f, "&k={edge}")?;
        }
        if self.limit != LIMIT {
            write!(f, "&l={}", self.limit)?;
        }
        if self.relevance {
            f.write_str("&r")?;
        }
        if self.threads {
            f.write_str("&t")?;
        }
        f.write_str(match self.view {
            SearchView::Summary => "",
            SearchView::Nested => "&x=t",
            SearchView::Atom => "&x=A",
            SearchView::Mbox => "&x=m",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Query, Search};

    #[test]
    fn what_was_read_is_printed_in_one_way_only() {
        for (given, printed) in [
            ("q=s:a+b", "?q=s:a+b"),
            ("q=+a%20", "?q=a"),
            ("q=a%00%1bb%0a", "?q=a++b"),
            ("q=a%26b;c", "?q=a%26b"),
            ("x=t&r&q=a&o=200", "?q=a&o=200&r&x=t"),
            ("q=a&o=-1&l=25&t=1&x=A", "?q=a&o=-1&l=25&t&x=A"),
            ("q=a&o=x&l=0&r=0&t=0&x=z", "?q=a"),
            ("q=a&l=201&o=-0", "?q=a"),
            ("q=a&x=m", "?q=a&x=m"),
            ("q=a&k=1.-2.-3..&o=10", "?q=a&o=10&k=1.-2.-3.."),
            ("q=a&k=..1.-2.-3&o=-10", "?q=a&o=-10&k=..1.-2.-3"),
            ("q=a&k=1.-2.-3", "?q=a"),
            ("q=a&k=..", "?q=a"),
            ("q=a&k=%22..", "?q=a"),
            ("", "?q="),
        ] {
            let search = Search::of(&Query::parse(given));
            assert_eq!(search.to_string(), printed, "{given}");
            let again = Search::of(&Query::parse(printed.trim_start_matches('?')));
            assert_eq!(again, search, "{given}");
        }
    }

    #[test]
    fn no_number_is_too_large() {
        for (o, offset) in [
            ("-1", 0),
            ("-11", 10),
            ("9223372036854775807", i64::MAX as usize),
            ("-9223372036854775808", i64::MAX as usize),
            ("99999999999999999999", 0),
        ] {
            let search = Search::of(&Query::parse(&format!("q=a&o={o}")));
            assert_eq!(search.offset(), offset, "{o}");
            let _ = search.to_string();
        }
    }
}
