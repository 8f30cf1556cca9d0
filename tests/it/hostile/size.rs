//! Mail of a size that nobody should send: it is indexed and shown within bounds, and `raw` has all of it.

use super::sound::through_every_door;
use crate::support::{Mail, Site, World, text, wait_until};

/// One mail in an inbox of its own, indexed by the server that shows it, so that its memory is that of both.
fn serving(id: &str, headers: &str, body: &[u8]) -> Site {
    let mut world = World::new();
    let head = format!(
        "From: Test <test@weaver.example>\nSubject: A large mail\nDate: 2 Jan 2026 03:04:05 +0000\n\
         Message-ID: <{id}>\n{headers}\n"
    );
    let mail = [head.as_bytes(), body].concat();
    let small = Mail::new("small@x.example", "A small mail", 2).bytes();
    world.inbox("x").add(&[mail, small]);
    let server = world.serve();
    wait_until("the large mail", || {
        server.get("/x/small@x.example/").status == 200
    });
    Site::of(world, server)
}

#[track_caller]
fn stays_below(site: &Site, megabytes: u64) {
    if let Some(peak) = site.peak() {
        assert!(
            peak < megabytes << 10,
            "it had {} MB at its peak",
            peak >> 10
        );
    }
}

#[test]
fn a_patch_of_fifty_megabytes() {
    let mut patch =
        b"diff --git a/loom.c b/loom.c\n--- a/loom.c\n+++ b/loom.c\n@@ -1,900000 +1,900000 @@\n"
            .to_vec();
    let mut n = 0_u32;
    while patch.len() < 50 << 20 {
        let line = format!(
            "-\told_thread(loom, {n});\n+\tnew_thread(loom, {});\n",
            n ^ 0x5555
        );
        patch.extend_from_slice(line.as_bytes());
        n += 1;
    }
    let site = serving("patch@x.example", "", &patch);
    let page = through_every_door(&site, "x", "patch@x.example");
    assert!(page.len() < 4_000_000, "{}", page.len());
    assert!(text(&page).contains("more bytes: see the raw message"));
    let raw = site.get("/x/patch@x.example/raw").ok().content();
    assert!(raw.len() > 50 << 20, "{}", raw.len());
    let last = format!("-\told_thread(loom, {});\n", n - 1);
    assert!(memchr::memmem::find(&raw, last.as_bytes()).is_some());
    stays_below(&site, 800);
}

#[test]
fn a_million_parts() {
    let parts = b"--b\n\nx\n".repeat(1_000_000);
    let site = serving(
        "parts@x.example",
        "Content-Type: multipart/mixed; boundary=b\n",
        &parts,
    );
    let page = through_every_door(&site, "x", "parts@x.example");
    assert!(page.len() < 4_000_000, "{}", page.len());
    let shown = text(&page);
    assert!(shown.contains("Attachment #1000") && !shown.contains("Attachment #1500"));
    let raw = site.get("/x/parts@x.example/raw").ok().content();
    assert_eq!(memchr::memmem::find_iter(&raw, b"--b\n").count(), 1_000_000);
    stays_below(&site, 400);
}
