//! What a list does not keep, or keeps in another form: `publicinbox.NAME.filter`.

use std::borrow::Cow;

use memchr::memmem;

use crate::error::{Error, Result};
use crate::mail::{Message, edit};

/// A filter of public-inbox's, by its name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Only plain text: no HTML, no programs, no media. What is delivered goes through it if nothing else is said.
    Base,
    /// Everything.
    Mirror,
    /// Everything, without the trailer that the majordomo of vger.kernel.org put below each mail.
    Vger,
    /// Everything, without this tag of the list in subjects.
    SubjectTag(String),
    /// Everything, with the headers that Gmane had renamed.
    Gmane,
    /// Everything, without the trailer of the lists at ruby-lang.org. Their numbers in subjects stay there and nowhere
    /// else: `-altid` is passed over.
    RubyLang,
}

/// Suffixes of programs and archives.
const SUFFIXES: [&str; 10] = [
    "exe", "bat", "cmd", "com", "pif", "scr", "vbs", "cpl", "zip", "swf",
];

impl Filter {
    /// Reads the value of the setting: `PublicInbox::Filter::Vger`, `PublicInbox::Filter::SubjectTag:(-tag => '[x]')`.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is no such filter: mail must not come in by another than was asked for.
    pub fn parse(value: &str) -> Result<Filter> {
        let unknown = || {
            let why = "there are PublicInbox::Filter::Base, Mirror, Vger, Gmane, RubyLang and SubjectTag:(-tag=[TAG])";
            Error::invalid(format!("filter {value:?}"), why)
        };
        let (module, arguments) = match value.split_once(":(") {
            Some((module, rest)) => (module, rest.strip_suffix(')').ok_or_else(unknown)?),
            None => (value, ""),
        };
        match module.rsplit("::").next().unwrap_or_default().trim() {
            "Base" => Ok(Filter::Base),
            "Mirror" => Ok(Filter::Mirror),
            "Vger" => Ok(Filter::Vger),
            "Gmane" => Ok(Filter::Gmane),
            "RubyLang" => Ok(Filter::RubyLang),
            "SubjectTag" => {
                let tag = arguments.trim().strip_prefix("-tag").ok_or_else(unknown)?;
                let tag = tag.trim_start_matches([' ', '=', '>', ',']);
                let tag = tag.trim().trim_matches(['\'', '"']);
                match tag.is_empty() {
                    true => Err(unknown()),
                    false => Ok(Filter::SubjectTag(tag.to_owned())),
                }
            }
            _ => Err(unknown()),
        }
    }

    /// The mail as it is to be kept, or why it is not.
    pub fn apply<'a>(&self, raw: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
        match self {
            Filter::Base => only_plain(raw).map(|()| Cow::Borrowed(raw)),
            Filter::Mirror => Ok(Cow::Borrowed(raw)),
            Filter::Vger => Ok(without_vger_trailer(raw)),
            Filter::SubjectTag(tag) => Ok(without_tag(raw, tag)),
            Filter::Gmane => Ok(as_before_gmane(raw)),
            Filter::RubyLang => Ok(without_ruby_trailer(raw)),
        }
    }
}

/// Why a mail is not plain text, if it is not.
fn only_plain(raw: &[u8]) -> Result<(), String> {
    for part in Message::parse(raw).parts() {
        let kind = part.content_type.as_str();
        if matches!(
            kind,
            "text/html" | "text/xhtml" | "application/xhtml+xml" | "application/xhtml"
        ) {
            return Err("only plain text is taken here, no HTML".to_owned());
        }
        let refused = ["application/vnd.", "image/", "video/", "audio/"];
        if refused.iter().any(|prefix| kind.starts_with(prefix)) {
            return Err(format!("attachments of the type {kind} are not taken here"));
        }
        let name = part.filename.unwrap_or_default().to_ascii_lowercase();
        let suffix = name.rsplit('.').next().filter(|_| name.contains('.'));
        if let Some(suffix) = suffix
            && SUFFIXES.iter().any(|s| suffix == *s || suffix == "swfl")
        {
            return Err(format!("files of the kind .{suffix} are not taken here"));
        }
    }
    Ok(())
}

