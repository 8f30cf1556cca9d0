//! When which mirror is fetched next. Knows nothing of mirrors but where they are from; the clock is told to it.
//!
//! A fetch comes one interval after the last has ended, a little earlier or later, so that sites are not asked
//! together. Those of one site keep together: one question to it tells of all. After a failure the time doubles. Only so many are fetched at once, and only a few of
//! one site: whoever is slow keeps nobody waiting but himself.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// How many are fetched at once.
const AT_ONCE: usize = 16;
/// And how many of one site.
const OF_ONE_SITE: usize = 2;
/// The longest pause after failures, unless the interval itself is longer.
const LONGEST: Duration = Duration::from_secs(6 * 3600);
/// Those of a site that end within so long of each other begin together again.
const TOGETHER: Duration = Duration::from_secs(60);
/// The first fetch comes within so long of the start.
const FIRST_WITHIN: Duration = Duration::from_secs(30);

/// A mirror that is to be fetched again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regular {
    /// The site that it is from.
    pub site: String,
    /// How often.
    pub interval: Duration,
}

/// The mirrors, by a name of the caller's.
#[derive(Debug)]
pub struct Timetable<K> {
    mirrors: HashMap<K, Entry>,
    /// How much earlier or later those of a site come, and since when.
    drawn: HashMap<String, (Instant, f64)>,
}

impl<K> Default for Timetable<K> {
    fn default() -> Timetable<K> {
        Timetable {
            mirrors: HashMap::new(),
            drawn: HashMap::new(),
        }
    }
}

#[derive(Debug)]
struct Entry {
    regular: Regular,
    next: Instant,
    failures: u32,
    under_way: bool,
    /// No longer wanted, but still under way.
    gone: bool,
}

impl<K: Clone + Eq + Hash + Ord> Timetable<K> {
    /// These mirrors are to be fetched and no others. `luck` gives numbers between 0 and 1.
    pub fn set(
        &mut self,
        mirrors: HashMap<K, Regular>,
        now: Instant,
        mut luck: impl FnMut() -> f64,
    ) {
        self.mirrors.retain(|key, entry| {
            entry.gone = !mirrors.contains_key(key);
            !entry.gone || entry.under_way
        });
        let sites: HashSet<&str> = mirrors.values().map(|r| r.site.as_str()).collect();
        self.drawn.retain(|site, _| sites.contains(site.as_str()));
        for (key, regular) in mirrors {
            match self.mirrors.get_mut(&key) {
                Some(entry) if entry.regular == regular => {}
                Some(entry) => {
                    // Somebody who asks for shorter intervals does not mean from the next one on.
                    entry.next = entry.next.min(now + regular.interval);
                    entry.regular = regular;
                }
                None => {
                    let within = FIRST_WITHIN.min(regular.interval);
                    let luck = draw(&mut self.drawn, &regular, now, &mut luck);
                    let entry = Entry {
                        regular,
                        next: now + within.mul_f64(luck),
                        failures: 0,
                        under_way: false,
                        gone: false,
                    };
                    self.mirrors.insert(key, entry);
                }
            }
        }
    }

    /// Those to be fetched now, the one that has waited longest first; they are under way from here on.
    pub fn due(&mut self, now: Instant) -> Vec<K> {
        let mut of_site: HashMap<String, usize> = HashMap::new();
        let mut at_once = 0;
        for entry in self.mirrors.values().filter(|entry| entry.under_way) {
            *of_site.entry(entry.regular.site.clone()).or_default() += 1;
            at_once += 1;
        }
        let waiting = self.mirrors.iter();
        let waiting = waiting.filter(|(_, e)| !e.under_way && !e.gone && e.next <= now);
        let mut waiting: Vec<(Instant, K)> = waiting.map(|(k, e)| (e.next, k.clone())).collect();
        waiting.sort();
        let mut due = Vec::new();
        for (_, key) in waiting {
            let Some(entry) = self.mirrors.get_mut(&key) else {
                continue;
            };
            let others = of_site.entry(entry.regular.site.clone()).or_default();
            if at_once < AT_ONCE && *others < OF_ONE_SITE {
                *others += 1;
                at_once += 1;
                entry.under_way = true;
                due.push(key);
            }
        }
        due
    }

    /// A fetch has ended. Gives how long it is to the next one, and how many failed before it in a row.
    pub fn done(
        &mut self,
        key: &K,
        well: bool,
        now: Instant,
        mut luck: impl FnMut() -> f64,
    ) -> Option<(Duration, u32)> {
        let entry = self.mirrors.get_mut(key)?;
        if entry.gone {
            self.mirrors.remove(key);
            return None;
        }
        let before = entry.failures;
        entry.under_way = false;
        entry.failures = match well {
            true => 0,
            false => entry.failures.saturating_add(1),
        };
        let interval = entry.regular.interval;
        let doubled = interval.saturating_mul(1 << entry.failures.min(16));
        let pause = doubled.min(LONGEST.max(interval));
        // Nine to eleven tenths of it.
        let luck = draw(&mut self.drawn, &entry.regular, now, &mut luck);
        let pause = pause.mul_f64(0.9 + 0.2 * luck);
        entry.next = now + pause;
        Some((pause, before))
    }

    /// How often a mirror is fetched.
    pub fn interval(&self, key: &K) -> Option<Duration> {
        Some(self.mirrors.get(key)?.regular.interval)
    }

