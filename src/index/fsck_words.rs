//! The words that the full-text index has of each message, against those that its mails have.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError, mpsc};

use super::batch::Step;
use super::findings::{Keep, Wanted};
use super::fsck::Check;
use super::words::Copies;
use crate::db::Copy;
use crate::error::Result;
use crate::id::{InboxId, MessageKey};
use crate::search::{Trace, Tracer};

impl Check<'_> {
    /// Compares the words of each message with those that its mails have.
    pub(super) fn words(&mut self, inboxes: &[Wanted], step: Step) -> Result<()> {
        if step == Step::Strange {
            self.findings.cure.all_words = true;
            self.report(
                Keep::Words,
                None,
                "they are not those of this catalogue".to_owned(),
            );
            return Ok(());
        }
        for file in self.search.damaged_files()? {
            self.findings.cure.all_words = true;
            self.report(Keep::Words, None, format!("{} is damaged", file.display()));
        }
        if self.findings.cure.all_words {
            return Ok(());
        }
        let mut found: HashMap<MessageKey, Trace> = HashMap::new();
        let mut twice = Vec::new();
        self.search.each_trace(|key, trace| {
            if found.insert(key, trace).is_some() {
                twice.push(key);
            }
        })?;
        for key in twice {
            self.findings.cure.words.insert(key);
            self.report(
                Keep::Words,
                None,
                format!("message {} can be found twice", key.0),
            );
        }
        let mut ids = BTreeSet::new();
        for (_, layout) in inboxes {
            ids.extend(self.reader.inbox_at(&layout.dir)?);
        }
        self.each_expected(&ids, &mut found)?;
        for key in found.into_keys() {
            // A batch that the catalogue has not taken yet comes again.
            if step == Step::Same {
                self.findings.cure.words.insert(key);
                self.report(
                    Keep::Words,
                    None,
                    format!("message {} can be found and is not there", key.0),
                );
            }
        }
        Ok(())
    }

    /// Makes the words of every message again, on several threads; takes what was found of it out of `found`.
    fn each_expected(
        &mut self,
        inboxes: &BTreeSet<InboxId>,
        found: &mut HashMap<MessageKey, Trace>,
    ) -> Result<()> {
        const AT_ONCE: usize = 2_000;
        let reader = self.reader;
        let mut last = MessageKey(0);
        loop {
            let messages = reader.messages_after(last, AT_ONCE)?;
            let Some((newest, _)) = messages.last() else {
                return Ok(());
            };
            last = *newest;
            let mut asked = Vec::with_capacity(messages.len());
            for (message, _) in messages {
                let copies = reader.stands_at(message)?;
                match copies.iter().any(|copy| inboxes.contains(&copy.inbox)) {
                    true => asked.push((message, copies)),
                    false => drop(found.remove(&message)),
                }
            }
            for (message, expected) in traces(asked, self.jobs) {
                self.findings.messages += 1;
                let what = match (found.remove(&message), expected) {
                    // git has lost the mail, which was told already.
                    (_, None) => continue,
                    (Some(found), Some(expected)) if found == expected => continue,
                    (Some(_), Some(_)) => "has other words",
                    (None, Some(_)) => "cannot be found",
                };
                self.findings.cure.words.insert(message);
                self.report(Keep::Words, None, format!("message {} {what}", message.0));
            }
        }
    }
}

/// What the index should hold of each message; `None` where git has lost every copy.
fn traces(asked: Vec<(MessageKey, Vec<Copy>)>, jobs: usize) -> Vec<(MessageKey, Option<Trace>)> {
    let asked = Mutex::new(asked.into_iter());
    let (answer, answers) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let (asked, answer) = (&asked, answer.clone());
            scope.spawn(move || {
                let (mut copies, mut tracer) = (Copies::default(), Tracer::new());
                loop {
                    let next = asked.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((message, places)) = next else { break };
                    let document = copies.document(message, places);
                    let trace = document.map(|document| tracer.trace(document));
                    if answer.send((message, trace)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(answer);
    });
    let mut found: Vec<_> = answers.into_iter().collect();
    found.sort_by_key(|(message, _): &(MessageKey, _)| *message);
    found
}
