//! Answers that there is no page.

use crate::support::{Ask, demo, hrefs, text};

#[test]
fn a_browser_gets_a_page_that_leads_home_and_a_program_a_line() {
    let site = demo();
    for path in ["/no-such-list/", "/loom/x@y/raw", "/loom/_/nothing/here"] {
        let plain = site.get(path).status(404);
        assert_eq!(plain.says("content-type"), "text/plain", "{path}");
        assert_eq!(plain.text(), "Not Found\n", "{path}");
        let page = site
            .ask(Ask::get(path).with("Accept", "text/html,*/*;q=0.8"))
            .status(404);
        assert!(page.says("content-type").starts_with("text/html"), "{path}");
        assert!(page.says("vary").to_lowercase().contains("accept"));
        let html = page.text();
        assert!(text(&html).contains("Not Found"), "{path}");
        let home = "../".repeat(path.matches('/').count() - 1);
        assert!(hrefs(&html).contains(&home), "{path}: {html}");
    }
}

#[test]
fn nothing_that_a_visitor_wrote_is_repeated() {
    let path = "/loom/%3Cscript%3Ealert(1)%3C/raw";
    let page = demo().ask(Ask::get(path).with("Accept", "text/html"));
    assert!(!page.text().contains("alert(1)"));
}

#[test]
fn dumps_that_no_inbox_has_are_a_page_that_says_so() {
    let reply = demo().get("/loom/gmane.sql.gz").status(404);
    assert!(reply.says("content-type").starts_with("text/html"));
    assert!(text(&reply.text()).contains("nothing at this address"));
    let reply = demo().get("/loom/other.mbox.gz").status(404);
    assert!(reply.says("content-type").starts_with("text/plain"));
    demo().get("/no-such-list/gmane.sql.gz").status(404);
}
