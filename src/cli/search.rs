//! `threadbare search`: finds mail from the command line.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::scope;
use crate::archive::{Archive, Inbox, Match, Query, Realm, Sort, Wanted, Window};
use crate::mail;
use crate::time;

/// The flags of `search`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  threadbare search 's:\"memory leak\" f:torvalds d:last.month..'
  threadbare search --inbox ksummit --format mids 'dfn:drivers/mtd'
  threadbare search --format mbox 'rust OR zig' > found.mbox

Words are found in subjects, authors, texts and names of files. Prefixes ask in one place only: s: subject, f: From,
t: To, c: Cc, a: all of these people, b: text, nq: unquoted text, dfn: files of patches, n: names of attachments,
d: date sent, rt: date received, m: Message-ID, l: List-Id. AND, OR, NOT, \"phrases\", (parentheses) and begin* work
as in search engines. The help page of each inbox tells all of it.")]
pub struct Search {
    /// What to look for; several words count as one query
    #[arg(required = true, value_name = "QUERY")]
    query: Vec<String>,
    /// Look in this inbox only, by its name in the config or its directory; may be given more than once
    #[arg(long = "inbox", short, value_name = "NAME|DIR")]
    inboxes: Vec<String>,
    /// Show so many results at most
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    limit: usize,
    /// What comes first
    #[arg(long, value_enum, default_value_t = Order::Newest)]
    sort: Order,
    /// How to show them
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Where the indexes are
    #[arg(long, value_name = "DIR")]
    index_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Order {
    /// What came last
    Newest,
    /// What came first
    Oldest,
    /// What fits best
    Relevance,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For reading: two lines for each message
    Table,
    /// For programs: one JSON object a line
    Json,
    /// Message-IDs, one a line
    Mids,
    /// The messages themselves, as an mboxrd file
    Mbox,
}

impl Search {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("error");
        let query = Query::parse(&self.query.join(" "), time::now())?;
        for note in query.notes() {
            eprintln!("note: {note}");
        }
        let scope = scope::find(&self.inboxes, self.index_dir)?;
        let archive = Archive::open(scope.config, &scope.index_dir)
            .with_context(|| format!("opening the indexes in {}", scope.index_dir.display()))?;
        let inboxes = archive.every_inbox();
        let inbox = match inboxes.as_slice() {
            [one] => Some(one.clone()),
            _ => archive.together(inboxes),
        };
        let inbox = inbox.context("no inbox to search")?;
        let results = Realm::Inbox(inbox.clone()).find(&Wanted {
            query: &query,
            sort: match self.sort {
                Order::Newest => Sort::Newest,
                Order::Oldest => Sort::Oldest,
                Order::Relevance => Sort::Relevance,
            },
            window: Window {
                offset: 0,
                limit: self.limit,
                edge: None,
            },
            one_per_thread: false,
            stop: None,
        })?;
        let mut out = BufWriter::new(io::stdout().lock());
        let printed = results
            .matches
            .iter()
            .try_for_each(|found| self.format.print(&mut out, &inbox, found))
            .and_then(|()| Ok(out.flush()?));
        match printed {
            // `| head` has seen enough.
            Err(error) if is_broken_pipe(&error) => return Ok(ExitCode::SUCCESS),
            printed => printed?,
        }
        let (shown, total) = (results.matches.len(), results.total);
        let about = if results.complete { "" } else { "more than " };
        match total {
            0 => eprintln!("nothing was found; read as: {query}"),
            _ if shown < total => eprintln!("{shown} of {about}{total} results"),
            _ => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Format {
    fn print(self, out: &mut impl Write, inbox: &Inbox, found: &Match) -> anyhow::Result<()> {
        let article = &found.article;
        match self {
            Format::Table => {
                let subject = match article.subject.as_str() {
                    "" => "(no subject)",
                    subject => subject,
                };
                let date = article.sent.minute();
                writeln!(
                    out,
                    "{date}  {}  {}",
                    plain(&article.author),
                    plain(subject)
                )?;
                let inboxes: Vec<&str> = names(inbox, found).collect();
                writeln!(
                    out,
                    "{:18}{} <{}>",
                    "",
                    inboxes.join(", "),
                    plain(article.mid.as_str())
                )?;
            }
            Format::Json => {
                // Where several inboxes are searched it has a number in each.
                let number = match inbox.is_together() {
                    true => "null".to_owned(),
                    false => article.num.0.to_string(),
                };
                let inboxes: Vec<String> = names(inbox, found).map(quoted).collect();
                writeln!(
                    out,
                    "{{\"mid\":{},\"subject\":{},\"from\":{},\"sent\":\"{}\",\"received\":\"{}\",\"inboxes\":[{}],\
                     \"number\":{},\"blob\":\"{}\",\"percent\":{}}}",
                    quoted(article.mid.as_str()),
                    quoted(&article.subject),
                    quoted(&article.author),
                    article.sent.rfc3339(),
                    article.received.rfc3339(),
                    inboxes.join(","),
                    number,
                    article.blob,
                    found.percent,
                )?;
            }
            Format::Mids => writeln!(out, "{}", plain(article.mid.as_str()))?,
            Format::Mbox => {
                if let Some(raw) = inbox.read(article)? {
                    let mut mbox = Vec::with_capacity(raw.len() + 64);
                    mail::mboxrd(&raw, &mut mbox);
                    out.write_all(&mbox)?;
                }
            }
        }
        Ok(())
    }
}

/// What the inboxes are called that have it.
fn names<'a>(inbox: &'a Inbox, found: &'a Match) -> impl Iterator<Item = &'a str> {
    let lists = match inbox.is_together() {
        true => found.lists.as_slice(),
        false => std::slice::from_ref(inbox),
    };
    lists.iter().map(|list| list.config().name.as_str())
}

/// Mail may hold what moves a terminal's cursor, or turns its text around.
pub(super) fn plain(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| if harmful(c) { '\u{fffd}' } else { c })
        .collect()
}

/// A string of JSON (RFC 8259, 7).
fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if c.is_control() => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::{plain, quoted};

    #[test]
    fn mail_cannot_command_a_terminal() {
        assert_eq!(
            plain("a\x1b[2J\u{202e}b\u{9b}é"),
            "a\u{fffd}[2J\u{fffd}b\u{fffd}é"
        );
    }

    #[test]
    fn json_is_escaped() {
        assert_eq!(quoted("a\"\\\n\u{7f}é"), "\"a\\\"\\\\\\u000a\\u007fé\"");
    }
}
