//! A manifest: what an archive offers to those who mirror it, in grokmirror's format. It comes from strangers.
//!
//! Nothing in it becomes a path or an address before it was looked at here. One entry that reaches out of the site,
//! or that cannot be true, and the whole manifest is refused: whoever writes one such line is not to be believed in
//! the others.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::id::{EpochNum, InboxName};
use crate::time::Timestamp;

/// How long a manifest may be, in bytes, as it comes.
pub(super) const MAX_PACKED: u64 = 8 << 20;
/// And unpacked. The largest that are known have a megabyte.
const MAX_PLAIN: u64 = 32 << 20;
/// How many repositories it may list.
const MAX_ENTRIES: usize = 50_000;
/// How many epochs one inbox may have: at a gigabyte each.
const MAX_EPOCHS: usize = 1000;
/// How long a path in it may be, in bytes.
const MAX_PATH: usize = 1000;
/// The last second that has a four-digit year.
const LAST_SECOND: i64 = 253_402_300_799;

/// What an archive offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// As it was read: for those who read it after us.
    json: Map<String, Value>,
    entries: BTreeMap<String, Entry>,
}

/// What it says of one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Changes with the refs of the repository.
    pub fingerprint: Option<String>,
    /// When its newest commit was made.
    pub modified: Option<Timestamp>,
    /// The branch that its HEAD names: `refs/heads/…`.
    pub head: Option<String>,
}

/// An inbox that a manifest offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its path on the site, without the last slash: `/loom`.
    pub path: String,
    /// Its repositories.
    pub repositories: Repositories,
}

/// How an inbox is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repositories {
    /// Version 1: the inbox is the repository.
    One(Entry),
    /// Version 2.
    Epochs(BTreeMap<EpochNum, Entry>),
}

impl Manifest {
    /// Reads the file `manifest.js.gz` from `place`, by which it is called in what goes wrong.
    ///
    /// # Errors
    /// [`Error::Invalid`] where it is none, or one that nobody should follow.
    pub fn read(place: &str, packed: &[u8]) -> Result<Manifest> {
        let refused = |why: String| Error::invalid(format!("the manifest {place}"), why);
        let json = unpack(packed).map_err(refused)?;
        let json: Value =
            serde_json::from_slice(&json).map_err(|e| refused(format!("it is no JSON: {e}")))?;
        let Value::Object(json) = json else {
            return Err(refused("it is no JSON object".to_owned()));
        };
        if json.len() > MAX_ENTRIES {
            let why = format!("it lists more than {MAX_ENTRIES} repositories");
            return Err(refused(why));
        }
        let mut entries = BTreeMap::new();
        for (path, about) in &json {
            let entry = check_path(path).and_then(|()| Entry::read(about));
            let entry = entry.map_err(|why| refused(format!("{}: {why}", shown(path))))?;
            entries.insert(path.clone(), entry);
        }
        let manifest = Manifest { json, entries };
        for offer in manifest.offers() {
            if let Repositories::Epochs(epochs) = &offer.repositories
                && epochs.len() > MAX_EPOCHS
            {
                let why = format!("{} has more than {MAX_EPOCHS} epochs", shown(&offer.path));
                return Err(refused(why));
            }
        }
        Ok(manifest)
    }

    /// The file, with the repositories of `offer` for which `keep` is true and nothing else, for those who read it
    /// after us.
    pub fn pack(&self, offer: &Offer, keep: impl Fn(EpochNum) -> bool) -> Vec<u8> {
        let paths = match &offer.repositories {
            Repositories::One(_) => vec![offer.path.clone()],
            Repositories::Epochs(epochs) => {
                let kept = epochs.keys().filter(|number| keep(**number));
                kept.map(|number| offer.path_of(Some(*number))).collect()
            }
        };
        let about = |path: String| Some((path.clone(), self.json.get(&path)?.clone()));
        let json: Map<String, Value> = paths.into_iter().filter_map(about).collect();
        let mut packed = Vec::new();
        let text = Value::Object(json).to_string();
        let mut encoder =
            flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::default());
        // From memory to memory: there is nothing that could fail.
        let _ = encoder.read_to_end(&mut packed);
        packed
    }

    /// The inboxes in it, by path: whatever has epochs, and every other repository that may be one of version 1.
    pub fn offers(&self) -> Vec<Offer> {
        let mut inboxes: BTreeMap<&str, BTreeMap<EpochNum, Entry>> = BTreeMap::new();
        let mut others = Vec::new();
        for (path, entry) in &self.entries {
            match epoch_of(path) {
                Some((inbox, number)) => {
                    let epochs = inboxes.entry(inbox).or_default();
                    epochs.insert(number, entry.clone());
                }
                None => others.push((path, entry)),
            }
        }
        let with_epochs: BTreeSet<&str> = inboxes.keys().copied().collect();
        let ones = others
            .into_iter()
            .filter(|(path, _)| !with_epochs.contains(path.as_str()));
        let ones = ones.map(|(path, entry)| Offer {
            path: path.clone(),
            repositories: Repositories::One(entry.clone()),
        });
        let mut offers: Vec<Offer> = ones.collect();
        offers.extend(inboxes.into_iter().map(|(path, epochs)| Offer {
            path: path.to_owned(),
            repositories: Repositories::Epochs(epochs),
        }));
        offers.sort_by(|one, other| one.path.cmp(&other.path));
        offers
    }

    /// The inbox at `path`, the path of its address. A site may be mounted below a path of which its manifest knows
    /// nothing: then the end of the path is what the manifest calls it by.
    pub fn offer_at(&self, path: &str) -> Option<Offer> {
        let offers = self.offers();
        let path = path.trim_end_matches('/');
        let mut ends = path.match_indices('/').map(|(at, _)| &path[at..]);
        ends.find_map(|end| offers.iter().find(|offer| offer.path == end))
            .cloned()
    }

    /// What it says of a repository.
    pub fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }
}

