//! The mails that have a word of many forms: a beginning (`write*`) stands for hundreds. Where these are in few mails, to
//! read all their lists once takes less than to compare where they stand for each mail.

use tantivy::postings::BlockSegmentPostings;
use tantivy::query::Scorer;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Result, Score, SegmentReader, TERMINATED};

use super::score::{List, Scale};

/// With fewer lists these are rather gone through side by side.
const MANY: usize = if cfg!(test) { 1 } else { 8 };

/// With more mails in them as well: nobody may ever look at most of these.
const FEW_MAILS: u32 = 30_000;

/// Whether lists should be read at once.
pub(super) fn is_worth_it(lists: &[List]) -> bool {
    lists.len() > MANY && mails_in(lists) <= FEW_MAILS
}

fn mails_in(lists: &[List]) -> u32 {
    let mails = lists.iter().map(|list| list.term.doc_freq);
    mails.fold(0, u32::saturating_add)
}

/// Goes through the mails that have one word, read from the lists of all its forms.
pub(super) struct Gathered {
    /// Each with how often it has the word; in order.
    mails: Vec<(DocId, u32)>,
    at: usize,
    weight: Score,
    scale: Scale,
}

impl Gathered {
    pub(super) fn of(
        segment: &SegmentReader,
        lists: &[List],
        weight: Score,
        scale: Scale,
    ) -> Result<Gathered> {
        let mut mails = Vec::with_capacity(mails_in(lists) as usize);
        let mut last: Option<(Field, BlockSegmentPostings)> = None;
        for list in lists {
            let index = segment.inverted_index(list.field)?;
            let mut block = match last {
                Some((field, mut block)) if field == list.field => {
                    index.reset_block_postings_from_terminfo(&list.term, &mut block)?;
                    block
                }
                _ => {
                    let freqs = IndexRecordOption::WithFreqs;
                    index.read_block_postings_from_terminfo(&list.term, freqs)?
                }
            };
            while !block.docs().is_empty() {
                let counts = block.freqs().iter().copied();
                mails.extend(block.docs().iter().copied().zip(counts));
                block.advance();
            }
            last = Some((list.field, block));
        }
        mails.sort_unstable();
        mails.dedup_by(|(doc, count), (before, counted)| {
            let is_same = doc == before;
            if is_same {
                *counted = counted.saturating_add(*count);
            }
            is_same
        });
        Ok(Gathered {
            mails,
            at: 0,
            weight,
            scale,
        })
    }
}

impl DocSet for Gathered {
    fn advance(&mut self) -> DocId {
        self.at += 1;
        self.doc()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        let rest = self.mails.get(self.at..).unwrap_or_default();
        self.at += rest.partition_point(|(doc, _)| *doc < target);
        self.doc()
    }

    fn doc(&self) -> DocId {
        self.mails.get(self.at).map_or(TERMINATED, |(doc, _)| *doc)
    }

    fn size_hint(&self) -> u32 {
        self.mails.len() as u32
    }
}

impl Scorer for Gathered {
    fn score(&mut self) -> Score {
        let mail = self.mails.get(self.at);
        mail.map_or(0.0, |(doc, count)| {
            self.scale
                .of(*doc, [(self.weight, *count as Score)].into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;
    use tantivy::query::Scorer;
    use tantivy::schema::{FAST, IndexRecordOption, STORED, Schema, TEXT};
    use tantivy::{DocSet, Index, SegmentReader, TERMINATED, TantivyDocument, Term};

    use super::Gathered;
    use crate::search::score::{List, Scale, WordScorer};

    const MAILS: u64 = 300;

    /// A segment of mails, each with the forms whose sets have it: the number of the form plus one times.
    fn segment(forms: &[std::collections::BTreeSet<u64>]) -> SegmentReader {
        let mut schema = Schema::builder();
        let text = schema.add_text_field("text", TEXT);
        let length = schema.add_u64_field("length", FAST | STORED);
        let index = Index::create_in_ram(schema.build());
        let mut writer = index.writer_with_num_threads(1, 20 << 20).unwrap();
        for mail in 0..MAILS {
            let having = forms
                .iter()
                .enumerate()
                .filter(|(_, set)| set.contains(&mail));
            let words: String = having
                .map(|(number, _)| format!("form{number} ").repeat(number + 1))
                .collect();
            let mut doc = TantivyDocument::new();
            doc.add_text(text, words);
            doc.add_u64(length, 10 + mail);
            writer.add_document(doc).unwrap();
        }
        writer.commit().unwrap();
        let searcher = index.reader().unwrap().searcher();
        searcher.segment_reader(0).clone()
    }

    fn lists(segment: &SegmentReader, count: usize) -> Vec<List> {
        let field = segment.schema().get_field("text").unwrap();
        let index = segment.inverted_index(field).unwrap();
        let list = |number: usize| {
            let term = Term::from_field_text(field, &format!("form{number}"));
            let term = index.get_term_info(&term).unwrap()?;
            Some(List {
                word: 0,
                field,
                term,
            })
        };
        (0..count).filter_map(list).collect()
    }

    fn side_by_side(segment: &SegmentReader, lists: &[List], scale: Scale) -> WordScorer {
        let read = |list: &List| {
            let index = segment.inverted_index(list.field).unwrap();
            let freqs = IndexRecordOption::WithFreqs;
            let list = index.read_postings_from_terminfo(&list.term, freqs);
            (0, list.unwrap())
        };
        WordScorer::new(lists.iter().map(read).collect(), Arc::new([3.0]), scale)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn it_finds_and_weighs_what_the_lists_side_by_side_do(
            forms in vec(btree_set(0..MAILS, 0..250), 1..12),
            steps in vec(prop_oneof![Just(None), (1u32..60).prop_map(Some)], 0..200),
        ) {
            let segment = segment(&forms);
            let scale = || Scale {
                lengths: segment.fast_fields().u64("length").unwrap(),
                usual_length: 100.0,
                boost: 1.5,
            };
            let lists = lists(&segment, forms.len());
            let mut gathered = Gathered::of(&segment, &lists, 3.0, scale()).unwrap();
            let mut beside = side_by_side(&segment, &lists, scale());
            for step in steps {
                prop_assert_eq!(gathered.doc(), beside.doc());
                if beside.doc() == TERMINATED {
                    break;
                }
                prop_assert_eq!(gathered.score(), beside.score());
                match step {
                    None => prop_assert_eq!(gathered.advance(), beside.advance()),
                    Some(far) => {
                        let target = beside.doc() + far;
                        prop_assert_eq!(gathered.seek(target), beside.seek(target));
                    }
                }
            }
        }
    }
}
