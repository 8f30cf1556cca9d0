//! The form for those who do not know the prefixes: what is written into its fields becomes a query.

use crate::url::Query;

/// A field of the form.
pub(super) struct Field {
    /// Its key in the address of a form that was sent.
    pub(super) key: char,
    pub(super) label: &'static str,
    /// What stands before each of its words in the query.
    prefix: &'static str,
    pub(super) is_date: bool,
}

const fn field(key: char, label: &'static str, prefix: &'static str, is_date: bool) -> Field {
    Field {
        key,
        label,
        prefix,
        is_date,
    }
}

/// All fields but that for words anywhere, which is `q`.
pub(super) const FIELDS: [Field; 8] = [
    field('s', "Subject", "s:", false),
    field('f', "From", "f:", false),
    field('c', "To or Cc", "tc:", false),
    field('b', "Text", "b:", false),
    field('p', "File changed by a patch", "dfn:", false),
    field('n', "Name of an attachment", "n:", false),
    field('d', "Sent since", "d:", true),
    field('e', "Sent until", "d:", true),
];

/// The query that the fields ask for; `None` where the form was not sent.
pub(super) fn compose(sent: &Query) -> Option<String> {
    if !FIELDS.iter().any(|field| sent.value(field.key).is_some()) {
        return None;
    }
    let mut terms = Vec::new();
    let anywhere = sent.value('q').unwrap_or("").trim();
    let texts = FIELDS.iter().filter(|field| !field.is_date);
    for field in texts {
        for word in words(sent.value(field.key).unwrap_or("")) {
            terms.push(format!("{}{word}", field.prefix));
        }
    }
    let date = |key| {
        let digits: String = sent
            .value(key)
            .unwrap_or("")
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        if digits.len() == 8 {
            digits
        } else {
            String::new()
        }
    };
    let (since, until) = (date('d'), date('e'));
    if !(since.is_empty() && until.is_empty()) {
        terms.push(format!("d:{since}..{until}"));
    }
    match anywhere {
        "" => {}
        // What was asked for before may have parts that bind less than what is put behind it.
        some if !terms.is_empty() && some.contains(" OR ") => terms.insert(0, format!("({some})")),
        some => terms.insert(0, some.to_owned()),
    }
    Some(terms.join(" "))
}

/// The words of a field, and what stands in quotes there, each in a form that can stand behind a prefix.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (n, piece) in text.split('"').enumerate() {
        match n % 2 {
            0 => words.extend(piece.split_whitespace().map(|word| {
                let plain = |c: char| c.is_alphanumeric() || "@._+-/*".contains(c);
                let begins = word.starts_with(char::is_alphanumeric);
                match begins && word.chars().all(plain) {
                    true => word.to_owned(),
                    false => format!("\"{word}\""),
                }
            })),
            _ if piece.trim().is_empty() => {}
            _ => words.push(format!("\"{}\"", piece.trim())),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::compose;
    use crate::url::Query;

    #[test]
    fn fields_become_a_query() {
        for (sent, query) in [
            ("q=x&r", None),
            ("q=x&s=&f=", Some("x")),
            ("q=&s=on+looms", Some("s:on s:looms")),
            (
                "q=x+OR+y&f=ada@engines.example&c=%22Grace+H%22",
                Some("(x OR y) f:ada@engines.example tc:\"Grace H\""),
            ),
            ("s=a:b+(+-x", Some("s:\"a:b\" s:\"(\" s:\"-x\"")),
            ("d=2021-09-12&e=2021-09-30", Some("d:20210912..20210930")),
            ("d=2021-09-12&e=soon", Some("d:20210912..")),
            ("p=drivers/mtd/nand&n=%22", Some("dfn:drivers/mtd/nand")),
        ] {
            assert_eq!(compose(&Query::parse(sent)).as_deref(), query, "{sent}");
        }
    }
}
