//! What at least one of a few queries finds.
//!
//! tantivy's own union works out four thousand documents ahead. Where phrases are sought in ten zones, beside a word that
//! few mails have, that is a hundred times more than is asked for; this one looks at no document that it is not led to.

use tantivy::query::{EmptyScorer, EnableScoring, Explanation, Query, QueryClone, Scorer, Weight};
use tantivy::{DocId, DocSet, Result, Score, SeekDangerResult, SegmentReader, TERMINATED};

use super::near::explain;

/// The queries; as relevant as all of them together that find a document.
#[derive(Debug)]
pub(super) struct AnyOf(pub(super) Vec<Box<dyn Query>>);

impl Clone for AnyOf {
    fn clone(&self) -> AnyOf {
        AnyOf(self.0.iter().map(|query| query.box_clone()).collect())
    }
}

impl Query for AnyOf {
    fn weight(&self, scoring: EnableScoring<'_>) -> Result<Box<dyn Weight>> {
        let weights = self.0.iter().map(|query| query.weight(scoring));
        Ok(Box::new(AnyWeight(weights.collect::<Result<_>>()?)))
    }
}

struct AnyWeight(Vec<Box<dyn Weight>>);

impl Weight for AnyWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> Result<Box<dyn Scorer>> {
        let mut parts = Vec::with_capacity(self.0.len());
        for weight in &self.0 {
            let scorer = weight.scorer(reader, boost)?;
            if scorer.doc() != TERMINATED {
                parts.push(scorer);
            }
        }
        Ok(match parts.len() {
            0 => Box::new(EmptyScorer),
            1 => parts.remove(0),
            _ => Box::new(AnyScorer::new(parts)),
        })
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> Result<Explanation> {
        explain(self, reader, doc, "one of several")
    }
}

/// One of the queries, on its way through a segment.
struct Part {
    scorer: Box<dyn Scorer>,
    /// Where it stands; where it is adrift, no document before this one is found by it.
    at: DocId,
    /// Whether it was asked for single documents only, and so does not know on which it stands
    /// ([`DocSet::seek_danger`]).
    adrift: bool,
}

impl Part {
    /// Whether it finds `target`, which nothing before has asked about. Perhaps it is adrift then.
    fn finds(&mut self, target: DocId) -> bool {
        if self.at < target || (self.adrift && self.at == target) {
            let found = self.scorer.seek_danger(target);
            (self.at, self.adrift) = match found {
                SeekDangerResult::Found => (target, false),
                SeekDangerResult::SeekLowerBound(next) => (next, true),
            };
        }
        self.at == target && !self.adrift
    }

    /// Goes to its first document from `target` on.
    fn seek(&mut self, target: DocId) {
        if !self.adrift {
            if self.at < target {
                self.at = self.scorer.seek(target);
            }
            return;
        }
        let mut next = self.at.max(target);
        while next < TERMINATED && !self.finds(next) {
            next = self.at;
        }
    }

    /// Whether it stands where it says.
    fn is_settled(&self) -> bool {
        !self.adrift || self.at >= TERMINATED
    }
}

/// Goes through what at least one of its parts finds.
struct AnyScorer {
    parts: Vec<Part>,
    doc: DocId,
}

impl AnyScorer {
    fn new(scorers: Vec<Box<dyn Scorer>>) -> AnyScorer {
        let parts = scorers.into_iter().map(|scorer| Part {
            at: scorer.doc(),
            scorer,
            adrift: false,
        });
        let mut any = AnyScorer {
            parts: parts.collect(),
            doc: 0,
        };
        any.settle();
        any
    }

    /// Stands where the first of the parts stands.
    fn settle(&mut self) -> DocId {
        loop {
            let first = self.parts.iter().map(|part| part.at).min();
            self.doc = first.unwrap_or(TERMINATED).min(TERMINATED);
            let here = |part: &&mut Part| part.at == self.doc && !part.is_settled();
            let Some(part) = self.parts.iter_mut().find(here) else {
                return self.doc;
            };
            part.seek(part.at);
        }
    }
}

impl DocSet for AnyScorer {
    fn advance(&mut self) -> DocId {
        for part in &mut self.parts {
            if part.at == self.doc && !part.adrift {
                part.at = part.scorer.advance();
            }
        }
        self.settle()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        for part in &mut self.parts {
            part.seek(target);
        }
        self.settle()
    }

    fn seek_danger(&mut self, target: DocId) -> SeekDangerResult {
        if target >= TERMINATED {
            return SeekDangerResult::SeekLowerBound(TERMINATED);
        }
        let mut found = false;
        let mut next = TERMINATED;
        for part in &mut self.parts {
            found |= part.finds(target);
            next = next.min(part.at);
        }
        if found {
            self.doc = target;
            return SeekDangerResult::Found;
        }
        SeekDangerResult::SeekLowerBound(next)
    }

