//! Searches: of a list, of a thread, of the site; as a page, a feed, a file.

use std::sync::{Arc, Mutex, Weak};

use super::sha1_hex;
use crate::support::{Ask, Mail, Reply, Site, World, hrefs, share, text, unescape, wait_until};

/// Two lists that share a mail, and a hidden one.
fn looms() -> Arc<Site> {
    static SITE: Mutex<Weak<Site>> = Mutex::new(Weak::new());
    share(&SITE, || {
        let mut world = World::new();
        let cross = Mail::new("cross@x", "A loom for sale", 50).says("One shuttle included.");
        let mut cloth = vec![
            Mail::new("warp/1@x", "Warp and weft", 1).says("The shuttle flies & flies."),
            Mail::new("warp2@x", "Re: Warp and weft", 2)
                .answers("warp/1@x")
                .says("> The shuttle flies & flies.\n\nIt does not."),
            Mail::new("warp3@x", "Re: Warp and weft", 3)
                .answers("warp2@x")
                .says("Nothing to add."),
            Mail::new("script@x", "<script>alert(1)</script> badminton", 4).says("x"),
            cross.clone(),
        ];
        for n in 0..30 {
            let mail = Mail::new(
                &format!("pick-number-{n:02}@weaver.example"),
                "Pick",
                100 + n,
            );
            cloth.push(mail.says(&format!("Herringbone no. {n}.")));
        }
        let bytes = |mails: &[Mail]| mails.iter().map(Mail::bytes).collect::<Vec<_>>();
        world.inbox("cloth").add(&bytes(&cloth));
        let wool = Mail::new("wool@x", "Wool", 60).says("No shuttle at all.");
        world.inbox("yarn").add(&bytes(&[cross.clone(), wool]));
        let secret = Mail::new("secret@x", "Secret", 70).says("The shuttle is mine.");
        world.inbox("attic").add(&bytes(&[cross, secret]));
        world.add_to_config("[publicinbox \"attic\"]\n\thide = www\n");
        world
    })
}

fn get(path: &str) -> Reply {
    looms().get(path)
}

fn post(path: &str, body: &str) -> Reply {
    looms().ask(Ask::new("POST", path).body(body.as_bytes()))
}

/// The Message-IDs of a page of results, in order, as public-inbox's clients read them off it.
fn found(reply: &Reply) -> Vec<String> {
    let html = reply.text();
    let list = html.rsplit("</form>").next().unwrap();
    let rows = list.split(". <b><a href=\"").skip(1);
    rows.map(|row| row.split("/\"").next().unwrap().to_owned())
        .collect()
}

/// The Message-IDs of an mbox, in order.
fn mailed(reply: &Reply) -> Vec<String> {
    let mbox = String::from_utf8(reply.gunzip()).unwrap();
    let ids = mbox
        .lines()
        .filter_map(|line| line.strip_prefix("Message-ID: <"));
    ids.map(|id| id.trim_end_matches('>').to_owned()).collect()
}

#[test]
fn a_result_is_told_in_two_lines_and_the_words_around_it_in_a_third() {
    let reply = get("/cloth/?q=shuttle").ok();
    let page = text(&reply.text());
    let at = page.find("3. Warp and weft\n").expect(&page);
    let lines: Vec<&str> = page[at..].lines().take(3).collect();
    assert_eq!(lines[0], "3. Warp and weft");
    let (line, percent) = lines[1].split_once(" UTC [").unwrap();
    assert_eq!(line, "   - by Test @ 2026-01-01  0:01");
    assert!(percent.trim_end_matches("%]").parse::<u8>().unwrap() < 100);
    assert_eq!(lines[2].trim_end(), "   The shuttle flies & flies.");
    assert!(
        reply
            .text()
            .contains("The <mark>shuttle</mark> flies &amp; flies.")
    );
    assert!(page.contains("Results 1-3 of 3 | reverse"), "{page}");
    assert_eq!(found(&reply), ["cross@x", "warp2@x", "warp%2F1@x"]);
}

#[test]
fn only_quoted_words_are_worth_nothing() {
    let page = text(&get("/cloth/?q=shuttle").ok().text());
    let row = page.lines().find(|line| line.contains("0:02 UTC"));
    assert!(row.unwrap().ends_with("[0%]"), "{page}");
}

#[test]
fn the_last_comes_first_or_the_first() {
    for (query, expected) in [
        ("q=s:warp", ["warp3@x", "warp2@x", "warp%2F1@x"]),
        ("q=s:warp&o=-1", ["warp%2F1@x", "warp2@x", "warp3@x"]),
    ] {
        assert_eq!(found(&get(&format!("/cloth/?{query}")).ok()), expected);
    }
    let best = found(&get("/cloth/?q=shuttle&r").ok());
    assert_eq!(best.last().unwrap(), "warp2@x", "quoted only");
}