impl Offer {
    /// The name that it can have here: the last part of its path.
    pub fn name(&self) -> Option<InboxName> {
        InboxName::parse(self.path.rsplit('/').next()?)
    }

    /// The path of one of its repositories.
    pub fn path_of(&self, epoch: Option<EpochNum>) -> String {
        match epoch {
            Some(number) => format!("{}/git/{number}.git", self.path),
            None => self.path.clone(),
        }
    }

    /// Its epochs; none where it is of version 1.
    pub fn epochs(&self) -> BTreeSet<EpochNum> {
        match &self.repositories {
            Repositories::One(_) => BTreeSet::new(),
            Repositories::Epochs(epochs) => epochs.keys().copied().collect(),
        }
    }
}

impl Entry {
    fn read(about: &Value) -> Result<Entry, String> {
        let Value::Object(about) = about else {
            return Err("what it says of it is no JSON object".to_owned());
        };
        let modified = match about.get("modified") {
            None | Some(Value::Null) => None,
            Some(time) => match time.as_i64() {
                Some(time @ 0..=LAST_SECOND) => Some(Timestamp(time)),
                _ => return Err(format!("{} is no time", shown(&time.to_string()))),
            },
        };
        let text = |key: &str| match about.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(format!("its {key} is no text")),
        };
        let fingerprint = text("fingerprint")?;
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
        if let Some(bad) = fingerprint.filter(|text| !matches!(text.len(), 40 | 64) || !hex(text)) {
            return Err(format!("{} is no fingerprint", shown(bad)));
        }
        // We borrow no objects from anywhere; but this is where others were led astray.
        if let Some(reference) = text("reference")? {
            check_path(reference)
                .map_err(|why| format!("it refers to {}: {why}", shown(reference)))?;
        }
        Ok(Entry {
            fingerprint: fingerprint.map(str::to_ascii_lowercase),
            modified,
            head: text("head")?.and_then(branch).map(str::to_owned),
        })
    }

    /// Whether nothing has happened from one to the other, as far as can be told.
    pub fn is_same_as(&self, other: &Entry) -> bool {
        self.fingerprint.is_some()
            && self.fingerprint == other.fingerprint
            && self.modified == other.modified
    }
}

/// The branch in what a HEAD says, if it is a plain one. What is not is left to git to find out.
fn branch(head: &str) -> Option<&str> {
    let name = head.strip_prefix("ref: ")?.trim();
    let short = name.strip_prefix("refs/heads/")?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
    let part = |part: &str| !part.is_empty() && !part.starts_with(['.', '-']) && part != "..";
    let fits = short.len() <= 200
        && short.bytes().all(plain)
        && short.split('/').all(part)
        && !short.contains("..")
        && !short.ends_with(".lock");
    fits.then_some(name)
}

/// The inbox and the number in `/INBOX/git/N.git`. Only the plain spelling of the number: `00.git` is no epoch.
fn epoch_of(path: &str) -> Option<(&str, EpochNum)> {
    let (inbox, name) = path.rsplit_once("/git/")?;
    let digits = name.strip_suffix(".git")?;
    let number: u32 = digits.parse().ok()?;
    (number.to_string() == digits && !inbox.is_empty()).then_some((inbox, EpochNum(number)))
}

