//! The lines around a message on pages that show many.

use super::anchors;
use super::fold::{WIDE, folded};
use super::{Addresses, Html};
use crate::id::MessageId;
use crate::mail::Address;
use crate::time::Timestamp;

/// How a thread is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// One message after the other: `T/`.
    Flat,
    /// Answers below what they answer: `t/`.
    Nested,
}

/// `From: NAME @ DATE`, then the names of the people it went to, then an empty line. `base` is the address of the
/// message's own page, ending in `/`.
pub fn entry_head(
    author: &str,
    sent: Timestamp,
    base: &str,
    (to, cc): (&[Address], &[Address]),
    addresses: Addresses<'_>,
) -> Html {
    let mut out = Html::with_capacity(512);
    out.markup("From: ");
    out.line(&addresses.written(author));
    out.markup(" @ ");
    out.print(format_args!("{}", sent.minute()));
    out.markup(" UTC (");
    out.link(base, "permalink");
    out.markup(" / ");
    out.link(&format!("{base}raw"), "raw");
    out.markup(")\n");
    let (to, cc) = (names(to, addresses), names(cc, addresses));
    let both = !to.is_empty() && !cc.is_empty();
    if both && to.chars().count() + cc.chars().count() <= WIDE {
        out.markup("  To: ");
        out.line(&to);
        out.markup("; <b>+Cc:</b> ");
        out.line(&cc);
        out.markup("\n");
    } else {
        for (name, people) in [("  To: ", to), ("  Cc: ", cc)] {
            if !people.is_empty() {
                out.markup(name);
                folded(&mut out, &people);
                out.markup("\n");
            }
        }
    }
    out.markup("\n");
    out
}

/// What people are called, in one line.
fn names(people: &[Address], addresses: Addresses<'_>) -> String {
    let names: Vec<&str> = people.iter().map(Address::shown).collect();
    addresses.written(&names.join(", ")).into_owned()
}

/// The line below a message: its end's anchor, its addresses, the two views of its thread (`None` on pages that
/// show none), and its place in the overview (`in_thread` as for [`context`](super::context)).
pub fn entry_foot(mid: &MessageId, base: &str, view: Option<View>, in_thread: &str) -> Html {
    let anchor = anchors::message(mid);
    let mut out = Html::with_capacity(512);
    out.markup("\n<a href=\"#m");
    out.text(&anchor);
    out.markup("\" id=\"e");
    out.text(&anchor);
    out.markup("\">^</a> ");
    out.link(base, "permalink");
    out.markup(" ");
    out.link(&format!("{base}raw"), "raw");
    out.markup(" ");
    out.link(&format!("{base}#R"), "reply");
    if let Some(view) = view {
        out.markup("\t[");
        view_link(&mut out, &format!("{base}T/#u"), "flat", view == View::Flat);
        out.markup("|");
        view_link(
            &mut out,
            &format!("{base}t/#u"),
            "nested",
            view == View::Nested,
        );
        out.markup("] ");
        out.link(&format!("#r{anchor}"), in_thread);
    }
    out
}

fn view_link(out: &mut Html, href: &str, name: &'static str, here: bool) {
    out.open_link(&[href]);
    if here {
        out.markup("<b>");
    }
    out.markup(name);
    if here {
        out.markup("</b>");
    }
    out.markup("</a>");
}

#[cfg(test)]
mod tests {
    use super::{Addresses, View, entry_foot, entry_head};
    use crate::id::MessageId;
    use crate::mail::Address;
    use crate::time::Timestamp;

    fn people(names: &[&str]) -> Vec<Address> {
        names
            .iter()
            .map(|name| Address {
                name: Some((*name).to_owned()),
                email: String::new(),
            })
            .collect()
    }

    #[test]
    fn people_stand_on_one_line_where_they_fit() {
        let head = |to: &[&str], cc: &[&str]| {
            let html = entry_head(
                "A <b>",
                Timestamp(0),
                "../../x/",
                (&people(to), &people(cc)),
                Addresses::Shown,
            );
            html.into_string()
        };
        let first = "From: A &lt;b&gt; @ 1970-01-01  0:00 UTC \
                     (<a href=\"../../x/\">permalink</a> / <a href=\"../../x/raw\">raw</a>)\n";
        let long = [
            "Laurent Pinchart",
            "Thomas Gleixner",
            "Josh Triplett",
            "Mauro Carvalho Chehab",
            "Jonathan Corbet",
            "ksummit",
        ];
        for (to, cc, lines) in [
            (&["B"][..], &["C", "D"][..], "  To: B; <b>+Cc:</b> C, D\n\n"),
            (&["B"], &[], "  To: B\n\n"),
            (&[], &["C"], "  Cc: C\n\n"),
            (&[], &[], "\n"),
            (
                &["Leon Romanovsky"],
                &long,
                "  To: Leon Romanovsky\n  Cc: Laurent Pinchart, Thomas Gleixner, Josh Triplett,\n\t\
                 Mauro Carvalho Chehab, Jonathan Corbet, ksummit\n\n",
            ),
        ] {
            assert_eq!(head(to, cc), format!("{first}{lines}"), "{to:?} {cc:?}");
        }
    }

    #[test]
    fn the_foot_leads_everywhere() {
        let mid = MessageId::parse("YT4QCHwnqZL/rl0z@kroah.com").expect("an id");
        let anchor = "c995f55a1a67aaff812b644d15a045efc99ec67a";
        let html = entry_foot(
            &mid,
            "../../b/",
            Some(View::Nested),
            "3+ messages in thread",
        );
        assert_eq!(
            html.as_str(),
            format!(
                "\n<a href=\"#m{anchor}\" id=\"e{anchor}\">^</a> <a href=\"../../b/\">permalink</a> \
                 <a href=\"../../b/raw\">raw</a> <a href=\"../../b/#R\">reply</a>\t\
                 [<a href=\"../../b/T/#u\">flat</a>|<a href=\"../../b/t/#u\"><b>nested</b></a>] \
                 <a href=\"#r{anchor}\">3+ messages in thread</a>"
            )
        );
    }
}
