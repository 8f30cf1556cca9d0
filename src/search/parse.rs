//! Reads the query language, as Xapian's parser reads it with public-inbox's settings.
//!
//! The text has become a list of [`Token`]s (`lexer.rs`); here these become a tree by precedence: what stands side by
//! side binds closest, then AND and NOT, then XOR, then OR. Where that fails for want of an operand the one who asked
//! is told; where it fails otherwise the words alone are searched. Linear, and no deeper than [`DEPTH_MAX`].

use super::lexer::{DEPTH_MAX, Lexer, Style, Token, refused};
use super::query::{Node, Scope};
use crate::error::Result;
use crate::time::Timestamp;

/// The longest query, in bytes; lists of a thousand patch-ids fit.
const TEXT_MAX: usize = 64 << 10;

/// What the query asks for, and what the one who asked should know.
pub(super) fn parse(text: &str, now: Timestamp) -> Result<(Node, Vec<String>)> {
    if text.len() > TEXT_MAX {
        return Err(refused(format!("it is longer than {} kB", TEXT_MAX >> 10)));
    }
    let mut lexer = Lexer::new(text, now, Style::Full);
    lexer.run()?;
    let notes = std::mem::take(&mut lexer.notes);
    let mut tree = Tree::new(lexer.tokens);
    match tree.whole() {
        Ok(node) => Ok((node.unwrap_or(Node::Nothing), notes)),
        Err(Fault::Lacks(why)) => Err(refused(why)),
        Err(Fault::Odd) => words_alone(text, now),
    }
}

/// The second attempt: no operators, only words, prefixes and dates.
fn words_alone(text: &str, now: Timestamp) -> Result<(Node, Vec<String>)> {
    let mut lexer = Lexer::new(text, now, Style::Words);
    lexer.run()?;
    let mut notes = lexer.notes;
    notes.push("the query could not be read as a whole, so its words were searched".to_owned());
    let node = Tree::new(lexer.tokens).whole().ok().flatten();
    Ok((node.unwrap_or(Node::Nothing), notes))
}

/// Why tokens make no tree.
enum Fault {
    /// An operator has nothing on one of its sides.
    Lacks(String),
    /// Something else.
    Odd,
}

struct Tree {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    /// A NEAR that has no word behind it.
    stray: Option<Token>,
}

/// What stands side by side without an operator.
#[derive(Default)]
struct Side {
    wanted: Vec<Node>,
    hated: Vec<Node>,
    /// Whether there was anything at all, be it without words.
    any: bool,
}

impl Tree {
    fn new(tokens: Vec<Token>) -> Tree {
        Tree {
            tokens: tokens.into_iter().peekable(),
            stray: None,
        }
    }

    /// All of it; `None` where there is not one word.
    fn whole(&mut self) -> Result<Option<Node>, Fault> {
        let node = self.any()?;
        match self.tokens.peek() {
            None if self.stray.is_none() => Ok(node),
            _ => Err(Fault::Odd),
        }
    }

    /// `… OR …`
    fn any(&mut self) -> Result<Option<Node>, Fault> {
        let first = self.either()?;
        let mut all = Vec::new();
        let mut is_list = false;
        while self.tokens.next_if(|t| matches!(t, Token::Or)).is_some() {
            if !is_list {
                is_list = true;
                all.push(needed(first.clone(), "OR")?);
            }
            all.push(needed(self.either()?, "OR")?);
        }
        Ok(if is_list { Some(Node::Any(all)) } else { first })
    }

    /// `… XOR …`
    fn either(&mut self) -> Result<Option<Node>, Fault> {
        let mut node = self.all()?;
        let mut depth = 0;
        while self.tokens.next_if(|t| matches!(t, Token::Xor)).is_some() {
            depth += 1;
            if depth > DEPTH_MAX {
                return Err(Fault::Odd);
            }
            let left = needed(node, "XOR")?;
            let right = needed(self.all()?, "XOR")?;
            node = Some(Node::Either(Box::new(left), Box::new(right)));
        }
        Ok(node)
    }

