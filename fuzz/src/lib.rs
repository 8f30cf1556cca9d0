//! What is tried out with bytes that nobody would send: one function for each door by which a stranger's bytes come in.
//!
//! Each panics where something does not hold. libFuzzer feeds them (`fuzz/targets/`), and the ordinary tests replay the
//! corpus through them (`tests/it/fuzz.rs`), so this file knows nothing of either.

#[path = "../../src/render/markup.rs"]
mod markup;

use std::fmt::Write as _;

use threadbare::id::{ArticleNum, InboxId, MessageKey, Oid};
use threadbare::mail::{self, Address, CommitTimes, Message, Overview, Part, PartBody};
use threadbare::render::{
    self, Addresses, BodyOptions, Entry, Fields, HeaderOptions, Html, Links, Reply, ReplySettings,
    Sight,
};
use threadbare::search::{Budget, Document, Filter, Place, Query, Search, Sort, Window};
use threadbare::time::Timestamp;
use threadbare::url::{self, Route};

/// What looks at bytes.
pub type Target = fn(&[u8]);

/// The targets by their names, as in `fuzz/corpus/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("mail", mail),
    ("headers", headers),
    ("dates", dates),
    ("charsets", charsets),
    ("query", query),
    ("address", address),
    ("config", config),
    ("diff", diff),
    ("manifest", manifest),
    ("mbox", mbox),
    ("pack", pack),
];

/// A whole mail becomes all that a page shows of it, and none of its words becomes markup.
pub fn mail(bytes: &[u8]) {
    let message = Message::parse(bytes);
    let parts = message.parts();
    let hidden = Addresses::Hidden { except: &[] };
    for (fold, addresses) in [(true, Addresses::Shown), (false, hidden)] {
        let options = BodyOptions {
            base: "",
            fold,
            addresses,
        };
        let html = render::body(&parts, &options);
        sound(&format!("<pre>{html}</pre>"));
        let fields = Fields::of(&message);
        let html = render::headers(
            &fields,
            HeaderOptions {
                first: true,
                addresses,
            },
        );
        sound(html.as_str());
    }
    // Each is looked for among all.
    for part in parts.iter().take(20) {
        assert!(
            message.attachment(&part.index).is_some(),
            "part {}",
            part.index
        );
    }
    let overview = Overview::of(&message, CommitTimes::default());
    let mid = overview
        .ids
        .first()
        .cloned()
        .unwrap_or_else(|| overview.made_up_id());
    let entry = Entry {
        mid: &mid,
        depth: 3,
        loose: false,
        sight: Sight::Seen {
            sent: overview.sent,
            subject: overview.subject.as_str().into(),
            author: overview.author.as_str().into(),
            score: None,
        },
    };
    let links = Links::Pages {
        base: "../",
        current: None,
    };
    sound(render::skeleton(&[entry], links).as_str());
    let settings = ReplySettings {
        reply_to: ":all",
        list: Some("list@lists.example"),
        addresses: Addresses::Shown,
    };
    let people = |header: &str| message.addresses(header);
    if let Reply::Open { command, .. } = render::reply(people, &mid, &overview.subject, &settings) {
        sound(command.as_str());
    }
    let _ = Document::of(&message, &overview).at(MessageKey(1), &[]);
    mboxrd(message.raw());
}

/// What is written as mboxrd is one mail to whoever splits it.
fn mboxrd(raw: &[u8]) {
    let mut mbox = Vec::new();
    mail::mboxrd(raw, &mut mbox);
    let begins = mbox
        .split(|b| *b == b'\n')
        .filter(|line| line.starts_with(b"From "));
    assert_eq!(begins.count(), 1, "a line of a mail begins another one");
}

