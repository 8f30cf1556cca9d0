//! How many clones of an inbox may go on at once: `publicinbox.NAME.httpbackendmax`, and the `[publicinboxlimiter "NAME"]` that
//! several inboxes may share.

use std::collections::HashMap;

use super::site::InboxConfig;

/// So many wait where nothing is said, as with public-inbox.
const DEPTH: usize = 32;
/// So many clones of an inbox go on at once where a limiter has a name and no `max`, as with public-inbox.
const MAX: usize = 1;

/// A limit on clones. Inboxes that name the same one share it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limiter {
    /// Whose it is: `=INBOX` for that of one inbox, which nobody else can have.
    pub name: String,
    /// So many at once.
    pub max: usize,
    /// So many may wait for them.
    pub depth: usize,
}

/// The limiters of a config while it is read.
#[derive(Default)]
pub(super) struct Limiters {
    named: HashMap<String, Limiter>,
    /// What inboxes say of themselves, and where.
    wanted: Vec<(usize, String, String)>,
}

impl Limiters {
    /// Takes a line of `[publicinboxlimiter "NAME"]`, or says what is wrong with it.
    pub(super) fn line(&mut self, name: &str, key: &str, value: &str) -> Result<(), String> {
        let limiter = (self.named.entry(name.to_owned())).or_insert_with(|| Limiter {
            name: name.to_owned(),
            max: MAX,
            depth: DEPTH,
        });
        let place = match key {
            "max" => &mut limiter.max,
            "depth" => &mut limiter.depth,
            // git's children have deadlines and a priority of our own instead of resource limits.
            _ => return Ok(()),
        };
        *place = (value.parse().ok())
            .filter(|n| *n > 0 || key == "depth")
            .ok_or_else(|| format!("{value:?} is no number of clones"))?;
        Ok(())
    }

    /// Takes the `httpbackendmax` of the inbox that is `number` in the file, at `place`.
    pub(super) fn want(&mut self, number: usize, place: String, value: &str) {
        self.wanted.retain(|(before, ..)| *before != number);
        self.wanted.push((number, place, value.to_owned()));
    }

    /// Says of an inbox which limiter it has; in `Err` where and why it has none.
    pub(super) fn settle(
        &self,
        number: usize,
        inbox: &mut InboxConfig,
    ) -> Result<(), (String, String)> {
        let mut wanted = self.wanted.iter();
        let Some((_, place, value)) = wanted.find(|(inbox, ..)| *inbox == number) else {
            return Ok(());
        };
        inbox.clones = match (value.parse::<usize>(), self.named.get(value)) {
            (Ok(0), _) => return Err((place.clone(), "nobody could clone from 0 places".into())),
            (Ok(max), _) => Some(Limiter {
                name: format!("={}", inbox.name),
                max,
                depth: DEPTH,
            }),
            (Err(_), Some(named)) => Some(named.clone()),
            // public-inbox's own, which is for everybody: so is ours.
            (Err(_), None) if value.is_empty() || value.starts_with('-') => None,
            (Err(_), None) => {
                let why = format!("there is no [publicinboxlimiter {value:?}] in this config");
                return Err((place.clone(), why));
            }
        };
        Ok(())
    }
}