    /// `… AND … NOT …`
    fn all(&mut self) -> Result<Option<Node>, Fault> {
        let first = self.side()?;
        let any = first.any;
        let (mut wanted, mut hated) = first.parts();
        loop {
            let and = self.tokens.next_if(|t| matches!(t, Token::And)).is_some();
            let not = self.tokens.next_if(|t| matches!(t, Token::Not)).is_some();
            if !and && !not {
                return combine(wanted, hated);
            }
            let right = self.side()?;
            if !any || !right.any {
                return Err(lacks(match (and, not) {
                    (true, true) => "AND NOT",
                    (false, _) => "NOT",
                    (true, false) => "AND",
                }));
            }
            let (more, less) = right.parts();
            if not {
                hated.extend(combine(more, less)?);
            } else {
                wanted.extend(more);
                hated.extend(less);
            }
        }
    }

    /// Neighbours.
    fn side(&mut self) -> Result<Side, Fault> {
        let mut side = Side::default();
        loop {
            let plus = self.tokens.next_if(|t| matches!(t, Token::Plus)).is_some();
            let minus = !plus && self.tokens.next_if(|t| matches!(t, Token::Minus)).is_some();
            let node = match self.tokens.peek() {
                Some(Token::Leaf(_)) => self.leaf(),
                Some(Token::Open) => {
                    self.tokens.next();
                    let inner = self.any()?;
                    if self.tokens.next_if(|t| matches!(t, Token::Close)).is_none()
                        && self.tokens.peek().is_some()
                    {
                        return Err(Fault::Odd);
                    }
                    inner
                }
                Some(Token::Near { .. }) => return Err(Fault::Odd), // it stands between words only
                _ if plus || minus => return Err(Fault::Odd),
                _ => return Ok(side),
            };
            let Some(node) = node else { continue };
            side.any = true;
            if minus {
                side.hated.push(node);
            } else {
                side.wanted.push(node);
            }
        }
    }

    /// One leaf, or words that NEAR or ADJ joins.
    fn leaf(&mut self) -> Option<Node> {
        let Some(Token::Leaf(mut node)) = self.tokens.next() else {
            return None;
        };
        loop {
            let joined = matches!(node, Node::Word { .. } | Node::Near { .. });
            let Some(Token::Near { window, ordered }) = self.tokens.peek().cloned() else {
                return Some(node);
            };
            if !joined {
                return Some(node);
            }
            let near = self.tokens.next();
            let next = self
                .tokens
                .next_if(|t| matches!(t, Token::Leaf(Node::Word { .. })));
            let Some(Token::Leaf(Node::Word { scope, word, .. })) = next else {
                self.stray = near;
                return Some(node);
            };
            node = nearer(node, scope, word, window, ordered);
        }
    }
}

/// Adds a word to those that stand near each other.
fn nearer(left: Node, scope: &'static Scope, word: String, window: u32, ordered: bool) -> Node {
    let (first_scope, mut words, window, ordered) = match left {
        Node::Word { scope, word, .. } => (scope, vec![word], window, ordered),
        Node::Near {
            scope,
            words,
            window: before,
            ordered,
        } => (scope, words, window.max(before), ordered),
        other => return other,
    };
    if first_scope != scope {
        return Node::Nothing; // in two different headers nothing is near
    }
    words.push(word);
    Node::Near {
        scope,
        words,
        window,
        ordered,
    }
}

impl Side {
    /// What is wanted, where ids of one kind, or ranges of one date, are alternatives; and what is hated.
    fn parts(self) -> (Vec<Node>, Vec<Node>) {
        let mut nodes: Vec<Node> = Vec::with_capacity(self.wanted.len());
        let mut alternatives: Vec<Vec<Node>> = Vec::new();
        for node in self.wanted {
            match alternatives
                .iter_mut()
                .find(|kind| kind.first().is_some_and(|first| same_kind(first, &node)))
            {
                Some(kind) => kind.push(node),
                None if is_filter(&node) => alternatives.push(vec![node]),
                None => nodes.push(node),
            }
        }
        nodes.extend(alternatives.into_iter().map(|kind| one_or(kind, Node::Any)));
        (nodes, self.hated)
    }
}

/// Everything wanted and nothing hated; `None` where there is neither.
fn combine(wanted: Vec<Node>, hated: Vec<Node>) -> Result<Option<Node>, Fault> {
    if wanted.is_empty() {
        return match hated.is_empty() {
            true => Ok(None),
            false => Err(Fault::Odd), // there is no "all but"
        };
    }
    let wanted = one_or(wanted, Node::All);
    Ok(Some(if hated.is_empty() {
        wanted
    } else {
        Node::Without(Box::new(wanted), Box::new(one_or(hated, Node::Any)))
    }))
}