    fn doc(&self) -> DocId {
        self.doc
    }

    fn size_hint(&self) -> u32 {
        let sizes = self.parts.iter().map(|part| part.scorer.size_hint());
        sizes.fold(0, u32::saturating_add)
    }

    fn cost(&self) -> u64 {
        let costs = self.parts.iter().map(|part| part.scorer.cost());
        costs.fold(0, u64::saturating_add)
    }
}

impl Scorer for AnyScorer {
    fn score(&mut self) -> Score {
        let doc = self.doc;
        let here = self
            .parts
            .iter_mut()
            .filter(|part| part.at == doc && !part.adrift);
        here.map(|part| part.scorer.score()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::{btree_set, vec};
    use proptest::prelude::any;
    use proptest::{prop_assert, prop_assert_eq, proptest};
    use tantivy::query::Scorer;
    use tantivy::{DocId, DocSet, Score, SeekDangerResult, TERMINATED};

    use super::AnyScorer;

    /// Says of a document that is not among its own no more than it has to, and does not bear to be asked in the wrong
    /// order.
    struct Vague {
        docs: Vec<DocId>,
        at: usize,
        asked: Option<DocId>,
        weight: Score,
    }

    impl Vague {
        fn stand(&self) -> DocId {
            self.docs.get(self.at).copied().unwrap_or(TERMINATED)
        }
    }

    impl DocSet for Vague {
        fn advance(&mut self) -> DocId {
            assert_eq!(self.asked, None, "it is adrift");
            self.at += 1;
            self.stand()
        }

        fn seek(&mut self, target: DocId) -> DocId {
            assert_eq!(self.asked, None, "it is adrift");
            assert!(self.stand() <= target, "backwards");
            self.at = self.docs.partition_point(|doc| *doc < target);
            self.stand()
        }

        fn seek_danger(&mut self, target: DocId) -> SeekDangerResult {
            assert!(self.asked.is_none_or(|asked| asked < target), "again");
            self.at = self.docs.partition_point(|doc| *doc < target);
            if self.stand() == target {
                self.asked = None;
                return SeekDangerResult::Found;
            }
            self.asked = Some(target);
            SeekDangerResult::SeekLowerBound(match self.stand() {
                TERMINATED => TERMINATED,
                _ => target + 1,
            })
        }

        fn doc(&self) -> DocId {
            assert_eq!(self.asked, None, "it is adrift");
            self.stand()
        }

        fn size_hint(&self) -> u32 {
            self.docs.len() as u32
        }
    }

    impl Scorer for Vague {
        fn score(&mut self) -> Score {
            assert_eq!(self.asked, None, "it is adrift");
            self.weight
        }
    }

    proptest! {
        #[test]
        fn it_is_a_union_however_it_is_asked(
            sets in vec(btree_set(0u32..120, 0..40), 1..6),
            steps in vec((any::<bool>(), any::<bool>(), 1u32..20), 0..60),
        ) {
            let all: BTreeSet<DocId> = sets.iter().flatten().copied().collect();
            let parts = sets.iter().enumerate().map(|(number, docs)| -> Box<dyn Scorer> {
                let docs = docs.iter().copied().collect();
                let weight = (1 << number) as Score;
                Box::new(Vague { docs, at: 0, asked: None, weight })
            });
            let mut any = AnyScorer::new(parts.collect());
            let from = |doc: DocId| all.range(doc..).next().copied().unwrap_or(TERMINATED);
            prop_assert_eq!(any.doc(), from(0));
            let mut asked = None;
            for (goes_on, risks, far) in steps {
                let here = asked.unwrap_or_else(|| any.doc());
                if here >= TERMINATED {
                    break;
                }
                let target = here + far;
                if asked.is_some() || risks {
                    match any.seek_danger(target) {
                        SeekDangerResult::Found => {
                            prop_assert!(all.contains(&target));
                            asked = None;
                        }
                        SeekDangerResult::SeekLowerBound(next) => {
                            prop_assert!(!all.contains(&target));
                            prop_assert!(next > target && next <= from(target));
                            asked = Some(target);
                            continue;
                        }
                    }
                } else if goes_on {
                    prop_assert_eq!(any.advance(), from(here + 1));
                } else {
                    prop_assert_eq!(any.seek(target), from(target));
                }
                let doc = any.doc();
                if doc < TERMINATED {
                    let having = sets.iter().enumerate().filter(|(_, docs)| docs.contains(&doc));
                    let score: Score = having.map(|(number, _)| (1 << number) as Score).sum();
                    prop_assert_eq!(any.score(), score);
                }
            }
        }
    }
}
