//! Turns a [`Query`](super::Query) into what tantivy runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use tantivy::columnar::Column;
use tantivy::postings::TermInfo;
use tantivy::query::doc_predicate_query::{DocPredicateQuery, FunctionPredicate};
use tantivy::query::{
    BooleanQuery, ConstScoreQuery, EmptyQuery, Occur, PhraseQuery, Query, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, Searcher, SegmentReader, Term};

use super::any_of::AnyOf;
use super::columns::Opened;
use super::copies::Copies;
use super::dates::Span;
use super::measure::{Measure, Reach};
use super::near::{Either, Near, Without};
use super::places::{Places, Value};
use super::prefix;
use super::query::{Date, Node, Number, Scope};
use super::schema::{FIELDS, Tag, Zone, column};
use super::score::{Form, InZone, Weighed};
use super::stems::Stems;
use crate::error::{Error, Result};
use crate::id::{InboxId, MessageKey};

/// The most words of one zone that a beginning may stand for.
const BEGINNING_MAX: usize = 250;

/// The most blobs that an abbreviation may stand for.
const BLOBS_MAX: usize = 1000;

/// So many alternatives are looked at one by one.
const FEW: usize = 16;

/// Makes tantivy queries for one search.
pub(super) struct Plan<'a> {
    pub(super) searcher: &'a Searcher,
    /// The inbox that is searched, where it is only one.
    pub(super) inbox: Option<InboxId>,
    pub(super) stems: Stems,
    /// What words are weighed against; `None` where only what is found matters.
    pub(super) measure: Option<Measure>,
    pub(super) copies: Arc<Copies>,
    pub(super) columns: Arc<Opened>,
}

type Planned = Box<dyn Query>;