/// The trailer begins so on each list; the name of the list follows.
const VGER_BEGIN: &[u8] = b"To unsubscribe from this list: send the line \"unsubscribe ";

/// Cuts out the trailer wherever it stands, also from parts of a multipart.
fn without_vger_trailer(raw: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Vec<u8> = Vec::new();
    let mut copied = 0;
    for at in memmem::find_iter(raw, VGER_BEGIN) {
        if at >= copied
            && let Some(end) = vger_trailer_end(&raw[at..])
        {
            let mut start = at;
            // The line of two hyphens above it, or one hyphen more or less.
            let above = raw[copied..start].strip_suffix(b"\n");
            let above = above.map(|above| above.strip_suffix(b"\r").unwrap_or(above));
            if let Some(above) = above {
                let dashes = above.iter().rev().take_while(|b| matches!(b, b'-')).count();
                let line = above.len() - dashes;
                if dashes > 0 && (line == 0 || above[line - 1] == b'\n') {
                    start = copied + line;
                }
            }
            out.extend_from_slice(&raw[copied..start]);
            copied = at + end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(raw);
    }
    out.extend_from_slice(&raw[copied..]);
    Cow::Owned(out)
}

/// How long a trailer is that begins here, if it is one.
fn vger_trailer_end(raw: &[u8]) -> Option<usize> {
    let mut lines = raw.split_inclusive(|b| *b == b'\n');
    let text = |line: &[u8]| String::from_utf8_lossy(line).trim_end().to_owned();
    let mut end = 0;
    let first = lines.next()?;
    let list = text(first);
    let list = list.get(VGER_BEGIN.len()..)?.strip_suffix("\" in")?;
    if list.is_empty() || list.contains(char::is_whitespace) {
        return None;
    }
    end += first.len();
    let second = lines.next()?;
    if text(second) != "the body of a message to majordomo@vger.kernel.org" {
        return None;
    }
    end += second.len();
    for (begin, address) in [
        (
            "More majordomo info at",
            "http://vger.kernel.org/majordomo-info.html",
        ),
        ("Please read the FAQ at", "http://www.tux.org/lkml/"),
    ] {
        let mut ahead = lines.clone();
        if let Some(line) = ahead.next() {
            let is = text(line);
            let is = is.strip_prefix(begin).map(str::trim);
            if is == Some(address) {
                end += line.len();
                lines = ahead;
            }
        }
    }
    Some(end)
}

/// The trailer's two lines, as far as they are the same for each list.
const RUBY_BEGIN: &[u8] = b"Unsubscribe: <mailto:ruby-";
const RUBY_END: &str = "lists.ruby-lang.org/cgi-bin/mailman/options/ruby-";

/// Cuts out the two lines wherever they stand, also from parts of a multipart.
fn without_ruby_trailer(raw: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Vec<u8> = Vec::new();
    let mut copied = 0;
    for at in memmem::find_iter(raw, RUBY_BEGIN) {
        let begins_line = at == 0 || raw[at - 1] == b'\n';
        if let Some(end) = ruby_trailer_end(&raw[at..]).filter(|_| begins_line) {
            out.extend_from_slice(&raw[copied..at]);
            copied = at + end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(raw);
    }
    out.extend_from_slice(&raw[copied..]);
    Cow::Owned(out)
}

/// How long a trailer is that begins here, if it is one; also where it is quoted-printable.
fn ruby_trailer_end(raw: &[u8]) -> Option<usize> {
    let mut lines = raw.split_inclusive(|b| *b == b'\n');
    let text = |line: &[u8]| {
        let line = line.get(..200).unwrap_or(line);
        String::from_utf8_lossy(line).trim_end().replace("=3D", "=")
    };
    let (first, second) = (lines.next()?, lines.next()?);
    let is_first = text(first).ends_with("-request@ruby-lang.org?subject=unsubscribe>");
    let second_text = text(second);
    let address = second_text.strip_prefix("<http")?.strip_suffix('>')?;
    let address = address
        .strip_prefix('s')
        .unwrap_or(address)
        .strip_prefix("://")?;
    (is_first && address.starts_with(RUBY_END)).then_some(first.len() + second.len())
}

fn without_tag<'a>(raw: &'a [u8], tag: &str) -> Cow<'a, [u8]> {
    edit::with_changed(raw, "Subject", |value| {
        let at = memmem::find(value, tag.as_bytes())?;
        let after = at + tag.len();
        // Only as a word of its own, at the beginning or behind `Re:` and the like.
        let before = value[..at].trim_ascii();
        if !(before.is_empty() || before.ends_with(b":")) {
            return None;
        }
        let blanks = value[after..]
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'));
        let mut new = value[..at].to_vec();
        new.extend_from_slice(&value[after + blanks.count()..]);
        Some(new)
    })
}

