//! Where a message stands in its thread: the lines above it on pages that show a whole thread.

use super::Html;
use super::anchors;
use super::skeleton::{self, Entry, Label, Labels, Sight, Target};

/// Who answers whom on the lines of a thread, and what each line says: made once for all messages of a page.
#[derive(Clone, Debug)]
pub struct Family {
    parent: Vec<Option<usize>>,
    /// For each line its children.
    children: Vec<Vec<usize>>,
    /// For each line its place among its siblings.
    place: Vec<usize>,
    /// For each line what it says in the overview.
    labels: Vec<Label>,
    /// For each line the anchor of its message.
    anchors: Vec<String>,
    /// Whether these are results of a search: then only those with a score are on the page.
    scored: bool,
}

impl Family {
    /// Reads it off the depths of the lines.
    pub fn of(entries: &[Entry<'_>]) -> Family {
        let mut family = Family {
            parent: Vec::with_capacity(entries.len()),
            children: vec![Vec::new(); entries.len()],
            place: Vec::with_capacity(entries.len()),
            labels: Vec::with_capacity(entries.len()),
            anchors: entries.iter().map(|e| anchors::message(e.mid)).collect(),
            scored: entries.iter().any(is_scored),
        };
        let mut labels = Labels::default();
        let mut above: Vec<usize> = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            while above
                .last()
                .is_some_and(|last| entries[*last].depth >= entry.depth)
            {
                above.pop();
            }
            let shown = |entry: &Entry<'_>| !family.scored || is_scored(entry);
            let parent = above.last().copied();
            let parent = parent.filter(|parent| shown(&entries[*parent]));
            // Roots are no siblings of each other: nothing but a subject brought them together.
            family
                .place
                .push(parent.map_or(0, |parent| family.children[parent].len()));
            if let Some(parent) = parent
                && shown(entry)
            {
                family.children[parent].push(index);
            }
            family.parent.push(parent);
            family.labels.push(match &entry.sight {
                Sight::Seen { subject, .. } => labels.next(subject),
                Sight::Ghost => Label::default(),
            });
            above.push(index);
        }
        family
    }

    /// Those with the same parent, itself among them; none for a root.
    fn siblings(&self, index: usize) -> &[usize] {
        self.parent[index].map_or(&[], |parent| &self.children[parent])
    }
}

fn is_scored(entry: &Entry<'_>) -> bool {
    matches!(entry.sight, Sight::Seen { score: Some(_), .. })
}

/// The lines above the message on line `index`: its subject, its parent, siblings and children, and their counts.
///
/// `requested` marks the message that the page was asked for; `in_thread` is `77+ messages in thread` or the like.
pub fn context(
    entries: &[Entry<'_>],
    family: &Family,
    index: usize,
    requested: bool,
    in_thread: &str,
) -> Html {
    let mut out = Html::with_capacity(1024);
    let (Some(entry), Some(place)) = (entries.get(index), family.place.get(index).copied()) else {
        return out;
    };
    let anchor = &family.anchors[index];
    let mut lines = Lines {
        out: &mut out,
        entries,
        family,
    };
    lines.title(entry, anchor, requested);

    let siblings = family.siblings(index);
    let children = &family.children[index];
    if let Some(parent) = family.parent[index] {
        lines.neighbour(parent);
    }
    match &siblings[..place] {
        [] => {}
        [one] => lines.neighbour(*one),
        [first, second] => {
            lines.neighbour(*first);
            lines.neighbour(*second);
        }
        [others @ .., last] => {
            lines.more(*last, &format!("({} preceding siblings ...)", others.len()));
            lines.neighbour(*last);
        }
    }
    lines.itself(entry);
    lines.first_of(children, |n| {
        format!("({n} more {})", if n == 1 { "reply" } else { "replies" })
    });
    lines.first_of(siblings.get(place + 1..).unwrap_or(&[]), |n| {
        format!(
            "({n} subsequent {})",
            if n == 1 { "sibling" } else { "siblings" }
        )
    });
    let siblings = siblings.len().saturating_sub(1);
    let counts = format!(
        "{siblings} {}, {} {}; {in_thread}",
        if siblings == 1 { "sibling" } else { "siblings" },
        children.len(),
        if children.len() == 1 {
            "reply"
        } else {
            "replies"
        },
    );
    out.markup("  ");
    out.link(&format!("#r{anchor}"), &counts);
    out.markup("\n");
    out
}

struct Lines<'a, 'e> {
    out: &'a mut Html,
    entries: &'a [Entry<'e>],
    family: &'a Family,
}

impl Lines<'_, '_> {
    fn title(&mut self, entry: &Entry<'_>, anchor: &str, requested: bool) {
        let subject = match &entry.sight {
            Sight::Seen { subject, .. } if !subject.is_empty() => subject,
            _ => "(no subject)",
        };
        self.out.markup("<a href=\"#e");
        self.out.text(anchor);
        self.out.markup("\" id=\"m");
        self.out.text(anchor);
        self.out.markup("\">*</a> ");
        self.out
            .markup(if requested { "<u id=\"u\"><b>" } else { "<b>" });
        self.out.line(subject);
        self.out
            .markup(if requested { "</b></u>\n" } else { "</b>\n" });
    }

