//! git over HTTP: the files of the plain protocol, and the two services of the smart one, which git itself answers.
//! There is no way to push.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use axum::http::header::CONTENT_TYPE;

use crate::archive::{Objects, Served, UploadPack, git_is_installed};
use crate::error::Error;
use crate::id::InboxName;
use crate::url::GitFile;
use crate::web::answer::{Answer, Media, Program, Section};
use crate::web::error::{Outcome, WebError};
use crate::web::freshness::Fresh;
use crate::web::range::Wanted;
use crate::web::site::Visit;

/// Up to so many bytes of a file are sent in one piece.
const SHORT: u64 = 256 << 10;
/// What stands before the refs, except in version 2 of the protocol.
const PREFACE: &str = "001e# service=git-upload-pack\n0000";

/// Answers with a file, or with the refs where `?service=git-upload-pack` asks for the smart protocol.
pub(in crate::web) fn show(
    visit: &Visit<'_>,
    name: &InboxName,
    file: &GitFile,
) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    if file.path == "info/refs"
        && let Some(service) = service(&visit.ask.raw_query)
    {
        match service {
            "git-upload-pack" if git_is_installed() => {
                return smart(visit, name, file, UploadPack::Advertise);
            }
            // Clients take the plain refs for the word that there is the plain protocol alone.
            "git-upload-pack" => {}
            _ => {
                return Ok(Answer::new(
                    Outcome::Missing,
                    Media::Plain,
                    "Only git-upload-pack is served here: there is no pushing.\n",
                ));
            }
        }
    }
    match inbox.git_file(file)?.ok_or(WebError::MISSING)? {
        Served::Text(text, modified) => {
            Ok(Answer::found(Media::Plain, text, Fresh::of_bytes(modified)).unlisted())
        }
        Served::Objects(objects) => section(visit, objects, media(&file.path)),
    }
}

/// Answers what is posted to `git-upload-pack`: a clone, a fetch.
pub(in crate::web) fn pack(
    visit: &Visit<'_>,
    name: &InboxName,
    file: &GitFile,
) -> Result<Answer, WebError> {
    if !visit.ask.post {
        return Err(WebError::NotAllowed("POST"));
    }
    let content_type = visit.ask.headers.get(CONTENT_TYPE);
    if content_type.is_none_or(|found| found != "application/x-git-upload-pack-request") {
        return Err(WebError::Unsuitable(
            "application/x-git-upload-pack-request",
        ));
    }
    smart(visit, name, file, UploadPack::Answer)
}

fn smart(
    visit: &Visit<'_>,
    name: &InboxName,
    file: &GitFile,
    what: UploadPack,
) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let protocol = visit
        .ask
        .headers
        .get("git-protocol")
        .and_then(|value| value.to_str().ok());
    let command = inbox
        .upload_pack(file.epoch, what, protocol)
        .ok_or(WebError::MISSING)?;
    let is_second = protocol.is_some_and(|words| words.split(':').any(|word| word == "version=2"));
    let (media, before) = match what {
        UploadPack::Advertise if is_second => ("application/x-git-upload-pack-advertisement", ""),
        UploadPack::Advertise => ("application/x-git-upload-pack-advertisement", PREFACE),
        UploadPack::Answer => ("application/x-git-upload-pack-result", ""),
    };
    Ok(Answer::program(
        Media::Git(media),
        Program {
            command,
            before,
            limiter: inbox.config().clones.clone(),
        },
    ))
}

/// The value of `service=`.
fn service(query: &str) -> Option<&str> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("service="))
}

/// A file of objects, or the part of it that was asked for.
fn section(visit: &Visit<'_>, objects: Objects, media: Media) -> Result<Answer, WebError> {
    let Objects {
        mut file,
        length,
        modified,
    } = objects;
    let (outcome, section) = match Wanted::of(&visit.ask.headers, length, modified) {
        Wanted::All => (
            Outcome::Found,
            Section {
                first: 0,
                length,
                of: length,
            },
        ),
        Wanted::Part(section) => (Outcome::Part, section),
        Wanted::Beyond => {
            let mut answer = Answer::new(Outcome::NoSuchPart, media, "");
            answer.section = Some(Section {
                first: 0,
                length: 0,
                of: length,
            });
            return Ok(answer);
        }
    };
    let fresh = Fresh::Stored(modified);
    let mut answer = if section.length <= SHORT {
        let mut bytes = Vec::new();
        let read = from(&mut file, section).and_then(|mut part| part.read_to_end(&mut bytes));
        read.map_err(|error| Error::io("a file of objects", error))?;
        Answer::found(media, bytes, fresh)
    } else {
        Answer::stream(media, fresh, move |out| {
            let copied = from(&mut file, section).and_then(|mut part| io::copy(&mut part, out));
            match copied {
                Ok(bytes) if bytes == section.length => Ok(()),
                Ok(_) => Err(Error::corrupt(
                    "a file of objects became shorter while it was sent",
                )),
                Err(error) => Err(Error::io("a file of objects", error)),
            }
        })
    };
    answer.outcome = outcome;
    answer.section = Some(section);
    Ok(answer.unlisted())
}

fn from(file: &mut File, section: Section) -> io::Result<io::Take<&mut File>> {
    file.seek(SeekFrom::Start(section.first))?;
    Ok(file.take(section.length))
}

fn media(path: &str) -> Media {
    Media::Git(match path {
        pack if pack.ends_with(".pack") => "application/x-git-packed-objects",
        index if index.ends_with(".idx") => "application/x-git-packed-objects-toc",
        _ => "application/x-git-loose-object",
    })
}