/// A block of headers: ids, references, people, and the thread that they would make.
pub fn headers(bytes: &[u8]) {
    let message = Message::parse(bytes);
    let overview = Overview::of(&message, CommitTimes::default());
    for id in overview.ids.iter().chain(&overview.references) {
        assert!(!id.as_str().is_empty());
        if !matches!(id.as_str(), "m" | "f" | "t") && !id.as_str().starts_with('<') {
            let path = format!("/x/{}/raw", url::escape_mid(id));
            let route = url::parse(&path);
            assert!(
                matches!(&route, Route::Message(_, found, _) if found == id),
                "{path}: {route:?}"
            );
        }
    }
    assert!(
        !overview.subject.contains(['\n', '\r', '\0']),
        "{:?}",
        overview.subject
    );
    assert!(overview.made_up_id().as_str().ends_with("@z"));
    for name in ["From", "To", "Cc", "Reply-To"] {
        let people = message.addresses(name);
        let shown: Vec<&str> = people.iter().map(Address::shown).collect();
        assert_eq!(shown.len(), people.len());
        let _ = message.people(name);
        let _ = message.headers(name);
    }
    let html = render::headers(
        &Fields::of(&message),
        HeaderOptions {
            first: false,
            addresses: Addresses::Hidden { except: &[] },
        },
    );
    sound(html.as_str());
    let _ = mail::normalize_subject(&overview.subject);
    let _ = mail::mbox_file_name(&overview.subject);
    let _ = mail::raw_file_name(&overview.subject);
}

/// Dates of mails and dates of queries.
pub fn dates(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let raw = [b"Received: from x; ", bytes, b"\nDate: ", bytes, b"\n\n"].concat();
    let overview = Overview::of(&Message::parse(&raw), CommitTimes::default());
    for time in [overview.sent, overview.received] {
        let _ = (
            time.rfc3339(),
            time.http(),
            time.second(),
            time.minute().to_string(),
        );
        let digits = time.digits();
        assert!(
            digits.bytes().all(|b| b.is_ascii_digit() || b == b'-'),
            "{digits}"
        );
    }
    let _ = Query::parse(&format!("d:{text} rt:{text}..{text} dt:..{text}"), NOW);
    let _ = Timestamp::from_digits(&text);
    let _ = url::Window::parse(&text);
}

/// The first byte says which charset and coding the rest is said to be in, in a body and in a header.
pub fn charsets(bytes: &[u8]) {
    const CODINGS: [&str; 6] = [
        "8bit",
        "base64",
        "quoted-printable",
        "x-uuencode",
        "7bit",
        "x-yenc",
    ];
    const NAMES: [&str; 16] = [
        "utf-8",
        "us-ascii",
        "iso-8859-1",
        "windows-1252",
        "utf-7",
        "utf-16",
        "utf-16le",
        "iso-2022-jp",
        "gb18030",
        "euc-kr",
        "shift_jis",
        "big5",
        "koi8-r",
        "x-unknown",
        "../../etc",
        "iso-2022-kr",
    ];
    let Some((pick, text)) = bytes.split_first() else {
        return;
    };
    let name = NAMES[usize::from(*pick) % NAMES.len()];
    let coding = CODINGS[usize::from(*pick) / NAMES.len() % CODINGS.len()];
    let mut raw = format!(
        "Content-Type: text/plain; charset=\"{name}\"; format=flowed; delsp=yes\nContent-Transfer-Encoding: {coding}\n\
         Subject: =?{name}?q?"
    )
    .into_bytes();
    let folded = |b: &u8| if *b == b'\n' || *b == b'\r' { b' ' } else { *b };
    raw.extend(text.iter().take(200).map(folded));
    write(&mut raw, format_args!("?= =?{name}?b?"));
    raw.extend(text.iter().take(200).map(folded));
    write(&mut raw, format_args!("?=\n\n"));
    raw.extend_from_slice(text);
    mail(&raw);
}

