//! `/INBOX/MID/d/`: how the mails under one Message-ID differ.

use super::ids;
use crate::support::{demo, fixtures, hrefs, text};

#[test]
fn the_warning_on_a_message_page_leads_to_how_the_copies_differ() {
    let site = fixtures();
    let page = "/odd/same@fixtures.example/";
    let links = hrefs(&site.get(page).ok().text());
    assert!(links.contains(&"d/".to_owned()), "{links:?}");
    let html = site.get(&format!("{page}d/")).ok().text();
    let seen = text(&html);
    for line in [
        "-Subject: same message id first",
        "+Subject: same message id second",
        "-The first mail under this name.",
        "+Another mail under the same name, with other words.",
        " To: loom@lists.example.org",
    ] {
        assert!(seen.lines().any(|seen| seen == line), "{line}: {seen}");
    }
    for class in ["head", "hunk", "add", "del"] {
        assert!(html.contains(&format!("class=\"{class}\"")), "{class}");
    }
}

#[test]
fn search_engines_leave_it_out() {
    let reply = fixtures().get("/odd/same@fixtures.example/d/").ok();
    assert!(reply.says("x-robots-tag").contains("noindex"));
}

#[test]
fn one_mail_alone_or_none_has_nothing_to_differ_from() {
    let site = demo();
    site.get(&format!("/loom/{}/d/", ids::WELCOME)).status(404);
    site.get("/loom/no-such-message@example.invalid/d/")
        .status(404);
    site.get(&format!("/no-such-list/{}/d/", ids::WELCOME))
        .status(404);
}
