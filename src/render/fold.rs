//! Lists of people in lines that are not too long.

use super::Html;

/// Lists longer than this are folded.
pub(super) const WIDE: usize = 72;
/// How long a line of a folded list may be before its comma; one character more where that is a bracket.
const FOLDED: usize = 64;
/// A list of people, in several lines where one would be too long.
pub(super) fn folded(out: &mut Html, value: &str) {
    if value.chars().nth(WIDE).is_none() {
        out.line(value);
        return;
    }
    let mut rest = value;
    loop {
        let (line, after) = rest.split_at(fold_at(rest));
        out.line(line);
        if after.is_empty() {
            return;
        }
        out.markup("\n\t");
        rest = after.strip_prefix([' ', '\t']).unwrap_or(after);
    }
}

/// Where the first line of a list ends: behind the last comma that it has room for, or the end of the text. A
/// place behind `>` or the like is preferred, since another comma may stand inside a name (`Last, First`). Where
/// there is no comma that a blank follows, a blank has to do.
fn fold_at(text: &str) -> usize {
    let sure = |before: char| !before.is_alphanumeric() && before != '_';
    let (mut at_person, mut at_comma, mut at_blank) = (None, None, None);
    let mut before = 'x';
    let ends_a_word = |at: usize| matches!(text.as_bytes().get(at + 1), None | Some(b' ' | b'\t'));
    for (count, (at, c)) in text.char_indices().enumerate() {
        let found = at_person.or(at_comma).or(at_blank);
        if count > FOLDED + 1 && found.is_some() {
            return found.unwrap_or(text.len());
        }
        let fits = count <= FOLDED;
        match c {
            ',' if count > 0 && sure(before) => at_person = Some(at + 1),
            ',' if ends_a_word(at) && count > 0 && (fits || found.is_none()) => {
                at_comma = Some(at + 1);
            }
            ' ' if before != ' ' && before != ',' && count > 0 && (fits || found.is_none()) => {
                at_blank = Some(at);
            }
            _ => {}
        }
        before = c;
    }
    let whole = text.chars().nth(FOLDED + 1).is_none();
    match (at_person, at_comma) {
        _ if whole && sure(before) => text.len(),
        (Some(at), _) => at,
        (None, Some(_)) if text.chars().nth(FOLDED).is_none() => text.len(),
        (None, Some(at)) => at,
        (None, None) if whole => text.len(),
        (None, None) => at_blank.unwrap_or(text.len()),
    }
}

#[cfg(test)]
mod tests {
    use crate::render::Html;

    fn folded(value: &str) -> String {
        let mut out = Html::new();
        super::folded(&mut out, value);
        out.into_string()
    }

    #[test]
    fn long_lists_of_people_are_folded_between_people() {
        let short = "a@b, c@d";
        assert_eq!(folded(short), short);
        assert_eq!(
            folded(
                "linux-kernel@vger.kernel.org, linux-rockchip@lists.infradead.org, linux-mtd@lists.infradead.org"
            ),
            "linux-kernel@vger.kernel.org, linux-rockchip@lists.infradead.org,\n\tlinux-mtd@lists.infradead.org"
        );
        // A sure end of a person is taken even where all the rest would fit.
        let first = "Aaaaaaaa Aaaaaaaaaaaaaaaaa <aaaaaaaaaaaaaaaaa@bbbbbbbbbbbbb>,";
        assert_eq!(
            folded(&format!("{first} b@c <b@c>, d@e, f@g")),
            Html::of(&format!("{first}\n\tb@c <b@c>,\n\td@e, f@g")).as_str()
        );
        // What is left at last may be as long as any other line, and no longer.
        for (letters, lines) in [(38, 2), (39, 3)] {
            let rest = format!("{}@d, {}@d", "k".repeat(letters), "m".repeat(20));
            let value = format!("{}@example.org, {rest}", "x".repeat(40));
            assert_eq!(folded(&value).lines().count(), lines, "{value}");
        }
        assert_eq!(
            folded("\"Luck,Tony von und zu\" <tony.luck.von.und.zu.der.huegel@department.intel.example>"),
            Html::of("\"Luck,Tony von und zu\"\n\t<tony.luck.von.und.zu.der.huegel@department.intel.example>").as_str()
        );
        let last_first = folded(&"Luck, Tony <tony.luck@intel.example>, ".repeat(4));
        assert!(
            last_first
                .lines()
                .all(|l| l.trim_start().starts_with("Luck") || l.trim().is_empty()),
            "{last_first}"
        );
    }
}