/// A search: parsed, run over a small index, and its words marked in a text.
pub fn query(bytes: &[u8]) {
    thread_local! {
        static INDEX: (tempfile::TempDir, Search) = index();
    }
    let text = String::from_utf8_lossy(bytes);
    let Ok(query) = Query::parse(&text, NOW) else {
        return;
    };
    let all = Window {
        offset: 0,
        limit: 10,
        edge: None,
    };
    INDEX.with(|(_, search)| {
        for sort in [Sort::Newest, Sort::Relevance] {
            let _ = search.find(&query, Filter::default(), sort, all, Budget::default());
        }
    });
    let _ =
        threadbare::search::Snippets::of(&query).and_then(|mut snippets| snippets.cut(TEXT, 80));
    let printed = url::Query::parse(&format!("q={}", url::escape_query(&text)));
    assert_eq!(printed.value('q'), Some(&*text));
    let search = url::Search::of(&url::Query::parse(&text));
    let _ = search.at(7, None).to_string();
}

/// A path and a query as they come in a request.
pub fn address(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (path, query) = text.split_once('?').unwrap_or((&text, ""));
    let _ = url::Query::parse(query).window();
    match url::parse(&format!("/{path}")) {
        Route::Moved(to) | Route::Elsewhere(to) => {
            assert!(to.starts_with('/') && !to.starts_with("//"), "{to}");
            assert!(to.bytes().all(|b| b.is_ascii_graphic()), "{to:?}");
        }
        Route::Git(_, file) => {
            assert!(
                file.path
                    .split('/')
                    .all(|part| part != ".." && !part.is_empty()),
                "{file:?}"
            );
        }
        Route::Message(inbox, mid, _) => {
            let printed = format!("/{inbox}/{}/", url::escape_mid(&mid));
            assert!(printed.bytes().all(|b| b.is_ascii_graphic()), "{printed:?}");
        }
        _ => {}
    }
}

/// A config file. Files that it includes are left alone.
pub fn config(bytes: &[u8]) {
    thread_local! {
        static DIR: tempfile::TempDir = tempfile::tempdir().unwrap();
    }
    if bytes
        .to_ascii_lowercase()
        .windows(7)
        .any(|word| word == b"include")
    {
        return;
    }
    DIR.with(|dir| {
        let file = dir.path().join("config");
        std::fs::write(&file, bytes).unwrap();
        if let Ok(config) = threadbare::config::Config::read(&file) {
            for problem in &config.problems {
                let _ = problem.to_string();
            }
        }
    });
}

/// A text that is a diff, or looks like one: coloured, linked, compared, and cut into words.
pub fn diff(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).replace(['\r', '\0'], "");
    let part = Part {
        index: "1".to_owned(),
        depth: 0,
        content_type: "text/x-diff".to_owned(),
        content_type_full: "text/x-diff".to_owned(),
        filename: None,
        description: None,
        size: text.len(),
        charset: None,
        body: PartBody::Text {
            text: text.clone(),
            mangled: false,
        },
    };
    let html = render::body(&[part], &BodyOptions::default());
    sound(&format!("<pre>{html}</pre>"));
    let (old, new) = text.split_once("\n\n").unwrap_or((&text, ""));
    if let Some(html) = render::compare(old, new) {
        sound(html.as_str());
    }
    let mut linked = Html::new();
    render::linkify(&mut linked, &text);
    sound(linked.as_str());
    let _ = mail::is_patch(&text);
    let raw = format!("Subject: [PATCH] x\nMessage-ID: <x@y>\n\n{text}");
    let message = Message::parse(raw.as_bytes());
    let overview = Overview::of(&message, CommitTimes::default());
    let _ = Document::of(&message, &overview).at(MessageKey(1), &[]);
}

/// A manifest of another site, as it is before it is packed.
pub fn manifest(bytes: &[u8]) {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, bytes).unwrap();
    for packed in [&packed.finish().unwrap()[..], bytes] {
        if let Ok(manifest) =
            threadbare::mirror::Manifest::read("https://x.example/manifest.js.gz", packed)
        {
            for offer in manifest.offers() {
                let _ = format!("{offer:?}");
            }
        }
    }
}