#[test]
fn pages_of_results_lead_to_each_other_and_leave_nothing_out() {
    for start in [
        "?q=herringbone&l=7",
        "?q=herringbone&l=7&o=-1",
        "?q=herringbone&l=7&r",
    ] {
        let mut all = Vec::new();
        let mut path = start.to_owned();
        let mut steps = 0;
        loop {
            let reply = get(&format!("/cloth/{path}")).ok();
            all.extend(found(&reply));
            let html = reply.text();
            let Some((before, _)) = html.split_once("\" rel=\"next\"") else {
                assert!(html.contains("rel=\"prev\""));
                break;
            };
            path = unescape(before.rsplit('"').next().unwrap());
            steps += 1;
            assert!(steps < 10, "{path}");
        }
        let mut sorted = all.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!((all.len(), sorted.len()), (30, 30), "{start}");
    }
}

#[test]
fn links_between_pages_know_their_place() {
    let rel = |html: &str, rel: &str| {
        let (before, _) = html.split_once(&format!("\" rel=\"{rel}\"")).unwrap();
        unescape(before.rsplit('"').next().unwrap())
    };
    for start in [
        "?q=herringbone&l=7",
        "?q=herringbone&l=7&o=-1",
        "?q=herringbone&l=7&r",
        "?q=herringbone+OR+s:warp&l=7&t",
    ] {
        let first = get(&format!("/cloth/{start}")).ok();
        let next = rel(&first.text(), "next");
        assert!(next.contains("&k="), "{next}");
        let second = get(&format!("/cloth/{next}")).ok();
        let third = get(&format!("/cloth/{}", rel(&second.text(), "next"))).ok();
        let back = rel(&third.text(), "prev");
        assert!(back.contains("&k=.."), "{back}");
        let again = get(&format!("/cloth/{back}")).ok();
        assert_eq!(found(&again), found(&second), "{start}");
        let page = text(&again.text());
        assert!(page.contains("Results 8-14 of 3"), "{page}");
        // Where the place counts, the number does not.
        let moved = next.replace("o=7", "o=5").replace("o=-8", "o=-6");
        assert_eq!(found(&get(&format!("/cloth/{moved}")).ok()), found(&second));
        // A place that cannot be read is none.
        let unread = next.replace("&k=", "&k=1.");
        assert_eq!(
            found(&get(&format!("/cloth/{unread}")).ok()),
            found(&second)
        );
    }
}

#[test]
fn results_that_are_kept_are_found_again_only_until_mail_comes() {
    let mut world = World::new();
    let mut cloth = world.inbox("cloth");
    let pick = |n: u32| Mail::new(&format!("pick{n}@x"), "A pick", n).says("Herringbone.");
    cloth.add(&[pick(1).bytes(), pick(2).bytes(), pick(3).bytes()]);
    world.index();
    let site = world.serve();
    let ask = |query: &str| site.get(&format!("/cloth/?q={query}")).ok();
    let first = ask("herringbone&l=2");
    assert_eq!(found(&first), ["pick3@x", "pick2@x"]);
    assert_eq!(ask("herringbone&l=2").text(), first.text());
    let html = first.text();
    let (before, _) = html.split_once("\" rel=\"next\"").unwrap();
    let next = unescape(before.rsplit('"').next().unwrap());
    cloth.add(&[pick(4).bytes(), pick(5).bytes()]);
    wait_until("the new mail is found", || {
        found(&ask("herringbone&l=2")) == ["pick5@x", "pick4@x"]
    });
    // Nothing is shown twice, nothing is passed over.
    let second = site.get(&format!("/cloth/{next}")).ok();
    assert_eq!(found(&second), ["pick1@x"]);
    assert!(text(&second.text()).contains("Results 5-5 of 5"), "{html}");
}

#[test]
fn behind_the_last_result_there_is_a_way_back() {
    let reply = get("/cloth/?q=herringbone&l=7&o=1000").ok();
    assert!(text(&reply.text()).contains("No more results, only 30"));
    let back = hrefs(&reply.text())
        .into_iter()
        .find(|href| href.contains("o=28"));
    assert!(back.is_some(), "{}", reply.text());
}

#[test]
fn a_thread_can_be_one_result() {
    let reply = get("/cloth/?q=s:warp&t").ok();
    assert_eq!(found(&reply), ["warp3@x"]);
    assert!(text(&reply.text()).contains("Results 1-1 of 1"));
}