/// Gmane kept `To` and `Received` under other names, and added headers of its own.
fn as_before_gmane(raw: &[u8]) -> Cow<'_, [u8]> {
    let message = Message::parse(raw);
    let names = [
        ("Original-Received", "Received"),
        ("Original-To", "To"),
        ("Original-Cc", "Cc"),
    ];
    let mut mail = edit::without_headers(raw, &["Approved", "X-From"]).into_owned();
    for (original, name) in names {
        let values: Vec<String> = message.all_raw_headers(original);
        if values.is_empty() {
            continue;
        }
        mail = edit::without_headers(&mail, &[original, name]).into_owned();
        for value in values {
            mail = edit::with_header(&mail, name, &value);
        }
    }
    Cow::Owned(mail)
}

#[cfg(test)]
mod tests {
    use super::Filter;

    fn applied(filter: &Filter, raw: &str) -> String {
        match filter.apply(raw.as_bytes()) {
            Ok(mail) => String::from_utf8_lossy(&mail).into_owned(),
            Err(why) => format!("refused: {why}"),
        }
    }

    #[test]
    fn filters_are_called_as_public_inbox_calls_them() {
        let tag = Filter::SubjectTag("[foo]".to_owned());
        for (value, filter) in [
            ("PublicInbox::Filter::Mirror", Some(Filter::Mirror)),
            ("PublicInbox::Filter::Vger", Some(Filter::Vger)),
            ("PublicInbox::Filter::Base", Some(Filter::Base)),
            (
                "PublicInbox::Filter::SubjectTag:(-tag=[foo])",
                Some(tag.clone()),
            ),
            (
                "PublicInbox::Filter::SubjectTag:(-tag => '[foo]')",
                Some(tag),
            ),
            ("PublicInbox::Filter::SubjectTag", None),
            ("PublicInbox::Filter::SubjectTag:(-tag=", None),
            (
                "PublicInbox::Filter::RubyLang:(-altid => ['serial:ruby-core:file=x'])",
                Some(Filter::RubyLang),
            ),
            ("PublicInbox::Filter::Nonsense", None),
            ("", None),
        ] {
            assert_eq!(Filter::parse(value).ok(), filter, "{value}");
        }
    }

    #[test]
    fn only_plain_text_goes_through_the_base_filter() {
        let multi = |kind: &str| {
            format!(
                "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: {kind}\n\nx\n--b--\n"
            )
        };
        for (raw, taken) in [
            ("A: 1\n\nplain".to_owned(), true),
            ("Content-Type: text/html\n\n<b>x".to_owned(), false),
            (multi("text/html"), false),
            (multi("text/x-patch; name=a.patch"), true),
            (multi("application/octet-stream; name=a.EXE"), false),
            (multi("application/octet-stream; name=swfl"), true),
            (multi("application/vnd.ms-excel"), false),
            (multi("image/png"), false),
            (multi("application/pgp-signature"), true),
        ] {
            assert_eq!(Filter::Base.apply(raw.as_bytes()).is_ok(), taken, "{raw}");
        }
    }