/// The only node, or all of them as `many`.
fn one_or(mut nodes: Vec<Node>, many: fn(Vec<Node>) -> Node) -> Node {
    match nodes.len() {
        1 => nodes.remove(0),
        _ => many(nodes),
    }
}

fn is_filter(node: &Node) -> bool {
    matches!(node, Node::Exact(..) | Node::Time(..) | Node::Range(..))
}

fn same_kind(a: &Node, b: &Node) -> bool {
    match (a, b) {
        (Node::Exact(a, _), Node::Exact(b, _)) => a == b,
        (Node::Time(a, _), Node::Time(b, _)) => a == b,
        (Node::Range(a, ..), Node::Range(b, ..)) => a == b,
        _ => false,
    }
}

fn needed(node: Option<Node>, operator: &str) -> Result<Node, Fault> {
    node.ok_or_else(|| lacks(operator))
}

fn lacks(operator: &str) -> Fault {
    Fault::Lacks(format!(
        "{operator} needs something to find on both of its sides"
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_oneof};
    use proptest::strategy::{Just, Strategy};
    use proptest::{collection, proptest};

    use super::super::query::Query;
    use crate::time::Timestamp;

    /// 2021-09-20 12:00:00.
    const NOW: Timestamp = Timestamp(1_632_139_200);

    fn reading(text: &str) -> String {
        match Query::parse(text, NOW) {
            Ok(query) => query.to_string(),
            Err(error) => format!("! {error}"),
        }
    }

    #[test]
    fn queries_are_read_as_they_are_meant() {
        for (text, expected) in [
            ("", "nothing"),
            ("smatch", "“smatch” in any form"),
            ("Smatch", "“smatch”"),
            ("a b", "“a” in any form and “b” in any form"),
            ("\"static analysis\"", "“static analysis”"),
            ("“static analysis”", "“static analysis”"),
            ("\"static", "“static”"),
            ("\"\"", "nothing"),
            ("f:greg@kroah.com", "“greg kroah com” in From"),
            ("f:\"Greg KH\"", "“greg kh” in From"),
            ("nq:\"change-id: x\"", "“change id x” in unquoted text"),
            ("dfn:drivers/mtd", "“drivers mtd” in file names of patches"),
            (
                "s:(x OR Y)",
                "“x” in any form in the subject or “y” in the subject",
            ),
            ("path:/usr/lib", "“path usr lib”"),
            ("s:", "“s” in any form"),
            ("s: x", "“s” in any form and “x” in any form"),
            ("xyzzy:foo", "“xyzzy foo”"),
            ("foo*", "words that begin with “foo”"),
            ("foo*bar", "“foo” and “bar” in any form"),
            ("*foo", "“foo” in any form"),
            ("*", "nothing"),
            (
                "x AND y OR z",
                "(“x” in any form and “y” in any form) or “z” in any form",
            ),
            (
                "x y OR z",
                "(“x” in any form and “y” in any form) or “z” in any form",
            ),
            (
                "x XOR y",
                "either “x” in any form or “y” in any form, not both",
            ),
            ("x -y", "“x” in any form, but not “y” in any form"),
            ("x NOT y", "“x” in any form, but not “y” in any form"),
            ("x AND NOT y", "“x” in any form, but not “y” in any form"),
            (
                "x -(y z)",
                "“x” in any form, but not (“y” in any form and “z” in any form)",
            ),
            (
                "+x -y -z",
                "“x” in any form, but not (“y” in any form or “z” in any form)",
            ),
            ("u-boot", "“u boot”"),
            ("x - y", "“x” in any form and “y” in any form"),
            ("x +", "“x” in any form"),
            ("C++", "“c++”"),
            (
                "static NEAR/3 analysis",
                "“static”, “analysis” within 3 words",
            ),
            (
                "a ADJ b ADJ c",
                "“a”, “b”, “c” within 10 words in this order",
            ),
            ("s:a NEAR f:b", "nothing"),
            ("foo(", "“foo”"),
            ("(x", "“x” in any form"),
            ("x)", "“x” in any form"),
            ("(((", "nothing"),
            ("()", "nothing"),
            ("日本 Linux", "“日 本” and “linux”"),
            ("mid:<A@b>", "the Message-ID A@b"),
            ("mid:\"a b@c\"", "the Message-ID a b@c"),
            ("lid:A.B", "the list a.b"),
            ("dfpre:ABCDEF0", "patches that change blob abcdef0"),
            ("dfpost:abc", "nothing"),
            ("patchid:A OR patchid:B", "patch-id a or patch-id b"),
            (
                "patchid:a patchid:b x",
                "“x” in any form and (patch-id a or patch-id b)",
            ),
            ("patchid:a AND patchid:b", "patch-id a and patch-id b"),
            ("d:20210901..", "sent from 2021-09-01 00:00:00 on"),
            (
                "(f:x AND d:..20210901)",
                "“x” in any form in From and sent up to 2021-09-01 23:59:59",
            ),
            ("d:foo", "nothing"),
            ("rt:1631439288..", "received from 2021-09-12 09:34:48 on"),
            ("z:1..2", "bytes from 1 up to 2"),
            ("uid:529", "article number from 529 up to 529"),
            ("z:x", "“z x”"),
            // What cannot be read is searched as words.
            ("-x", "“x” in any form"),
            ("NEAR", "“near”"),
            ("x NEAR", "“x” in any form and “near”"),
            ("NEAR/x y", "“near x” and “y” in any form"),
        ] {
            assert_eq!(reading(text), expected, "{text}");
        }
    }

    #[test]
    fn an_operator_without_its_sides_is_refused() {
        for text in [
            "AND",
            "x AND",
            "OR x",
            "x OR",
            "NOT x",
            "x NOT",
            "x XOR",
            "(x OR)",
            "x AND AND y",
        ] {
            assert!(reading(text).starts_with("! "), "{text}: {}", reading(text));
        }
    }

    #[test]
    fn what_is_too_much_is_refused_with_a_sentence() {
        for text in [
            "x".repeat(100_000),
            "(".repeat(300),
            "a ".repeat(1000),
            "a.".repeat(1000),
            "a* ".repeat(100),
            "mid:x ".repeat(3000),
        ] {
            let read = reading(&text);
            assert!(read.starts_with("! the query cannot be answered"), "{read}");
        }
    }

    #[test]
    fn long_lists_of_patch_ids_are_read() {
        let ids: Vec<String> = (0..1000).map(|n| format!("patchid:{n:040x}")).collect();
        let read = reading(&ids.join(" OR "));
        assert_eq!(read.matches(" or ").count(), 999);
    }

    #[test]
    fn notes_say_what_was_not_understood() {
        for (text, note) in [
            ("d:foo", "“foo” is not a date"),
            (
                "-x",
                "the query could not be read as a whole, so its words were searched",
            ),
        ] {
            let query = Query::parse(text, NOW).unwrap();
            assert_eq!(query.notes(), [note], "{text}");
        }
        assert!(Query::parse("a b", NOW).unwrap().notes().is_empty());
    }

    #[test]
    fn a_query_without_a_date_that_counts_from_the_present_asks_for_the_same_at_any_time() {
        for (text, timeless) in [
            ("shuttle s:warp", true),
            ("d:20210901..20210930", true),
            ("d:2021-09..", true),
            ("dt:20210901000000.. rt:1631439288..", true),
            ("d:2021-09-12T09:34:48Z..", true),
            ("d:yesterday..", false),
            ("x OR rt:2.weeks.ago..", false),
            ("d:september..", false),
            ("s:yesterday", true),
            ("NOT x", true),
        ] {
            assert_eq!(Query::is_timeless(text), timeless, "{text}");
        }
    }

    /// Pieces that mean something, in any order.
    fn query() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("AND"),
            Just("OR"),
            Just("NOT"),
            Just("XOR"),
            Just("NEAR/2"),
            Just("ADJ"),
            Just("("),
            Just(")"),
            Just("\""),
            Just("-"),
            Just("+"),
            Just("*"),
            Just(" "),
            Just(" "),
            Just(" "),
            Just("s:"),
            Just("d:"),
            Just("mid:"),
            Just("rt:"),
            Just("dt:"),
            Just(".."),
            Just("foo"),
            Just("Bar"),
            Just("日本"),
            Just("'"),
            Just("é"),
            Just(":"),
            Just("last.week"),
            Just("2021"),
            Just("\u{0}"),
            Just("“"),
            Just("@"),
            Just("A.B."),
        ];
        collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = reading(&text);
        }

        #[test]
        fn no_query_makes_it_panic_and_it_is_read_the_same_twice(text in query()) {
            assert_eq!(reading(&text), reading(&text));
        }

        #[test]
        fn a_glance_at_a_query_overlooks_no_date(text in query()) {
            assert_eq!(Query::is_timeless(&text), Query::is_the_same_at_two_moments(&text));
        }
    }
}