#[test]
fn every_question_has_an_answer() {
    for (query, status, says) in [
        ("q=nosuchword", 404, "[No results found]"),
        ("q=", 404, "[Nothing to search for]"),
        ("q=(", 404, "[No results found]"),
        ("q=NOT+x", 400, "Bad query: "),
        ("q=x&o=-9223372036854775808", 400, "Bad query: "),
        ("q=s:warp&x=m", 200, "Results 1-3 of 3"),
        ("q=s%253Awarp", 200, "nothing was found for \"s%3Awarp\""),
        ("q=s:warp+d:20260101..20260102", 200, "Read as: "),
    ] {
        let reply = get(&format!("/cloth/?{query}")).status(status);
        assert_eq!(reply.says("content-type"), "text/html; charset=UTF-8");
        assert_eq!(reply.says("x-robots-tag"), "noindex, nofollow", "{query}");
        let page = text(&reply.text());
        assert!(page.contains(says), "{query}: {page}");
    }
    for path in ["/nope/?q=x", "/nope/a@b/?q=x"] {
        get(path).status(404);
    }
}

#[test]
fn what_was_asked_is_told_back_but_never_as_markup() {
    for query in [
        "%3Cscript%3Ealert(1)",
        "%22%3E%3Cb+onclick=x",
        "s:%3Cimg+src=x%3E+AND",
        "NOT+%3Cb%3E",
        "f:%27%22%3Cx%00%1b%5B2J",
    ] {
        for view in ["", "&x=t", "&x=A", "&r&t", "&x=m"] {
            let reply = get(&format!("/cloth/?q={query}{view}"));
            assert!(reply.status < 500, "{query}{view}");
            let html = reply.text().to_lowercase();
            for tag in ["<script", "<img", "<b onclick", "<x", "\x1b", "\0"] {
                assert!(!html.contains(tag), "{query}{view}: {tag}");
            }
        }
    }
    let reply = get("/cloth/?q=badminton").ok();
    assert_eq!(found(&reply), ["script@x"]);
    assert!(!reply.text().contains("<script"));
}

#[test]
fn a_search_is_a_feed_too_with_the_ids_that_readers_know() {
    let site = looms();
    let reply = site.get("/cloth/?q=s:warp&x=A").ok();
    assert_eq!(reply.says("content-type"), "application/atom+xml");
    let xml = reply.text();
    let uuid = |of: &str| {
        let hex = sha1_hex(of);
        format!(
            "urn:uuid:{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..32]
        )
    };
    assert!(xml.contains("<title>s:warp - search results</title>"));
    assert!(xml.contains(&format!("<id>{}</id>", uuid("q\ns:warp"))));
    let list = "href=\"https://lists.example.org/cloth/";
    assert!(xml.contains(&format!("{list}?q=s:warp\"")), "{xml}");
    assert!(xml.contains(&format!("{list}?q=s:warp&amp;x=A\"")), "{xml}");
    let entries: Vec<&str> = xml.split("<entry>").skip(1).collect();
    for (entry, mid) in entries.iter().zip(["warp3@x", "warp2@x", "warp/1@x"]) {
        assert!(entry.contains(&format!("<id>{}</id>", uuid(mid))), "{mid}");
    }
    assert_eq!(entries.len(), 3);
    get("/cloth/?q=nosuchword&x=A").status(404);
}

#[test]
fn results_can_be_read_in_full_with_their_threads_below() {
    let reply = get("/cloth/?q=flies&x=t").ok();
    let page = text(&reply.text());
    assert!(page.contains("The shuttle flies & flies."), "{page}");
    assert!(page.contains("[relevance 99%]"), "{page}");
    let begins = page.find("-- pct% links below").expect(&page);
    let lines: Vec<&str> = page[begins..].lines().skip(1).take(2).collect();
    assert_eq!(
        lines,
        [
            "2026-01-01  0:01 99% Warp and weft Test",
            "2026-01-01  0:02  0% ` Test"
        ]
    );
    // The answer alone stands below what it answers, which is not on this page.
    let html = get("/cloth/?q=s:warp+not&x=t").ok().text();
    assert!(
        html.contains("<a href=\"warp%2F1@x/\">Warp and weft</a>"),
        "{html}"
    );
    assert!(!html.contains(&format!("id=\"m{}\"", sha1_hex("warp/1@x"))));
}

