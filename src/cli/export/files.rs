//! Mail as files: one mbox, a Maildir, or a file each.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::Chosen;
use crate::archive::{Article, Inbox};
use crate::mail::{self, Message};
use crate::time;

/// Writes an mboxrd file, compressed where its name says so; to standard output without a name. Gives how many mails it
/// has.
pub(super) fn mbox(inbox: &Inbox, chosen: &Chosen, output: Option<&Path>) -> anyhow::Result<usize> {
    let Some(path) = output else {
        return mbox_into(inbox, chosen, &mut BufWriter::new(io::stdout().lock()));
    };
    anyhow::ensure!(!path.exists(), "{} is there already", path.display());
    // It has its name only when it is whole.
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let file = File::create(part).with_context(|| part.display().to_string())?;
    let mut file = BufWriter::new(file);
    let count = match path.extension().is_some_and(|extension| extension == "gz") {
        false => mbox_into(inbox, chosen, &mut file)?,
        true => {
            let mut gzip = GzEncoder::new(&mut file, Compression::default());
            let count = mbox_into(inbox, chosen, &mut gzip)?;
            gzip.finish()?;
            count
        }
    };
    file.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()?;
    fs::rename(part, path).with_context(|| path.display().to_string())?;
    Ok(count)
}

fn mbox_into(inbox: &Inbox, chosen: &Chosen, out: &mut impl Write) -> anyhow::Result<usize> {
    let mut mbox = Vec::new();
    let count = each_mail(inbox, chosen, |_, raw| {
        mbox.clear();
        mail::mboxrd(Message::parse(raw).raw(), &mut mbox);
        Ok(out.write_all(&mbox)?)
    })?;
    out.flush()?;
    Ok(count)
}

/// Makes a Maildir of which everything is new.
pub(super) fn maildir(inbox: &Inbox, chosen: &Chosen, output: &Path) -> anyhow::Result<usize> {
    make_empty(output)?;
    for part in ["tmp", "new", "cur"] {
        let dir = output.join(part);
        fs::create_dir(&dir).with_context(|| dir.display().to_string())?;
    }
    let (mut count, mut latest) = (0, 0);
    each_mail(inbox, chosen, |article, raw| {
        // TIME.UNIQUE.HOST; nothing in it is the mail's. Sorted by name it is in the order of the archive: no time is
        // before that of the mail above. When a mail came, the time of its file says.
        latest = article.received.0.min(time::now().0).max(latest);
        count += 1;
        let name = format!("{latest}.N{count:09}.threadbare");
        let (new, place) = (
            output.join("tmp").join(&name),
            output.join("new").join(&name),
        );
        write(&new, article, raw)?;
        fs::rename(&new, &place).with_context(|| place.display().to_string())
    })
}

/// Writes a file that is as old as the mail.
fn write(path: &Path, article: &Article, raw: &[u8]) -> anyhow::Result<()> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(raw)?;
        let since = Duration::from_secs(u64::try_from(article.received.0).unwrap_or(0));
        // What no file system can say is not said.
        if let Some(came) = SystemTime::UNIX_EPOCH.checked_add(since) {
            let _ = file.set_modified(came);
        }
        io::Result::Ok(())
    };
    write().with_context(|| path.display().to_string())
}

/// Writes each mail into a file of its own, called after its number.
pub(super) fn eml(inbox: &Inbox, chosen: &Chosen, output: &Path) -> anyhow::Result<usize> {
    make_empty(output)?;
    each_mail(inbox, chosen, |article, raw| {
        let num = article.num.0;
        // Numbers below zero are of mail without a Message-ID.
        let name = if num < 0 {
            format!("own-{:08}.eml", -num)
        } else {
            format!("{num:08}.eml")
        };
        let path = output.join(name);
        write(&path, article, raw)
    })
}

/// Calls `each` with every mail as it is kept; what git has lost is told and left out. Gives how many there were.
fn each_mail(
    inbox: &Inbox,
    chosen: &Chosen,
    mut each: impl FnMut(&Article, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<usize> {
    let mut count = 0;
    chosen.each(inbox, |article| {
        match inbox.read(&article) {
            Ok(Some(raw)) => {
                count += 1;
                each(&article, &raw)?;
            }
            Ok(None) => eprintln!("article {} is left out: git has lost it", article.num),
            Err(error) => eprintln!("article {} is left out: {error}", article.num),
        }
        Ok(())
    })?;
    Ok(count)
}

/// Makes a directory; one that is there has to be empty.
pub(super) fn make_empty(dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let mut entries = fs::read_dir(dir).with_context(|| dir.display().to_string())?;
    anyhow::ensure!(entries.next().is_none(), "{} is not empty", dir.display());
    Ok(())
}