    #[test]
    fn the_trailer_of_ruby_is_cut_wherever_it_stands() {
        let trailer = "Unsubscribe: <mailto:ruby-core-request@ruby-lang.org?subject=unsubscribe>\n\
            <http://lists.ruby-lang.org/cgi-bin/mailman/options/ruby-core>\n";
        let quoted = trailer.replace("?subject=", "?subject=3D");
        for (raw, kept) in [
            (format!("A: 1\n\ntext\n\n{trailer}"), "A: 1\n\ntext\n\n"),
            (format!("A: 1\n\ntext\n\n{quoted}"), "A: 1\n\ntext\n\n"),
            (
                format!("A: 1\n\n--b\n\ntext\n--b\nB: 2\n\n{trailer}--b--\n"),
                "A: 1\n\n--b\n\ntext\n--b\nB: 2\n\n--b--\n",
            ),
            (
                "A: 1\n\nUnsubscribe: <mailto:ruby-core-request@ruby-lang.org?subject=unsubscribe>\nand text\n".to_owned(),
                "A: 1\n\nUnsubscribe: <mailto:ruby-core-request@ruby-lang.org?subject=unsubscribe>\nand text\n",
            ),
            (format!("A: 1\n\n> {trailer}"), &format!("A: 1\n\n> {trailer}")),
        ] {
            assert_eq!(applied(&Filter::RubyLang, &raw), kept);
        }
    }

    #[test]
    fn the_trailer_of_vger_is_cut_wherever_it_stands() {
        let trailer = "--\nTo unsubscribe from this list: send the line \"unsubscribe linux-mtd\" in\n\
            the body of a message to majordomo@vger.kernel.org\n\
            More majordomo info at  http://vger.kernel.org/majordomo-info.html\n\
            Please read the FAQ at  http://www.tux.org/lkml/\n";
        let short = &trailer[..trailer.find("Please").unwrap()];
        for (raw, left) in [
            (format!("A: 1\n\nbody\n{trailer}"), "A: 1\n\nbody\n"),
            (format!("A: 1\n\nbody\n{short}"), "A: 1\n\nbody\n"),
            (
                format!("A: 1\n\nbody\n{short}\n--b--\n"),
                "A: 1\n\nbody\n\n--b--\n",
            ),
            (
                format!("A: 1\n\nbody\n{}", trailer.replace('\n', "\r\n")),
                "A: 1\n\nbody\n",
            ),
            (format!("A: 1\n\n{short}{trailer}x"), "A: 1\n\nx"),
            (
                "A: 1\n\nTo unsubscribe from this list: send the line \"unsubscribe x\" in\nno\n"
                    .to_owned(),
                "A: 1\n\nTo unsubscribe from this list: send the line \"unsubscribe x\" in\nno\n",
            ),
        ] {
            assert_eq!(applied(&Filter::Vger, &raw), left, "{raw}");
        }
    }

    #[test]
    fn the_tag_of_a_list_goes_from_its_subjects() {
        let filter = Filter::SubjectTag("[foo]".to_owned());
        for (subject, bare) in [
            ("[foo] bar", "bar"),
            ("Re: [foo] bar", "Re: bar"),
            ("[foo]bar", "bar"),
            ("bar [foo] baz", "bar [foo] baz"),
            ("[food] bar", "[food] bar"),
        ] {
            let raw = format!("Subject: {subject}\n\nSubject: [foo] x");
            let left = format!("Subject: {bare}\n\nSubject: [foo] x");
            assert_eq!(applied(&filter, &raw), left);
        }
    }

    #[test]
    fn what_gmane_renamed_has_its_name_again() {
        let raw = "To: gmane\nOriginal-To: list@x\nApproved: y\nX-From: z\nOriginal-Received: a; b\n\nbody";
        assert_eq!(
            applied(&Filter::Gmane, raw),
            "Received: a; b\nTo: list@x\n\nbody"
        );
    }
}
