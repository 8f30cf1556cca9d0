//! The page that all began with, against its text as it stands on the web.

use crate::real;
use crate::support::text;

#[test]
fn the_seed_page_says_all_that_the_original_says() {
    let Some((shared, server)) = real::server() else {
        return;
    };
    let seed = std::fs::read_to_string(shared.join("spec/seed-page.txt")).unwrap();
    let html = server
        .get("/ksummit/YT4QCHwnqZL%2Frl0z@kroah.com/")
        .ok()
        .text();
    let page = text(&html);
    let ours: Vec<&str> = page.lines().map(str::trim_end).collect();
    let begins = seed.find("From: Greg KH").unwrap();
    let ends = seed.find("git send-email").unwrap();
    let head = |text: &str| {
        let text = &text[text.find("From: Greg KH").unwrap()..];
        text[..text.find("\n\n").unwrap()].to_owned()
    };
    assert_eq!(head(&page), head(&seed));
    let mut missing = Vec::new();
    for line in seed[begins..ends].lines().map(str::trim_end) {
        // Our prose is our own; data is the same: headers, body, overview.
        let data = line.contains(": ")
            || line.starts_with(">")
            || line.starts_with("20")
            || line.starts_with('\t');
        let known = line.starts_with("Thread overview") || ours.contains(&line);
        if data && !known {
            missing.push(line);
        }
    }
    assert!(missing.len() <= 3, "missing of the seed page: {missing:#?}");
    let commands: Vec<&str> = seed[ends..]
        .lines()
        .map(str::trim)
        .filter(|l| l.starts_with("--"))
        .collect();
    for command in commands {
        assert!(ours.iter().any(|line| line.trim() == command), "{command}");
    }
    assert!(
        page.contains(
            "Thread overview: 77+ messages / expand[flat|nested]  mbox.gz  Atom feed  top"
        )
    );
}
