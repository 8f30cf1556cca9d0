//! Quotations, and when they are folded.

use super::Html;
use super::linkify::linkify;

/// Quotations of more lines than this are folded: beyond a screenful they are looked up and not read.
const LONG: usize = 40;

/// Writes a run of lines that begin with `>`. Where `fold` allows it, a long one becomes a `<details>`, for which
/// the `<pre>` around it is closed and opened again.
pub(super) fn quote(out: &mut Html, lines: &str, fold: bool) {
    let count = if fold { count_lines(lines) } else { 0 };
    if count > LONG {
        out.markup("</pre><details class=\"q\"><summary>");
        out.print(format_args!("{count}"));
        out.markup(" quoted lines\n</summary><pre class=\"q\">");
        linkify(out, lines);
        // Parsers drop a line break right behind `<pre>`; the mail has one there more often than not.
        out.markup("</pre></details><pre><span></span>");
    } else {
        out.markup("<span class=\"q\">");
        linkify(out, lines);
        out.markup("</span>");
    }
}

fn count_lines(lines: &str) -> usize {
    memchr::memchr_iter(b'\n', lines.as_bytes()).count()
}

/// Whether somebody wrote words of their own into this text; a mail that only quotes is shown whole.
pub(super) fn has_own_words(text: &str) -> bool {
    text.lines()
        .any(|line| !line.starts_with('>') && !line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::{has_own_words, quote};
    use crate::render::Html;

    #[test]
    fn only_long_quotes_are_folded() {
        for (lines, fold, folded) in [(40, true, false), (41, true, true), (41, false, false)] {
            let mut out = Html::new();
            quote(&mut out, &"> x\n".repeat(lines), fold);
            assert_eq!(out.as_str().contains("<details"), folded, "{lines} {fold}");
        }
    }

    #[test]
    fn a_fold_swallows_no_line_break_of_the_mail() {
        let mut out = Html::new();
        quote(&mut out, &"> x\n".repeat(41), true);
        out.text("\nyes");
        let end = "&gt; x\n</pre></details><pre><span></span>\nyes";
        assert!(out.as_str().ends_with(end), "{out}");
    }

    #[test]
    fn words_between_quotes_are_ones_own() {
        assert!(has_own_words("> a\nyes\n"));
        assert!(!has_own_words("> a\n\n  \n> b"));
    }
}
