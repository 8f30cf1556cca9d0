//! The results of a search as a file: the messages found, or the whole threads that they stand in.

use std::collections::HashSet;

use super::asked::Asked;
use crate::archive::Query;
use crate::mail;
use crate::time;
use crate::web::answer::{Answer, Media};
use crate::web::error::WebError;
use crate::web::freshness::Fresh;
use crate::web::members::Members;

/// Answers with the results, however many. They are read from git while they are sent.
pub(super) fn download(asked: &Asked<'_, '_>) -> Result<Answer, WebError> {
    let query = Query::parse(&asked.search.q, time::now())?;
    let messages = asked.realm.find_all(&query, Some(&asked.visit.ask.gone))?;
    if messages.is_empty() {
        return Err(WebError::NotFound("No results found"));
    }
    let threads = asked.search.threads || asks_for_threads(&asked.visit.ask.form);
    let kind = if threads { "results-thread" } else { "results" };
    let file_name = format!("{kind}-{}", mail::mbox_file_name(&asked.search.q));
    let inbox = asked.inbox().clone();
    let answer = Answer::stream(Media::Gzip, Fresh::Never, move |out| {
        let mut members = Members::new(out);
        let mut written = HashSet::new();
        for message in messages {
            // What has gone since it was found is gone.
            let Some(article) = inbox.found(message)? else {
                continue;
            };
            if written.contains(&article.num) {
                continue;
            }
            let articles = match threads {
                true => inbox.strict_thread(&article.mid)?,
                false => Vec::new(),
            };
            if written.insert(article.num) && !articles.iter().any(|a| a.num == article.num) {
                members.add_from(&inbox, &article)?;
            }
            for member in articles {
                if member.num == article.num || written.insert(member.num) {
                    members.add_from(&inbox, &member)?;
                }
            }
        }
        members.end()
    });
    Ok(answer.named(file_name))
}

/// The button "full threads" is called `x`; b4 sends `x=m` and is used to getting threads for it.
fn asks_for_threads(form: &[u8]) -> bool {
    matches!(form, [b'x', b'=', first, ..] if *first != b'0')
}

#[cfg(test)]
mod tests {
    use super::asks_for_threads;

    #[test]
    fn the_first_bytes_of_the_body_say_whether_threads_are_wanted() {
        for (form, threads) in [
            ("", false),
            ("z=results+only", false),
            ("x=full+threads", true),
            ("x=m", true),
            ("x=0", false),
            ("x=", false),
            ("z=1&x=m", false),
        ] {
            assert_eq!(asks_for_threads(form.as_bytes()), threads, "{form}");
        }
    }
}