impl Plan<'_> {
    /// The query for `node`, no deeper than that is.
    pub(super) fn of(&mut self, node: &Node) -> Result<Planned> {
        let found = self.by_words(node)?;
        if self.copies.is_empty() || !asks_for_list(node) {
            return Ok(found);
        }
        // What a copy has for itself finds the message.
        let by_copies = self.copies.with_words_of(found.as_ref(), self.searcher)?;
        Ok(union(vec![found, no_weight(Box::new(by_copies))]))
    }

    /// The documents that have themselves what is asked for.
    fn by_words(&mut self, node: &Node) -> Result<Planned> {
        Ok(match node {
            Node::Nothing => Box::new(EmptyQuery),
            Node::Word { scope, word, forms } => self.word(scope, word, *forms)?,
            Node::Phrase(scope, words) => {
                self.together(scope, words, |terms| Box::new(PhraseQuery::new(terms)))?
            }
            Node::Near {
                scope,
                words,
                window,
                ordered,
            } => self.together(scope, words, |terms| {
                Box::new(Near {
                    window: window.saturating_add(terms.len().saturating_sub(1) as u32),
                    terms: Arc::new(terms),
                    ordered: *ordered,
                })
            })?,
            Node::Beginning(scope, start) => self.beginning(scope, start)?,
            Node::Exact(tags, value) => no_weight(self.exact(tags, value)?),
            Node::Time(date, span) => no_weight(self.time(*date, *span)),
            Node::Range(number, from, to) => no_weight(self.range(*number, *from, *to)),
            Node::All(nodes) => Box::new(BooleanQuery::intersection(self.list(nodes)?)),
            Node::Any(nodes) => self.any(nodes)?,
            Node::Either(a, b) => match self.measure.take() {
                None => self.either(a, b)?,
                measure => {
                    let found = self.either(a, b)?;
                    self.measure = measure;
                    let weights: Result<Vec<Planned>> =
                        sides(a, b).into_iter().map(|node| self.of(node)).collect();
                    weighed_by(found, weights?)
                }
            },
            Node::Without(yes, no) => {
                let wanted = self.of(yes)?;
                let measure = self.measure.take();
                let hated = self.of(no)?;
                self.measure = measure;
                Box::new(Without(wanted, hated))
            }
        })
    }

    fn list(&mut self, nodes: &[Node]) -> Result<Vec<Planned>> {
        nodes.iter().map(|node| self.of(node)).collect()
    }

    fn either(&mut self, a: &Node, b: &Node) -> Result<Planned> {
        Ok(Box::new(Either(self.of(a)?, self.of(b)?)))
    }

    /// Alternatives; long lists of whole ids are one look-up each in one go.
    fn any(&mut self, nodes: &[Node]) -> Result<Planned> {
        let mut ids = Vec::new();
        let mut others = Vec::new();
        for node in nodes {
            match node {
                Node::Exact(tags, value) if !shortens(tags) && !asks_for_list(node) => {
                    ids.extend(tags.iter().map(|tag| exact_term(*tag, value)));
                }
                node => others.push(self.of(node)?),
            }
        }
        if !ids.is_empty() {
            others.push(no_weight(Box::new(TermSetQuery::new(ids))));
        }
        Ok(self.union(others))
    }

    fn word(&mut self, scope: &Scope, word: &str, forms: bool) -> Result<Planned> {
        let stem = match forms {
            true => Some(self.stems.of(word).unwrap_or(word).to_owned()),
            false => None,
        };
        // A word that is its own stem is found among the words, all others among the stems.
        let plain = match &stem {
            Some(stem) => self.stems.of(stem).is_none().then_some(stem.as_str()),
            None => Some(word),
        };
        let in_zones = scope.zones.iter().map(|zone| {
            let stem = stem
                .as_ref()
                .map(|stem| marked(FIELDS.1.stems(*zone), zone.mark(), stem));
            let plain = plain.map(|plain| word_term(*zone, plain));
            in_zone(*zone, plain.into_iter().chain(stem).map(Form::of).collect())
        });
        let mut all = self.one_of(in_zones.collect())?;
        if scope.blobs && prefix::is_blob(word) {
            all.push(no_weight(self.exact(&[Tag::Pre, Tag::Post], word)?));
        }
        Ok(self.union(all))
    }

    /// What has at least one of these words.
    fn one_of(&self, words: Vec<InZone>) -> Result<Vec<Planned>> {
        Ok(match self.measure {
            Some(measure) => {
                let found = Weighed::new(self.searcher, &words, measure, &self.columns)?;
                vec![Box::new(found)]
            }
            None => words
                .into_iter()
                .flat_map(|word| word.forms)
                .map(|form| one(form.term))
                .collect(),
        })
    }

    /// What at least one of these finds. Where it is not weighed much may be found, and tantivy's union is the quicker one.
    fn union(&self, queries: Vec<Planned>) -> Planned {
        match self.measure {
            Some(_) if queries.len() <= FEW => few(queries),
            _ => union(queries),
        }
    }

    /// Words that stand together in one zone, as `how` says; each of them weighs.
    fn together(
        &self,
        scope: &Scope,
        words: &[String],
        how: impl Fn(Vec<Term>) -> Planned,
    ) -> Result<Planned> {
        let mut all: Vec<Planned> = Vec::new();
        for zone in scope.zones {
            let terms: Vec<Term> = words.iter().map(|word| word_term(*zone, word)).collect();
            let found = how(terms.clone());
            let found = match self.measure {
                Some(_) if zone_counts(*zone) => {
                    let each = terms
                        .into_iter()
                        .map(|term| in_zone(*zone, vec![Form::of(term)]));
                    weighed_by(found, self.one_of(each.collect())?)
                }
                Some(_) => no_weight(found),
                None => found,
            };
            all.push(found);
        }
        Ok(few(all))
    }

    /// Every word that begins so, in every zone of the scope.
    fn beginning(&self, scope: &Scope, start: &str) -> Result<Planned> {
        let mut all = Vec::new();
        for zone in scope.zones {
            let found =
                self.beginning_with(FIELDS.1.words(*zone), zone.mark(), start, BEGINNING_MAX)?;
            let Some(found) = found else {
                return Err(Error::invalid(
                    "the query cannot be answered",
                    format!("“{start}*” stands for too many words, write more of its letters"),
                ));
            };
            all.extend(self.one_of(vec![in_zone(*zone, found)])?);
        }
        Ok(self.union(all))
    }

    /// The terms of `field` that begin with `mark` and `start`, in all segments; `None` where they are too many.
    fn beginning_with(
        &self,
        field: Field,
        mark: char,
        start: &str,
        most: usize,
    ) -> Result<Option<Vec<Form>>> {
        let low = format!("{mark}{start}").into_bytes();
        let mut high = low.clone();
        high.push(0xff); // behind all that UTF-8 can say
        let mut found: BTreeMap<Vec<u8>, Vec<(usize, TermInfo)>> = BTreeMap::new();
        for (number, segment) in self.searcher.segment_readers().iter().enumerate() {
            let index = segment.inverted_index(field)?;
            let range = index.terms().range().ge(&low).lt(&high).into_stream();
            let mut stream = range.map_err(|e| Error::Search(e.to_string()))?;
            while stream.advance() {
                let met = found.entry(stream.key().to_owned()).or_default();
                met.push((number, stream.value().clone()));
                if found.len() > most {
                    return Ok(None);
                }
            }
        }
        let forms = found.into_iter().map(|(key, met)| Form {
            term: Term::from_field_text(field, &String::from_utf8_lossy(&key)),
            met: Some(met),
        });
        Ok(Some(forms.collect()))
    }

    fn exact(&self, tags: &[Tag], value: &str) -> Result<Planned> {
        let mut terms = Vec::new();
        for tag in tags {
            if shortens(&[*tag]) {
                let found = self.beginning_with(FIELDS.1.exact, tag.mark(), value, BLOBS_MAX)?;
                terms.extend(found.unwrap_or_default().into_iter().map(|form| form.term));
            } else {
                terms.push(exact_term(*tag, value));
            }
        }
        Ok(union(terms.into_iter().map(one).collect()))
    }

    fn time(&self, date: Date, span: Span) -> Planned {
        let (from, to) = (
            span.from.map_or(i64::MIN, |t| t.0),
            span.to.map_or(i64::MAX, |t| t.0),
        );
        match date {
            Date::Sent => {
                where_column(column::SENT, move |value: i64| (from..=to).contains(&value))
            }
            Date::Received => self.where_place(Value::Received, from, to),
        }
    }

    fn range(&self, number: Number, from: Option<u64>, to: Option<u64>) -> Planned {
        let (from, to) = (from.unwrap_or(0), to.unwrap_or(u64::MAX));
        match number {
            Number::Bytes => where_column(column::BYTES, move |v: u64| (from..=to).contains(&v)),
            Number::Article => {
                let small = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
                self.where_place(Value::Num, small(from), small(to))
            }
        }
    }

    /// Documents with a place, in the inbox that is searched, whose value lies within.
    fn where_place(&self, value: Value, from: i64, to: i64) -> Planned {
        let inbox = self.inbox;
        let (copies, columns) = (Arc::clone(&self.copies), Arc::clone(&self.columns));
        predicate(move |segment: &SegmentReader| {
            let places = Places::of(&*columns.of(segment)?, value, copies.in_segment(segment));
            Ok(move |doc: DocId| {
                places
                    .values(doc, inbox)
                    .any(|value| (from..=to).contains(&value))
            })
        })
    }
}