    /// How many are under way.
    pub fn under_way(&self) -> usize {
        self.mirrors.values().filter(|e| e.under_way).count()
    }
}

/// The luck of a site: drawn anew when it is older than what a round takes.
fn draw(
    drawn: &mut HashMap<String, (Instant, f64)>,
    regular: &Regular,
    now: Instant,
    luck: &mut impl FnMut() -> f64,
) -> f64 {
    let round = TOGETHER.min(regular.interval / 2);
    match drawn.get(&regular.site) {
        Some((when, same)) if now.saturating_duration_since(*when) < round => *same,
        _ => {
            let new = luck().clamp(0.0, 1.0);
            drawn.insert(regular.site.clone(), (now, new));
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::{Duration, Instant};

    use super::{AT_ONCE, LONGEST, OF_ONE_SITE, Regular, Timetable};

    const MINUTE: Duration = Duration::from_secs(60);

    fn mirrors(of: &[(&str, u32)]) -> HashMap<String, Regular> {
        let each = of.iter().flat_map(|(site, count)| {
            (0..*count).map(move |n| {
                let regular = Regular {
                    site: (*site).to_owned(),
                    interval: MINUTE,
                };
                (format!("{site}-{n:03}"), regular)
            })
        });
        each.collect()
    }

    fn middle() -> f64 {
        0.5
    }

    #[test]
    fn a_site_that_never_answers_delays_nobody_else() {
        let (mut table, start) = (Timetable::default(), Instant::now());
        table.set(mirrors(&[("slow", 50), ("quick", 50)]), start, middle);
        let mut fetched = 0;
        for tick in 0..200 {
            let now = start + MINUTE / 2 + Duration::from_millis(100 * tick);
            for key in table.due(now) {
                // What is slow never ends.
                if key.starts_with("quick") {
                    table.done(&key, true, now, middle);
                    fetched += 1;
                }
            }
        }
        assert_eq!(fetched, 50);
        assert_eq!(table.under_way(), OF_ONE_SITE);
    }

    #[test]
    fn only_so_many_are_under_way_at_once() {
        let (mut table, start) = (Timetable::default(), Instant::now());
        let sites: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        let sites: Vec<(&str, u32)> = sites.iter().map(|site| (site.as_str(), 1)).collect();
        table.set(mirrors(&sites), start, middle);
        let first = table.due(start + MINUTE);
        assert_eq!(first.len(), AT_ONCE);
        assert_eq!(table.due(start + MINUTE), Vec::<String>::new());
        table.done(&first[0], false, start + MINUTE, middle);
        assert_eq!(table.due(start + MINUTE).len(), 1);
    }

    #[test]
    fn the_pause_doubles_with_each_failure_and_ends_with_them() {
        let (mut table, mut now) = (Timetable::default(), Instant::now());
        table.set(mirrors(&[("a", 1)]), now, middle);
        let key = "a-000".to_owned();
        let mut pauses = Vec::new();
        for _ in 0..12 {
            now += LONGEST * 2;
            assert_eq!(table.due(now).as_slice(), std::slice::from_ref(&key));
            let (pause, before) = table.done(&key, false, now, middle).unwrap();
            assert_eq!(before as usize, pauses.len());
            pauses.push(pause);
        }
        assert_eq!(pauses[..3], [MINUTE * 2, MINUTE * 4, MINUTE * 8]);
        assert_eq!(pauses[11], LONGEST);
        now += LONGEST;
        assert_eq!(table.due(now).len(), 1);
        let (pause, before) = table.done(&key, true, now, middle).unwrap();
        assert_eq!((pause, before), (MINUTE, 12));
    }

    #[test]
    fn mirrors_that_began_together_do_not_ask_together() {
        let (mut table, start) = (Timetable::default(), Instant::now());
        let mut luck = [0.0, 0.25, 1.0].into_iter().cycle();
        table.set(mirrors(&[("a", 1), ("b", 1), ("c", 1)]), start, || {
            luck.next().unwrap()
        });
        assert_eq!(table.due(start).len(), 1);
        assert_eq!(table.due(start + Duration::from_secs(10)).len(), 1);
        assert_eq!(table.due(start + Duration::from_secs(30)).len(), 1);
    }

    #[test]
    fn mirrors_come_and_go() {
        let (mut table, start) = (Timetable::default(), Instant::now());
        table.set(mirrors(&[("a", 2)]), start, middle);
        let due = table.due(start + MINUTE);
        assert_eq!(due.len(), 2);
        table.set(mirrors(&[("b", 1)]), start + MINUTE, middle);
        assert_eq!(table.under_way(), 2, "they are let to end");
        for key in &due {
            assert_eq!(table.done(key, true, start + MINUTE, middle), None);
        }
        assert_eq!(table.due(start + MINUTE * 2), ["b-000"]);

        let hourly = |interval| {
            let site = "c".to_owned();
            HashMap::from([("c".to_owned(), Regular { site, interval })])
        };
        table.set(hourly(MINUTE * 60), start, middle);
        table.due(start + MINUTE);
        table.done(&"c".to_owned(), true, start + MINUTE, middle);
        table.set(hourly(MINUTE), start + MINUTE, middle);
        assert_eq!(
            table.due(start + MINUTE * 2).len(),
            1,
            "the new interval holds at once"
        );
    }
}