#[test]
fn a_post_brings_the_results_as_a_file_as_b4_and_lei_ask_for_it() {
    let warp = ["warp3@x", "warp2@x", "warp/1@x"];
    let thread = ["warp/1@x", "warp2@x", "warp3@x"];
    for (query, body, expected, name) in [
        // lei
        ("x=m&q=s:warp", "", &warp[..], "results-s-warp.mbox.gz"),
        // The two buttons.
        (
            "q=s:warp&x=m",
            "z=results+only",
            &warp,
            "results-s-warp.mbox.gz",
        ),
        (
            "q=flies+%22it+does%22&x=m",
            "x=full+threads",
            &thread,
            "results-thread-flies-it-does.mbox.gz",
        ),
        // b4: `x=m` in the body means whole threads.
        (
            "x=m&q=%28s%3A%22warp+and+weft%22+AND+f%3A%22test%40weaver.example%22+AND+d%3A..20260102%29+flies+does",
            "x=m",
            &thread,
            "",
        ),
        (
            "x=m&t=1&q=m:warp2",
            "",
            &thread,
            "results-thread-m-warp2.mbox.gz",
        ),
        (
            "x=m&q=m:warp2",
            "x=0",
            &thread[1..2],
            "results-m-warp2.mbox.gz",
        ),
        ("x=m&r=1&q=m:warp2", "", &thread[1..2], ""),
    ] {
        let reply = post(&format!("/cloth/?{query}"), body).ok();
        assert_eq!(reply.says("content-type"), "application/gzip");
        assert_eq!(reply.header("content-encoding"), None);
        assert_eq!(mailed(&reply), expected, "{query} {body}");
        let given = reply.says("content-disposition");
        assert!(given.ends_with(name), "{given}");
    }
    let reply = post("/cloth/?x=m&q=nosuchword", "").status(404);
    assert_eq!(reply.text(), "No results found\n");
    assert_eq!(reply.says("content-type"), "text/plain");
    post("/cloth/?x=m&q=NOT+x", "").status(400);
    post("/nope/?x=m&q=x", "").status(404);
}

#[test]
fn all_mail_comes_where_nothing_is_asked_for() {
    let reply = post("/cloth/?x=m&q=", "").ok();
    assert!(reply.says("content-disposition").ends_with("=all.mbox.gz"));
    let all = mailed(&reply);
    assert_eq!((all.len(), all[0].as_str()), (35, "warp/1@x"));
}

#[test]
fn a_thread_is_searched_by_itself() {
    let site = looms();
    let reply = site.get("/cloth/warp3@x/?q=shuttle").ok();
    let links: Vec<String> = hrefs(&reply.text());
    assert_eq!(found(&reply), ["../warp2@x", "../warp%2F1@x"]);
    assert!(links.contains(&"../_/text/help/".to_owned()), "{links:?}");
    site.get("/cloth/warp3@x/?q=herringbone").status(404);
    site.get("/cloth/nope@x/?q=shuttle").status(300);
    let posted = |path: &str| post(path, "");
    // b4 asks for what is new in a thread.
    let since = posted("/cloth/warp2@x/?x=m&q=dt%3A20260101000200..").ok();
    assert_eq!(mailed(&since), ["warp3@x", "warp2@x"]);
    let whole = posted("/cloth/warp2@x/?x=m&q=").ok();
    assert_eq!(mailed(&whole), ["warp/1@x", "warp2@x", "warp3@x"]);
    posted("/cloth/warp2@x/?x=m&q=rt:4000000000..").status(404);
    posted("/cloth/nope@x/?x=m&q=rt:1..").status(404);
    posted("/cloth/nope@x/?x=m&q=").status(404);
}

#[test]
fn the_whole_site_is_searched_but_for_what_is_hidden() {
    let reply = get("/?q=shuttle").ok();
    assert_eq!(
        found(&reply),
        [
            "yarn/wool@x",
            "cloth/cross@x",
            "cloth/warp2@x",
            "cloth/warp%2F1@x"
        ]
    );
    let page = text(&reply.text());
    assert!(page.contains("%] in cloth, yarn\n"), "{page}");
    assert!(!page.contains("attic") && page.contains("of 4"), "{page}");
    // Who knows the name of a hidden list can search it.
    assert_eq!(found(&get("/attic/?q=mine").ok()), ["secret@x"]);
    get("/?q=mine").status(404);
    get("/?q=NOT+x").status(400);
    assert!(get("/").ok().text().contains("name=\"q\""));
}