/// The documents kept in that inbox; `None` where that is all of those within reach.
pub(super) fn in_inbox(
    searcher: &Searcher,
    reach: &Reach,
    inbox: InboxId,
    copies: &Copies,
    columns: &Opened,
) -> Option<Planned> {
    let is_all = |(ord, segment): (usize, &SegmentReader)| {
        if !reach.has(ord) {
            return true;
        }
        let here = columns.of(segment);
        here.is_ok_and(|here| {
            (here.inbox.min_value(), here.inbox.max_value()) == (inbox.0, inbox.0)
        })
    };
    if searcher.segment_readers().iter().enumerate().all(is_all) {
        return None;
    }
    let term = Term::from_field_i64(FIELDS.1.inbox, inbox.0);
    if copies.is_empty() {
        let query = TermQuery::new(term, IndexRecordOption::Basic);
        return Some(no_weight(Box::new(query)));
    }
    Some(no_weight(Box::new(
        copies.in_inboxes(&[inbox]).beside(term),
    )))
}

/// The documents kept in one of those inboxes.
pub(super) fn in_any_inbox(inboxes: &[InboxId], copies: &Copies) -> Planned {
    let terms = inboxes
        .iter()
        .map(|inbox| Term::from_field_i64(FIELDS.1.inbox, inbox.0));
    let own: Planned = Box::new(TermSetQuery::new(terms));
    no_weight(match copies.is_empty() {
        true => own,
        false => union(vec![own, Box::new(copies.in_inboxes(inboxes))]),
    })
}