/// Refuses what would not stay below the site, here or there.
fn check_path(path: &str) -> Result<(), String> {
    let Some(below) = path.strip_prefix('/') else {
        return Err("a path begins with a slash".to_owned());
    };
    if path.len() > MAX_PATH {
        return Err("its path is too long".to_owned());
    }
    if path.contains(['\\', '?', '#', '%', '"', '<', '>']) || path.chars().any(odd) {
        return Err("its path has a character that none has".to_owned());
    }
    if below
        .split('/')
        .any(|part| part.is_empty() || part == "." || part == "..")
    {
        return Err("its path leads outside".to_owned());
    }
    Ok(())
}

fn odd(c: char) -> bool {
    c.is_control() || c.is_whitespace() || !c.is_ascii()
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    if packed.len() as u64 > MAX_PACKED {
        return Err(format!("it is longer than {} MB", MAX_PACKED >> 20));
    }
    let mut plain = Vec::new();
    // Some servers send it as it is.
    let read = match packed.starts_with(&[0x1f, 0x8b]) {
        true => flate2::read::MultiGzDecoder::new(packed)
            .take(MAX_PLAIN + 1)
            .read_to_end(&mut plain),
        false => packed.take(MAX_PLAIN + 1).read_to_end(&mut plain),
    };
    read.map_err(|e| format!("it cannot be unpacked: {e}"))?;
    match plain.len() as u64 > MAX_PLAIN {
        true => Err(format!("unpacked it has more than {} MB", MAX_PLAIN >> 20)),
        false => Ok(plain),
    }
}