#[test]
fn a_search_of_all_lists_has_every_view_at_the_root_and_at_all() {
    let site = looms();
    for (at, up, first) in [("/", "", "yarn/wool@x"), ("/all/", "../", "wool@x")] {
        let asked = |rest: &str| format!("{at}?q=shuttle{rest}");
        let rows = get(&asked("")).ok();
        assert_eq!(found(&rows)[0], first, "{at}");
        let links = hrefs(&rows.text());
        for list in ["cloth", "yarn"] {
            let link = format!("{up}{list}/cross@x/");
            assert!(links.contains(&link), "{at}: {link} in {links:?}");
        }
        assert!(text(&rows.text()).contains("%] in cloth, yarn\n"), "{at}");
        // A message that went to two lists is one message in every view.
        let feed = get(&asked("&x=A")).ok().text();
        assert_eq!(feed.matches("<entry>").count(), 4, "{at}: {feed}");
        let entry = format!("{}all/cross@x/\"", site.url());
        assert_eq!(feed.matches(&entry).count(), 1, "{at}: {entry} in {feed}");
        let own = format!("href=\"{}{}?q=shuttle&amp;x=A\"", site.url(), &at[1..]);
        assert!(feed.contains(&own), "{at}: {own} in {feed}");
        let nested = get(&asked("&x=t")).ok().text();
        assert_eq!(nested.matches("[relevance ").count(), 4, "{at}: {nested}");
        let links = hrefs(&nested);
        let own = if at == "/" {
            "all/cross@x/"
        } else {
            "cross@x/"
        };
        for link in [own.to_owned(), format!("{up}yarn/cross@x/")] {
            assert!(links.contains(&link), "{at}: {link} in {links:?}");
        }
        assert!(text(&nested).contains("  Lists: cloth, yarn\n"), "{at}");
        let results = post(&asked("&x=m"), "").ok();
        let expected = ["wool@x", "cross@x", "warp2@x", "warp/1@x"];
        assert_eq!(mailed(&results), expected, "{at}");
        let threads = post(&asked("&x=m"), "x=m").ok();
        assert_eq!(mailed(&threads).len(), 5, "{at}");
        post(&format!("{at}?q=nosuchword&x=m"), "").status(404);
        post(&format!("{at}?q=mine&x=m"), "").status(404);
        get(&format!("{at}?q=mine&x=A")).status(404);
    }
    // One row for a thread, whichever list its messages went to.
    assert_eq!(found(&get("/?q=s:warp&t").ok()), ["cloth/warp3@x"]);
}

#[test]
fn who_does_not_know_the_language_fills_in_a_form() {
    let to = get("/cloth/?q=a+OR+b&s=warp+weft&f=&d=2026-01-01&e=&r=1").moved(302);
    assert!(
        to.ends_with("cloth/?q=(a+OR+b)+s:warp+s:weft+d:20260101..&r")
            || to.ends_with("./?q=(a+OR+b)+s:warp+s:weft+d:20260101..&r"),
        "{to}"
    );
    assert!(
        get("/cloth/?q=nosuchword")
            .text()
            .contains("<details open>")
    );
}

#[test]
fn the_query_stays_in_the_box_and_keeps_its_view() {
    let html = get("/cloth/?q=s:%22warp+and%22&x=t&r").ok().text();
    assert!(html.contains("value=\"s:&#34;warp and&#34;\""), "{html}");
    assert!(html.contains("<input type=\"hidden\" name=\"x\" value=\"t\">"));
    assert!(html.contains("<input type=\"hidden\" name=\"r\" value=\"1\">"));
}

#[test]
fn an_id_that_was_cut_is_completed() {
    for part in [
        "pick-number-07",
        "pick-number-07@weav",
        "ick-number-07@weaver.ex",
    ] {
        let reply = get(&format!("/cloth/{part}/")).status(300);
        let page = text(&reply.text());
        assert!(page.contains("1 partial match found:"), "{part}: {page}");
        assert!(
            page.contains("/cloth/pick-number-07@weaver.example/"),
            "{page}"
        );
    }
    let many = text(&get("/cloth/pick-number-1@/").text());
    assert!(many.contains("10 partial matches found:"), "{many}");
    let none = text(&get("/cloth/pick-number-7@weaver/").text());
    assert!(!none.contains("partial match"), "{none}");
}

#[test]
fn long_or_lists_of_patch_ids_are_answered() {
    let ids: Vec<String> = (0..400).map(|n| format!("patchid%3A{n:040x}")).collect();
    let query = ids.join("+OR+");
    let reply = post(&format!("/cloth/?x=m&t=1&q={query}"), "x=m");
    assert!([404, 400, 414].contains(&reply.status), "{}", reply.status);
    assert_ne!(reply.status, 400, "{}", reply.text());
}