/// These documents.
pub(super) fn among(keys: &[MessageKey]) -> Planned {
    let terms = keys
        .iter()
        .map(|key| Term::from_field_i64(FIELDS.1.key, key.0));
    no_weight(Box::new(TermSetQuery::new(terms)))
}

/// What stands on the sides of a chain of XOR. To weigh each link with all before it would double the work with each.
fn sides<'n>(a: &'n Node, b: &'n Node) -> Vec<&'n Node> {
    let mut sides = vec![b];
    let mut left = a;
    while let Node::Either(a, b) = left {
        sides.push(b);
        left = a;
    }
    sides.push(left);
    sides
}

/// Whether it asks for what each copy of a message has for itself.
fn asks_for_list(node: &Node) -> bool {
    match node {
        Node::Word { scope, .. }
        | Node::Phrase(scope, _)
        | Node::Near { scope, .. }
        | Node::Beginning(scope, _) => scope.zones.contains(&Zone::List),
        Node::Exact(tags, _) => tags.contains(&Tag::ListId),
        _ => false,
    }
}

/// Whether an id of this kind may be shortened.
fn shortens(tags: &[Tag]) -> bool {
    tags.iter().any(|tag| matches!(tag, Tag::Pre | Tag::Post))
}

fn word_term(zone: Zone, word: &str) -> Term {
    marked(FIELDS.1.words(zone), zone.mark(), word)
}

fn exact_term(tag: Tag, value: &str) -> Term {
    let value = &value[..value.floor_char_boundary(super::document::TERM_MAX)];
    marked(FIELDS.1.exact, tag.mark(), value)
}

fn marked(field: Field, mark: char, text: &str) -> Term {
    let mut marked = String::with_capacity(text.len() + 1);
    marked.push(mark);
    marked.push_str(text);
    Term::from_field_text(field, &marked)
}

fn one(term: Term) -> Planned {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

fn in_zone(zone: Zone, forms: Vec<Form>) -> InZone {
    InZone {
        forms,
        counts: zone_counts(zone),
    }
}

/// Quoted text is found, but does not make a mail more relevant: who is quoted has said it already.
fn zone_counts(zone: Zone) -> bool {
    zone != Zone::Quoted
}

/// What `found` finds, weighed by as many of `weights` as are in it.
fn weighed_by(found: Planned, weights: Vec<Planned>) -> Planned {
    let weights = weights.into_iter().map(|weight| (Occur::Should, weight));
    let must = std::iter::once((Occur::Must, no_weight(found)));
    Box::new(BooleanQuery::new(must.chain(weights).collect()))
}

fn no_weight(query: Planned) -> Planned {
    Box::new(ConstScoreQuery::new(query, 0.0))
}

/// What at least one of a few finds, each of which looks only where it is led to.
fn few(mut queries: Vec<Planned>) -> Planned {
    match queries.len() {
        0 => Box::new(EmptyQuery),
        1 => queries.remove(0),
        _ => Box::new(AnyOf(queries)),
    }
}

fn union(mut queries: Vec<Planned>) -> Planned {
    match queries.len() {
        0 => Box::new(EmptyQuery),
        1 => queries.remove(0),
        _ => Box::new(BooleanQuery::union(queries)),
    }
}

/// Documents whose only value in a column pleases `fits`.
fn where_column<T>(
    name: &'static str,
    fits: impl Fn(T) -> bool + Copy + Send + Sync + 'static,
) -> Planned
where
    T: tantivy::columnar::HasAssociatedColumnType + Send + Sync,
    tantivy::columnar::DynamicColumn: From<Column<T>> + Into<Option<Column<T>>>,
{
    predicate(move |segment: &SegmentReader| {
        let column = segment.fast_fields().column_opt::<T>(name)?;
        Ok(move |doc: DocId| column.as_ref().and_then(|c| c.first(doc)).is_some_and(fits))
    })
}

fn predicate<S>(
    per_segment: impl Fn(&SegmentReader) -> tantivy::Result<S> + Send + Sync + 'static,
) -> Planned
where
    S: Fn(DocId) -> bool + Send + Sync + 'static,
{
    Box::new(DocPredicateQuery::from(FunctionPredicate::from(
        per_segment,
    )))
}
