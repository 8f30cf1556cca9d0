//! The words around what was sought: a line or two of a mail below its result, the words marked.

use super::asked::Asked;
use crate::archive::{Match, Piece, Snippets};
use crate::render::Html;
use crate::web::lines;

/// How many bytes of text are shown, about two lines.
const WIDTH: usize = 124;
/// Where lines end, in characters.
const COLUMNS: usize = 76;

/// Adds what a mail says around the words of the query, `indent` blanks before each line; nothing where they are not in
/// its text. What its author wrote counts more than what he quotes.
pub(super) fn words_around(
    html: &mut Html,
    asked: &Asked<'_, '_>,
    snippets: &mut Snippets,
    found: &Match,
    indent: usize,
) {
    let texts = &asked.visit.site.texts;
    // A large mail that has to wait is a result all the same.
    let Ok(Some(text)) = texts.of(asked.inbox(), &found.article) else {
        return;
    };
    // Before it is cut: half an address tells as much as a whole one.
    let addresses = lines::addresses(asked.inbox());
    let own = snippets.cut(&addresses.written(&text.own), WIDTH);
    let quoted = || snippets.cut(&addresses.written(&text.quoted), WIDTH);
    let Some(pieces) = own.or_else(quoted) else {
        return;
    };
    html.blanks(indent);
    html.markup("<span class=\"snippet\">");
    write(html, &pieces, indent);
    html.markup("</span>\n");
}

/// The pieces in lines that end at blanks.
fn write(html: &mut Html, pieces: &[Piece], indent: usize) {
    let whole: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
    let ends = line_ends(&whole, COLUMNS.saturating_sub(indent));
    let mut ends = ends.into_iter().peekable();
    let mut at = 0;
    for piece in pieces {
        html.markup(if piece.matched { "<mark>" } else { "" });
        let (mut rest, to) = (piece.text.as_str(), at + piece.text.len());
        while let Some(end) = ends.next_if(|end| (at..to).contains(end)) {
            let (line, behind) = rest.split_at(end - at);
            html.line(line);
            html.markup("\n");
            html.blanks(indent);
            rest = &behind[1..]; // the blank
            at = end + 1;
        }
        html.line(rest);
        at = to;
        html.markup(if piece.matched { "</mark>" } else { "" });
    }
}

/// Those blanks of `text` that have to be line ends for no line to be wider than `columns`, if it has blanks.
fn line_ends(text: &str, columns: usize) -> Vec<usize> {
    let mut ends = Vec::new();
    let (mut column, mut last_blank) = (0, None);
    for (at, c) in text.char_indices() {
        column += 1;
        if c == ' ' {
            last_blank = Some((at, column));
        }
        if column > columns
            && let Some((blank, before)) = last_blank.take()
        {
            ends.push(blank);
            column -= before;
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::{line_ends, write};
    use crate::archive::Piece;
    use crate::render::Html;

    #[test]
    fn lines_end_at_blanks_before_they_are_too_wide() {
        for (text, ends) in [
            ("", &[][..]),
            ("abcde", &[]),
            ("abc de", &[3]),
            ("ab cd ef", &[5]),
            ("abcdefgh ij", &[8]),
            ("ü é ñ ß ab cd", &[8, 14]),
        ] {
            assert_eq!(line_ends(text, 5), ends, "{text}");
        }
    }

    #[test]
    fn a_mark_goes_on_where_a_line_ends_in_it() {
        let piece = |text: &str, matched| Piece {
            text: text.to_owned(),
            matched,
        };
        let mut html = Html::new();
        let words = "word ".repeat(20);
        write(
            &mut html,
            &[
                piece(&words, false),
                piece("<a> b", true),
                piece(".", false),
            ],
            3,
        );
        let text = html.into_string();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.ends_with("<mark>&lt;a&gt; b</mark>."), "{text}");
        assert!(text.lines().all(|line| line.len() < 100), "{text}");
        assert!(text.contains("word\n   word"), "{text}");
    }
}
