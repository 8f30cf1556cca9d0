//! `/INBOX/MID/N-NAME`: the parts of a mail as files.

use super::ids;
use crate::support::{Ask, demo, fixtures, hrefs, text};

fn path(name: &str) -> String {
    format!("/loom/{}/{name}", ids::ATTACHMENTS)
}

#[test]
fn a_picture_comes_as_bytes_to_be_saved() {
    let reply = demo().get(&path("2-herringbone.png")).ok();
    assert!(reply.body.starts_with(b"\x89PNG\r\n"));
    assert_eq!(reply.says("content-type"), "application/octet-stream");
    assert_eq!(reply.says("x-content-type-options"), "nosniff");
    assert_eq!(reply.says("content-length"), reply.body.len().to_string());
}

#[test]
fn any_text_comes_as_plain_text() {
    let site = demo();
    let draft = site.get(&path("3-herringbone.draft")).ok();
    assert!(draft.says("content-type").starts_with("text/plain"));
    assert!(draft.text().starts_with("# point twill, 4 shafts\n"));
    // The name is for people; the number counts.
    assert_eq!(site.get(&path("3-whatever.txt")).ok().text(), draft.text());
}

#[test]
fn the_page_names_each_part_and_links_to_it() {
    let html = demo().get(&path("")).ok().text();
    let seen = text(&html);
    assert!(
        seen.contains("[-- Attachment #2: herringbone.png --]"),
        "{seen}"
    );
    assert!(seen.contains("[-- Type: image/png, Size: "), "{seen}");
    assert!(seen.contains("what loom render said"), "{seen}");
    assert!(hrefs(&html).iter().any(|href| href == "2-herringbone.png"));
}

#[test]
fn parts_that_are_not_there_are_not_found() {
    for name in ["9-a.txt", "1.1.1-a.txt", "999999999999-a.txt", "0-a.txt"] {
        demo().get(&path(name)).status(404);
    }
}

#[test]
fn html_and_names_with_ambitions_do_no_harm() {
    let mails = threadbare::demo::mails();
    let named = mails
        .iter()
        .find(|(_, bytes)| memchr::memmem::find(bytes, b"ambitious name").is_some());
    let mail = String::from_utf8_lossy(&named.unwrap().1).into_owned();
    let mid = mail
        .split("Message-ID: <")
        .nth(1)
        .unwrap()
        .split('>')
        .next()
        .unwrap()
        .to_owned();
    let page = demo().get(&format!("/loom/{mid}/")).ok().text();
    assert!(!page.contains("<script>"), "{page}");
    let link = hrefs(&page)
        .into_iter()
        .find(|href| href.starts_with("2-"))
        .unwrap();
    let reply = demo().get(&format!("/loom/{mid}/{link}")).ok();
    assert!(reply.says("content-type").starts_with("text/plain"));
    let name = reply.header("content-disposition").unwrap_or("");
    assert!(!name.contains("..") && !name.contains('<'), "{name}");
}

#[test]
fn pages_of_other_sites_cannot_show_our_attachments() {
    let site = demo();
    let ask = |method: &str, referer: &str| {
        let ask = Ask::new(method, &path("2-herringbone.png")).with("Referer", referer);
        site.ask(if method == "POST" { ask.body(b"") } else { ask })
    };
    ask("GET", "https://evil.example/").status(403);
    ask("GET", &format!("{}loom/", site.url())).ok();
    ask("POST", "https://evil.example/").ok();
}

#[test]
fn odd_names_become_safe_ones() {
    let site = fixtures();
    let html = site
        .get("/odd/attachment-names@fixtures.example/")
        .ok()
        .text();
    let links: Vec<String> = hrefs(&html)
        .into_iter()
        .filter(|href| href.as_bytes()[0].is_ascii_digit())
        .collect();
    assert_eq!(links.len(), 8, "{links:?}");
    for href in links {
        assert!(
            !href.contains('/') && !href.contains('\\') && !href.contains(".."),
            "{href}"
        );
        site.get(&format!("/odd/attachment-names@fixtures.example/{href}"))
            .ok();
    }
}
