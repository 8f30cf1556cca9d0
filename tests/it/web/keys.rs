//! The keys of public-inbox's config that pages show something of: style sheets, servers, sources.

use std::fs;

use crate::support::{Mail, World, hrefs, text, wait_until};

fn one(world: &mut World, name: &str) {
    let mail = Mail::new(&format!("{name}@weaver.example"), "On the list", 1);
    world.inbox(name).add(&[mail.bytes()]);
}

#[test]
fn a_list_has_style_sheets_of_its_own_after_those_of_the_site() {
    let mut world = World::new();
    one(&mut world, "warp");
    one(&mut world, "weft");
    fs::create_dir_all(world.path("own")).unwrap();
    fs::write(world.path("loom.css"), "/* the site's */\n").unwrap();
    fs::write(world.path("own/loom.css"), "/* the list's */\n").unwrap();
    fs::write(world.path("own/more.css"), "/* one more */\n").unwrap();
    let at = |name: &str| world.path(name).display().to_string();
    let (site, own, more) = (at("loom.css"), at("own/loom.css"), at("own/more.css"));
    world.add_to_config(&format!("[publicinbox]\n\tcss = {site}\n"));
    world.set_inbox("warp", &format!("css = {own} media=print"));
    world.set_inbox("warp", &format!("css = {more}"));
    world.set_inbox("warp", "css = /nowhere/at-all.css");
    world.index();
    let server = world.serve();
    let sheets = |page: &str| -> Vec<String> {
        let links = hrefs(&server.get(page).ok().text());
        let names = links.iter().filter_map(|href| href.rsplit('/').next());
        let own = names.filter(|name| name.contains(".css?"));
        own.map(|name| name.split('?').next().unwrap().to_owned())
            .collect()
    };
    for page in ["/warp/", "/warp/warp@weaver.example/", "/warp/new.html"] {
        assert_eq!(
            sheets(page),
            ["loom.css", "2-loom.css", "more.css"],
            "{page}"
        );
    }
    for page in ["/weft/", "/all/", "/"] {
        assert_eq!(sheets(page), ["loom.css"], "{page}");
    }
    for (path, content) in [
        ("/warp/loom.css", "/* the site's */\n"),
        ("/warp/2-loom.css", "/* the list's */\n"),
        ("/warp/more.css", "/* one more */\n"),
    ] {
        assert_eq!(server.get(path).ok().text(), content, "{path}");
    }
    server.get("/weft/more.css").status(404);
    server.get("/+/more.css").status(404);
    assert!(
        server
            .log()
            .contains("/nowhere/at-all.css is no style sheet")
    );
    // One that changes changes the pages that show it, and no others.
    let tag = |page: &str| server.head(page).says("etag").to_owned();
    let (warp, weft) = (tag("/warp/"), tag("/weft/"));
    fs::write(world.path("own/more.css"), "/* another */\n").unwrap();
    wait_until("the new sheet is linked to", || tag("/warp/") != warp);
    assert_eq!(tag("/weft/"), weft);
}

#[test]
fn where_mail_programs_get_the_mail_is_told_by_help_and_by_the_mirror_text() {
    let mut world = World::new();
    one(&mut world, "warp");
    one(&mut world, "weft");
    one(&mut world, "bare");
    world.add_to_config(
        "[publicinbox]\n\tnntpserver = nntps://news.example.org\n\tnntpserver = other.example\n\
         \timapserver = imaps://mail.example.org\n\tpop3server = pop3s://mail.example.org\n",
    );
    world.set_inbox("warp", "newsgroup = org.example.warp");
    world.set_inbox("warp", "nntpmirror = nntp://far.example/far.warp");
    world.set_inbox("weft", "newsgroup = org.example.weft");
    world.set_inbox("weft", "nntpserver = nntp://own.example");
    world.set_inbox("weft", "imapmirror = imap://far.example/weft");
    world.index();
    let server = world.serve();
    for page in ["mirror", "help"] {
        let told = |list: &str| {
            server
                .get(&format!("/{list}/_/text/{page}/raw"))
                .ok()
                .text()
        };
        let (warp, weft, bare) = (told("warp"), told("weft"), told("bare"));
        for url in [
            "nntps://news.example.org/org.example.warp",
            "nntp://other.example/org.example.warp",
            "nntp://far.example/far.warp",
            "imaps://;AUTH=ANONYMOUS@mail.example.org/org.example.warp.0",
            "pop3s://mail.example.org",
            "@org.example.warp",
        ] {
            assert!(warp.contains(&format!("{url}\n")), "{page} {url}: {warp}");
        }
        assert!(
            weft.contains("nntp://own.example/org.example.weft\n"),
            "{weft}"
        );
        assert!(weft.contains("imap://far.example/weft\n"), "{weft}");
        assert!(!weft.contains("news.example.org"), "{weft}");
        // Without a newsgroup there is nothing to be found on these servers.
        assert!(!bare.contains("mail programs"), "{bare}");
        let html = server.get(&format!("/warp/_/text/{page}/")).ok().text();
        assert!(html.contains("<b id=\"nntp\">mail programs</b>"), "{html}");
        assert!(html.contains("href=\"nntps://news.example.org/org.example.warp\""));
    }
}

#[test]
fn where_the_source_of_the_program_is_stands_below_each_page() {
    let mut world = World::new();
    one(&mut world, "warp");
    one(&mut world, "weft");
    world.add_to_config("[publicinbox]\n\tsourceinfo = https://code.example/<server>.git\n");
    world.set_inbox("weft", "sourceinfo = git://code.example/weft");
    world.index();
    let server = world.serve();
    let foot = |page: &str| {
        let html = server.get(page).ok().text();
        let at = html.find("<footer>").unwrap();
        html[at..].to_owned()
    };
    for page in ["/", "/warp/", "/all/", "/warp/warp@weaver.example/T/"] {
        let foot = foot(page);
        assert!(foot.contains("Source of the program that serves"), "{foot}");
        assert!(foot.contains("href=\"https://code.example/"), "{foot}");
        assert!(!foot.contains("<server>"), "{foot}");
    }
    assert!(text(&foot("/weft/")).contains("git://code.example/weft"));
    assert!(!foot("/weft/").contains("&lt;server"));
    world.add_to_config("[publicinbox]\n\tsourceinfo = https://more.example/\n");
    wait_until("the config is read", || foot("/").contains("more.example"));
}