/// A stranger's words, short and without anything that a terminal would obey.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    match short.len() < text.len() {
        true => format!("{short:?}…"),
        false => format!("{short:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
    use serde_json::{Value, json};

    use super::{Entry, EpochNum, Manifest, Repositories, branch, check_path};
    use crate::time::Timestamp;

    const PRINT: &str = "395e83aca24c88bc21b35403c3acadf7a1d9e4b1";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(json: &Value) -> Result<Manifest, String> {
        let packed = gzip(json.to_string().as_bytes());
        Manifest::read("of the test", &packed).map_err(|e| e.to_string())
    }

    fn usual() -> Value {
        json!({
            "owner": null, "reference": null, "description": "x",
            "modified": 1_784_130_881, "fingerprint": PRINT
        })
    }

    #[test]
    fn inboxes_of_both_versions_are_found() {
        let manifest = read(&json!({
            "/loom/git/0.git": usual(), "/loom/git/10.git": usual(), "/loom/git/2.git": usual(),
            "/old": usual(), "/deep/er/git/0.git": usual(), "/loom": usual(), "/x/git/00.git": usual()
        }))
        .unwrap();
        let offers = manifest.offers();
        let paths: Vec<&str> = offers.iter().map(|offer| offer.path.as_str()).collect();
        assert_eq!(paths, ["/deep/er", "/loom", "/old", "/x/git/00.git"]);
        let epochs: Vec<u32> = offers[1].epochs().into_iter().map(|n| n.0).collect();
        assert_eq!(epochs, [0, 2, 10]);
        assert_eq!(offers[1].name().unwrap().as_str(), "loom");
        assert!(matches!(&offers[2].repositories, Repositories::One(_)));
        let entry = manifest.entry("/loom/git/2.git").unwrap();
        let expected = Entry {
            fingerprint: Some(PRINT.to_owned()),
            modified: Some(Timestamp(1_784_130_881)),
            head: None,
        };
        assert_eq!(*entry, expected);
    }

    #[test]
    fn an_inbox_is_found_by_its_address_wherever_the_site_is_mounted() {
        let manifest = read(&json!({"/loom/git/0.git": usual(), "/a/b": usual()})).unwrap();
        for (path, found) in [
            ("/loom/", Some("/loom")),
            ("/lists/loom", Some("/loom")),
            ("/lists/a/b/", Some("/a/b")),
            ("/b/", None),
            ("/lists/", None),
            ("/", None),
            ("", None),
        ] {
            let offer = manifest.offer_at(path).map(|offer| offer.path);
            assert_eq!(offer.as_deref(), found, "{path}");
        }
    }

    #[test]
    fn what_is_kept_of_a_manifest_is_one_again() {
        let manifest = read(&json!({
            "/loom/git/0.git": usual(), "/loom/git/1.git": usual(), "/warp/git/0.git": usual()
        }))
        .unwrap();
        let offer = manifest.offer_at("/loom").unwrap();
        let packed = manifest.pack(&offer, |number| number == EpochNum(1));
        let kept = Manifest::read("kept", &packed).unwrap();
        assert!(kept.entry("/loom/git/1.git").is_some());
        assert_eq!(kept.entries.len(), 1);
        assert_eq!(kept.json["/loom/git/1.git"], usual());
    }

    #[test]
    fn hostile_manifests_are_refused_and_it_is_said_why() {
        let with = |key: &str, value: Value| {
            let mut about = usual();
            about[key] = value;
            json!({"/loom/git/0.git": about})
        };
        let epochs: serde_json::Map<String, Value> = (0..1001)
            .map(|n| (format!("/loom/git/{n}.git"), usual()))
            .collect();
        for (json, why) in [
            (json!([]), "no JSON object"),
            (json!({"/loom/git/0.git": 5}), "no JSON object"),
            (json!({"/../../x.git": usual()}), "leads outside"),
            (json!({"/x/../../git/0.git": usual()}), "leads outside"),
            (
                json!({"//evil.example/git/0.git": usual()}),
                "leads outside",
            ),
            (json!({"/./git/0.git": usual()}), "leads outside"),
            (json!({"/x/": usual()}), "leads outside"),
            (json!({"x.git": usual()}), "begins with a slash"),
            (json!({"": usual()}), "begins with a slash"),
            (json!({"/a\u{0}b": usual()}), "a character that none has"),
            (json!({"/a\nb": usual()}), "a character that none has"),
            (json!({"/a\\..\\b": usual()}), "a character that none has"),
            (json!({"/a%2f..": usual()}), "a character that none has"),
            (json!({"/\u{202e}x": usual()}), "a character that none has"),
            (
                json!({"/".to_owned() + &"x".repeat(2000): usual()}),
                "too long",
            ),
            (with("modified", json!(-1)), "is no time"),
            (with("modified", json!(999_999_999_999_i64)), "is no time"),
            (with("modified", json!(1e300)), "is no time"),
            (with("modified", json!("now")), "is no time"),
            (with("fingerprint", json!("../../x")), "is no fingerprint"),
            (with("fingerprint", json!(5)), "is no text"),
            (with("reference", json!("/../../etc")), "refers to"),
            (with("reference", json!("relative")), "refers to"),
            (with("reference", json!(["x"])), "is no text"),
            (Value::Object(epochs), "more than 1000 epochs"),
        ] {
            let said = read(&json).unwrap_err();
            assert!(said.starts_with("the manifest of the test: "), "{said}");
            assert!(said.contains(why), "{why}: {said}");
            assert!(!said.chars().any(char::is_control), "{said:?}");
        }
    }

    #[test]
    fn a_million_entries_and_bombs_are_refused() {
        let refused = |packed: &[u8]| Manifest::read("x", packed).unwrap_err().to_string();
        let mut many = String::from("{");
        for n in 0..1_000_000 {
            many.push_str(&format!("\"/{n}\":{{}},"));
        }
        many.push_str("\"/x\":{}}");
        let said = refused(&gzip(many.as_bytes()));
        assert!(said.contains("more than 50000 repositories"), "{said}");

        let said = refused(&gzip(&vec![b' '; 100 << 20]));
        assert!(said.contains("unpacked it has more than"), "{said}");
        let said = refused(&vec![b' '; 9 << 20]);
        assert!(said.contains("longer than 8 MB"), "{said}");
        let said = refused("[".repeat(1 << 20).as_bytes());
        assert!(said.contains("no JSON"), "{said}");
        let mut cut = gzip(b"{\"/x\": {}}");
        cut.truncate(20);
        assert!(refused(&cut).contains("cannot be unpacked"));
    }

    #[test]
    fn a_branch_is_one_that_git_would_make() {
        for (head, name) in [
            ("ref: refs/heads/master", Some("refs/heads/master")),
            ("ref: refs/heads/a/b-1\n", Some("refs/heads/a/b-1")),
            ("ref: refs/heads/../../x", None),
            ("ref: refs/tags/x", None),
            ("ref: refs/heads/-x", None),
            ("ref: refs/heads/a b", None),
            (PRINT, None),
        ] {
            assert_eq!(branch(head), name, "{head}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn no_path_that_passes_leads_outside(path in "(/|\\.|a|%|\\\\|git|\\.git|[0-9]){0,12}", junk in any::<String>()) {
            for path in [path, junk] {
                if check_path(&path).is_ok() {
                    let below = std::path::Path::new("/srv").join(&path[1..]);
                    let plain = |part| matches!(part, std::path::Component::Normal(_));
                    prop_assert!(below.components().skip(1).all(plain), "{}", path);
                    prop_assert!(below.components().count() > 2);
                }
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in any::<Vec<u8>>(), text in "[\\[\\]{}\":,/a-c0-9.]{0,60}") {
            let _ = Manifest::read("x", &bytes);
            let _ = Manifest::read("x", &gzip(&bytes));
            let _ = Manifest::read("x", text.as_bytes());
        }
    }
}