/// A file of mails, told apart with and without its quoting undone.
pub fn mbox(bytes: &[u8]) {
    use threadbare::ingest::source::{Quoting, Source};
    thread_local! {
        static DIR: tempfile::TempDir = tempfile::tempdir().unwrap();
    }
    DIR.with(|dir| {
        let file = dir.path().join("mbox");
        std::fs::write(&file, bytes).unwrap();
        let source = Source::find(&file).unwrap();
        for quoting in [
            Quoting::Guess,
            Quoting::Mboxrd,
            Quoting::Mboxo,
            Quoting::Mboxcl2,
        ] {
            let read = std::sync::Arc::default();
            let Ok(items) = source.items(0, quoting, read) else {
                continue;
            };
            let found = items.take_while(Result::is_ok).count();
            assert!(found <= bytes.len(), "more mails than bytes");
        }
    });
}

/// A pack with its index behind it, as they lie in a repository: what is read of them is what its name says.
pub fn pack(bytes: &[u8]) {
    const NAMES: usize = 8 + 256 * 4;
    thread_local! {
        static DIR: tempfile::TempDir = tempfile::tempdir().unwrap();
    }
    let index = bytes.windows(4).position(|four| four == b"\xfftOc");
    let (pack, index) = bytes.split_at(index.unwrap_or(bytes.len()));
    DIR.with(|dir| {
        let packs = dir.path().join("objects/pack");
        std::fs::create_dir_all(&packs).unwrap();
        std::fs::write(packs.join("x.pack"), pack).unwrap();
        std::fs::write(packs.join("x.idx"), index).unwrap();
        let packed = threadbare::store::Packed::open(dir.path());
        let names = index.get(NAMES..).unwrap_or_default();
        for name in names.chunks_exact(20).take(50) {
            let name = Oid::from_bytes(name).unwrap();
            for max in [1 << 10, 1 << 20] {
                if let Some((kind, found)) = packed.read(name, max) {
                    assert!(found.len() <= max, "{name} has {} bytes", found.len());
                    assert_eq!(Oid::of_object(kind.name(), &found), name);
                }
            }
        }
    });
}

/// The present, for all runs the same.
const NOW: Timestamp = Timestamp(1_632_139_200);

const TEXT: &str =
    "The engine weaves patterns; don't wait. relay/moth.c by Ada and C++, 1,000.5 times";

fn sound(html: &str) {
    if let Err(why) = markup::check(html) {
        panic!("{why} in {html}");
    }
}

fn write(raw: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let mut words = String::new();
    words.write_fmt(text).unwrap();
    raw.extend_from_slice(words.as_bytes());
}

fn index() -> (tempfile::TempDir, Search) {
    let dir = tempfile::tempdir().unwrap();
    let search = Search::open(dir.path()).unwrap();
    let mut writer = search.writer(1).unwrap();
    for key in 1..4 {
        let raw = format!(
            "From: Ada <ada@engines.example>\nTo: list@lists.example\nSubject: [PATCH v{key}] Running engines\n\
             Date: Sun, 1{key} Sep 2021 09:34:48 +0000\nMessage-ID: <note.{key}@engines.example>\n\n{TEXT}\n\
             > quoted\ndiff --git a/relay/moth.c b/relay/moth.c\nindex 0123456789ab..abcdef0123456 100644\n\
             --- a/relay/moth.c\n+++ b/relay/moth.c\n@@ -1,3 +1,3 @@ int relay(void)\n kept();\n-old();\n+new();\n"
        );
        let message = Message::parse(raw.as_bytes());
        let overview = Overview::of(&message, CommitTimes::default());
        let place = Place {
            inbox: InboxId(1),
            num: ArticleNum(key),
            received: overview.received,
        };
        writer
            .add(Document::of(&message, &overview).at(MessageKey(key), &[place]))
            .unwrap();
    }
    writer.commit("").unwrap();
    search.refresh().unwrap();
    (dir, search)
}