    /// The line of a message nearby.
    fn neighbour(&mut self, index: usize) {
        let Some(entry) = self.entries.get(index) else {
            return;
        };
        let anchor = &self.family.anchors[index];
        self.out.markup("  ");
        match &entry.sight {
            Sight::Ghost => {
                let target = Target {
                    href: format!("#r{anchor}"),
                    id: None,
                };
                skeleton::ghost_line(self.out, entry, &target);
            }
            Sight::Seen {
                sent,
                author,
                score,
                ..
            } => {
                self.out.print(format_args!("{}", sent.minute()));
                if self.family.scored {
                    skeleton::per_cent(self.out, *score);
                }
                self.out.markup(" ");
                skeleton::indent(self.out, entry.depth);
                let target = Target {
                    href: format!("#m{anchor}"),
                    id: None,
                };
                self.family.labels[index].link(self.out, author, &target);
                self.out.markup("\n");
            }
        }
    }

    /// The line of the message itself.
    fn itself(&mut self, entry: &Entry<'_>) {
        let Sight::Seen {
            sent,
            author,
            score,
            ..
        } = &entry.sight
        else {
            return;
        };
        self.out.markup("<b>@ ");
        self.out.print(format_args!("{}", sent.minute()));
        if self.family.scored {
            skeleton::per_cent(self.out, *score);
        }
        self.out.markup(" ");
        skeleton::indent(self.out, entry.depth);
        self.out.line(author);
        self.out.markup("</b>\n");
    }

    /// All of them where they are one or two, else the first and how many more there are.
    fn first_of(&mut self, indexes: &[usize], more: impl Fn(usize) -> String) {
        match indexes {
            [] => {}
            [one] => self.neighbour(*one),
            [first, second] => {
                self.neighbour(*first);
                self.neighbour(*second);
            }
            [first, others @ ..] => {
                self.neighbour(*first);
                self.more(*first, &more(others.len()));
            }
        }
    }

    /// A line in place of several, leading to the line of one of them in the overview.
    fn more(&mut self, index: usize, text: &str) {
        let Some(entry) = self.entries.get(index) else {
            return;
        };
        self.out.blanks(19);
        skeleton::indent(self.out, entry.depth);
        let href = format!("#r{}", self.family.anchors[index]);
        self.out.link(&href, text);
        self.out.markup("\n");
    }
}

#[cfg(test)]
mod tests {
    use super::{Family, context};
    use crate::id::MessageId;
    use crate::render::skeleton::{Entry, Sight};
    use crate::time::Timestamp;

    /// A thread of these depths, whose messages are called by their line; a `?` is a ghost.
    /// Of results, those called `!` were found.
    fn lines(depths: &[(usize, &'static str)], index: usize) -> Vec<String> {
        let mids: Vec<MessageId> = (0..depths.len())
            .filter_map(|n| MessageId::parse(&format!("{n}@x")))
            .collect();
        let entry = |(mid, (depth, subject)): (_, &(usize, &'static str))| Entry {
            mid,
            depth: *depth,
            loose: false,
            sight: match *subject {
                "?" => Sight::Ghost,
                subject => Sight::Seen {
                    sent: Timestamp(0),
                    subject: subject.into(),
                    author: "A".into(),
                    score: subject.starts_with('!').then_some(7),
                },
            },
        };
        let entries: Vec<Entry> = mids.iter().zip(depths).map(entry).collect();
        let html = context(&entries, &Family::of(&entries), index, false, "N");
        let mut text = String::new();
        for piece in html.as_str().split('<') {
            text.push_str(piece.split_once('>').map_or(piece, |(_, after)| after));
        }
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn among_results_only_those_that_were_found_are_relatives() {
        let thread = [(0, "x"), (1, "! y"), (2, "! y"), (2, "x"), (1, "x")];
        assert_eq!(
            lines(&thread, 1),
            [
                "* ! y",
                "@ 1970-01-01  0:00  7% ` A",
                "  1970-01-01  0:00  7%   ` A",
                "  0 siblings, 1 reply; N",
            ]
        );
    }

    #[test]
    fn few_relatives_are_all_shown() {
        let thread = [
            (0, "x y"),
            (1, "Re: x y"),
            (2, "Re: x y"),
            (1, "other z"),
            (1, "?"),
        ];
        assert_eq!(
            lines(&thread, 1),
            [
                "* Re: x y",
                "  1970-01-01  0:00 x y A",
                "@ 1970-01-01  0:00 ` A",
                "  1970-01-01  0:00   ` A",
                "  1970-01-01  0:00 ` other z A",
                "       [not found] ` &lt;4@x&gt;",
                "  2 siblings, 1 reply; N",
            ]
        );
    }

    #[test]
    fn many_relatives_are_counted() {
        let mut thread = vec![(0, "x y")];
        thread.extend([(1, "x y"); 7]);
        thread.extend([(2, "x y"); 3]);
        assert_eq!(
            lines(&thread, 4),
            [
                "* x y",
                "  1970-01-01  0:00 x y A",
                "                   ` (2 preceding siblings ...)",
                "  1970-01-01  0:00 ` A",
                "@ 1970-01-01  0:00 ` A",
                "  1970-01-01  0:00 ` A",
                "                   ` (2 subsequent siblings)",
                "  6 siblings, 0 replies; N",
            ]
        );
        let last = lines(&thread, 7);
        assert_eq!(
            last.get(5).map(String::as_str),
            Some("  1970-01-01  0:00   ` A")
        );
        assert_eq!(
            last.get(6).map(String::as_str),
            Some("                     ` (2 more replies)")
        );
    }

    #[test]
    fn roots_are_no_siblings() {
        let thread = [(0, "x"), (0, "x"), (3, "x"), (1, "x")];
        for (index, counts) in [(0, "0 siblings, 0 replies"), (1, "0 siblings, 2 replies")] {
            let lines = lines(&thread, index);
            let last = lines.last().map(String::as_str);
            assert_eq!(last, Some(format!("  {counts}; N").as_str()));
        }
    }
}
