//! Hostile input and abuse, row by row: what others were hurt by, and the tests that it does not hurt here.
//!
//! A row is one kind of input. Its tests come to it by every door that it can take: the indexer and each page, feeds,
//! mboxes, search, addresses, sockets, config. A row without a test that is there fails.

mod doors;
mod mail;
mod size;
mod sound;

use std::fs;
use std::path::Path;

/// One kind of input: its name, what it is, and the tests for it, as paths below `tests/it` or, after `src::`, below
/// `src`.
struct Row(&'static str, &'static str, &'static [&'static str]);

const ROWS: [Row; 72] = [
    // Headers and identity.
    Row(
        "id/markup",
        "a Message-ID with quotes, brackets and handlers",
        &[
            "hostile::mail::ids_with_markup",
            "web::hostile::ids_that_look_like_paths_or_programs_are_shown_as_ids",
            "src::render::safety::no_thread_breaks_out",
        ],
    ),
    Row(
        "id/of-urls",
        "a Message-ID with characters that mean something in URLs",
        &[
            "hostile::mail::ids_with_characters_of_urls",
            "web::message::every_spelling_of_a_message_id_is_the_same_page",
            "src::url::parse::a_printed_message_id_is_read_back",
        ],
    ),
    Row(
        "id/path",
        "a Message-ID like a path or like one of our addresses",
        &[
            "hostile::mail::ids_like_paths",
            "web::hostile::ids_that_look_like_paths_or_programs_are_shown_as_ids",
        ],
    ),
    Row(
        "id/reserved",
        "a Message-ID that equals a name of ours",
        &["hostile::mail::ids_that_are_names_of_ours"],
    ),
    Row(
        "id/long",
        "a Message-ID of 300, 10,000, 1,000,000 bytes",
        &["hostile::mail::ids_without_end"],
    ),
    Row(
        "id/broken",
        "no Message-ID, an empty, an open, a folded one, or one with NUL",
        &[
            "hostile::mail::ids_that_are_none",
            "catalogue::mail_without_an_id_is_kept_and_takes_no_number",
        ],
    ),
    Row(
        "id/shared",
        "two mails of one Message-ID",
        &[
            "hostile::mail::two_mails_of_one_id",
            "web::message::two_mails_under_one_message_id_are_both_there",
            "web::copies::the_warning_on_a_message_page_leads_to_how_the_copies_differ",
        ],
    ),
    Row(
        "id/footer",
        "one mail twice, with and without the footer of a list",
        &["hostile::mail::copies_with_a_footer"],
    ),
    Row(
        "id/several",
        "a mail with several Message-IDs",
        &[
            "hostile::mail::several_ids_of_one_mail",
            "web::message::a_mail_is_found_by_each_of_its_message_ids",
        ],
    ),
    Row(
        "references/famous",
        "a stranger's mail that claims a famous thread for itself",
        &["hostile::mail::a_famous_thread_keeps_its_root"],
    ),
    Row(
        "references/loop",
        "mails that answer each other, or themselves",
        &[
            "hostile::mail::references_in_a_circle",
            "web::thread::loops_and_mails_that_answer_themselves_end",
        ],
    ),
    Row(
        "references/long",
        "50,000 references, a header of 1 MB",
        &["hostile::mail::references_without_end"],
    ),
    Row(
        "references/odd",
        "references in two pairs of brackets, or with commas",
        &["hostile::mail::references_in_odd_brackets"],
    ),
    Row(
        "subject/control",
        "a subject with NUL, CR, escapes, bidi overrides, of 1 MB",
        &["hostile::mail::subjects_that_control_terminals"],
    ),
    Row(
        "subject/empty",
        "no subject, an empty one, a thousand Re:",
        &["hostile::mail::subjects_of_nothing"],
    ),
    Row(
        "header/twice",
        "two Subjects, two Froms, two Dates, two Content-Types",
        &["hostile::mail::headers_that_come_twice"],
    ),
    Row(
        "date/wrong",
        "dates that are missing, of long ago, of the far future, or none",
        &["hostile::mail::dates_of_another_world"],
    ),
    Row(
        "from/odd",
        "10,000 senders, groups, open quotes, bare names",
        &["hostile::mail::senders_of_all_kinds"],
    ),
    Row(
        "words/encoded",
        "encoded words in unknown charsets, cut, broken, 10,000 of them",
        &["hostile::mail::encoded_words_that_are_broken"],
    ),
    Row(
        "header/raw",
        "raw bytes of any charset in headers",
        &["hostile::mail::raw_bytes_in_headers"],
    ),
    Row(
        "header/long",
        "a header without an end, a million headers",
        &["hostile::mail::headers_without_end"],
    ),
    Row(
        "header/injected",
        "line breaks that would become headers of ours",
        &[
            "hostile::mail::names_that_would_be_headers",
            "web::hostile::odd_paths_are_answered_and_lead_nowhere_else",
            "src::web::head::file_names_cannot_break_a_header",
        ],
    ),
    Row(
        "header/mbox",
        "headers that mean something in an mbox",
        &["hostile::mail::headers_of_mailboxes_are_left_out_of_them"],
    ),
    // MIME.
    Row(
        "mime/deep",
        "10,000 multiparts in each other",
        &["hostile::mail::parts_ten_thousand_deep"],
    ),
    Row(
        "mime/many",
        "100,000 parts, a million",
        &[
            "hostile::mail::parts_without_number",
            "hostile::size::a_million_parts",
        ],
    ),
    Row(
        "mime/rfc822",
        "5,000 mails in each other",
        &["hostile::mail::mails_in_mails"],
    ),
    Row(
        "mime/boundary",
        "boundaries that are missing, empty, of 10 kB, prefixes of others, never closed",
        &["hostile::mail::boundaries_of_all_kinds"],
    ),
    Row(
        "mime/none",
        "a multipart of no parts, a text with multipart headers",
        &["hostile::mail::multiparts_that_are_none"],
    ),
    Row(
        "mime/coding",
        "base64, quoted-printable, uuencode and yEnc with mistakes",
        &["hostile::mail::codings_with_mistakes"],
    ),
    Row(
        "mime/charset",
        "charsets with states, without byte order, or with a path for a name",
        &[
            "hostile::mail::charsets_of_all_kinds",
            "web::message::text_of_every_charset_is_decoded",
        ],
    ),
    Row(
        "html/alive",
        "HTML mail with scripts, handlers, styles, SVG",
        &[
            "hostile::mail::html_that_would_live",
            "web::message::html_mail_is_shown_as_text_and_nothing_of_it_lives",
        ],
    ),
    Row(
        "html/deep",
        "200,000 elements in each other",
        &["hostile::mail::html_without_bottom"],
    ),
    Row(
        "html/pixels",
        "pictures that tell who reads",
        &["hostile::mail::pictures_that_tell_who_reads"],
    ),
    Row(
        "attachment/name",
        "attachments with names that are paths, devices, programs, or 5,000 long",
        &[
            "hostile::mail::attachments_with_ambitions",
            "web::attachment::odd_names_become_safe_ones",
        ],
    ),
    Row(
        "attachment/html",
        "an attachment of HTML, asked for by its address",
        &[
            "hostile::mail::attachments_with_ambitions",
            "web::attachment::html_and_names_with_ambitions_do_no_harm",
        ],
    ),
    Row(
        "attachment/number",
        "an attachment that is not there",
        &[
            "hostile::mail::attachments_with_ambitions",
            "web::attachment::parts_that_are_not_there_are_not_found",
        ],
    ),
    Row(
        "attachment/bomb",
        "archives that would be large if they were unpacked",
        &["hostile::mail::archives_are_never_unpacked"],
    ),
    Row(
        "attachment/opaque",
        "winmail.dat, S/MIME, PGP",
        &["hostile::mail::sealed_parts_are_shown_as_parts"],
    ),
    Row(
        "text/lines",
        "flowed text, a line of 10 MB, all kinds of line ends",
        &["hostile::mail::lines_of_all_kinds"],
    ),
    Row(
        "patch/large",
        "200,000 lines of diff, 5,000 files, a patch of 50 MB",
        &[
            "hostile::size::a_patch_of_fifty_megabytes",
            "hostile::mail::patches_without_end",
            "src::render::body::what_is_too_long_is_left_out_and_said_to_be",
        ],
    ),
    Row(
        "patch/forged",
        "hunks that lie about their length, file names with escapes and dots",
        &[
            "hostile::mail::patches_that_lie",
            "src::render::safety::no_body_breaks_out",
        ],
    ),
    Row(
        "patch/headers",
        "tricks with the order of diff headers, index lines of nothing",
        &["hostile::mail::patches_that_lie"],
    ),
    Row(
        "text/from",
        "lines that begin with From",
        &[
            "hostile::mail::from_lines_come_back",
            "src::mail::message::mboxrd_gives_the_mail_back",
            "src::mail::mbox::a_from_line_among_the_headers_begins_no_other_mail",
            "web::mbox::the_whole_list_comes_back_byte_for_byte",
        ],
    ),
    Row(
        "text/urls",
        "100,000 URLs, parentheses, punctuation, other alphabets",
        &[
            "hostile::mail::urls_without_number",
            "src::render::safety::no_url_breaks_out",
        ],
    ),
    Row(
        "text/regex",
        "text that makes pattern matchers slow",
        &[
            "hostile::mail::text_that_is_made_to_be_slow",
            "src::render::safety::text_that_is_made_to_be_slow_is_not",
        ],
    ),
    Row(
        "subject/patch",
        "patch numbers beyond all numbers",
        &["hostile::mail::patch_numbers_beyond_all_numbers"],
    ),
    Row(
        "text/trailers",
        "trailers that claim somebody else",
        &["hostile::mail::trailers_are_words_of_their_sender"],
    ),
    Row(
        "text/xml",
        "control characters and noncharacters in feeds",
        &[
            "hostile::mail::characters_that_xml_has_not",
            "src::web::atom::a_feed_is_well_formed_whatever_mail_says",
        ],
    ),
    Row(
        "text/agents",
        "text that gives orders to programs",
        &["hostile::mail::orders_to_programs_are_words"],
    ),
    // The store, and what comes into it.
    Row(
        "mbox/unquoted",
        "an mbox with From lines in its bodies",
        &[
            "src::ingest::source::mbox::mails_are_parted_where_a_header_follows_a_from_line_behind_a_blank_one",
        ],
    ),
    Row(
        "mbox/broken",
        "an mbox that is cut, mixed, empty, full of NUL",
        &[
            "src::ingest::source::mbox::quoted_lines_are_read_as_the_format_has_it",
            "src::ingest::source::mbox::a_count_is_believed_until_one_is_wrong",
            "src::ingest::source::mbox::every_offset_that_was_told_can_be_gone_on_from",
        ],
    ),
    Row(
        "mbox/scrubbed",
        "an mbox of Pipermail, its addresses and attachments scrubbed",
        &["src::ingest::source::mbox::pipermail_is_known_by_its_addresses"],
    ),
    Row(
        "import/again",
        "an import that is run twice, or killed",
        &[
            "store::what_was_not_committed_is_as_if_it_had_never_been",
            "store::a_writer_that_was_killed_keeps_nobody_out",
        ],
    ),
    Row(
        "import/private",
        "a list that is not to be read",
        &[
            "web::all::mail_of_a_hidden_list_is_not_among_it",
            "web::search::the_whole_site_is_searched_but_for_what_is_hidden",
        ],
    ),
    Row(
        "import/hidden",
        "mail that was taken out and comes again",
        &[
            "index::what_was_removed_is_gone_from_every_page",
            "index::what_was_removed_may_come_again",
        ],
    ),
    Row(
        "git/rewritten",
        "history that was rewritten",
        &[
            "index::a_purged_mail_is_gone_and_the_others_stay",
            "index::an_edited_mail_shows_its_new_words_only",
            "index::a_purge_is_followed_by_a_running_server",
            "catalogue::a_rewritten_history_is_followed_and_numbers_stay",
        ],
    ),
    Row(
        "git/odd",
        "epochs out of order, commits without mail, broken packs, alternates in a circle",
        &[
            "index::epochs_follow_each_other_also_with_gaps",
            "index::commits_without_mail_stop_nothing_and_are_counted",
            "store::flipped_bits_are_never_worse_than_an_error",
            "store::alternates_that_go_in_a_circle_are_harmless",
        ],
    ),
    Row(
        "git/vanished",
        "a blob that is gone when it is read",
        &[
            "hostile::doors::a_mail_that_git_has_lost_is_missing_alone",
            "store::damaged_objects_are_errors_of_their_own",
            "index::an_object_that_is_lost_stops_nothing",
        ],
    ),
    Row(
        "index/corrupt",
        "an index that is damaged, of another version, or deleted",
        &[
            "hostile::doors::an_index_that_is_damaged_or_gone_is_made_again",
            "catalogue::words_that_were_lost_are_made_again",
        ],
    ),
    Row(
        "index/two",
        "two writers, clocks that go back",
        &[
            "store::writers_take_turns",
            "hostile::mail::dates_of_another_world",
        ],
    ),
    Row(
        "manifest/hostile",
        "a manifest with paths that lead out",
        &[
            "src::mirror::manifest::hostile_manifests_are_refused_and_it_is_said_why",
            "mirror::hostile_manifests_are_refused_and_leave_nothing_behind",
            "serve::no_link_leads_out_of_a_repository",
        ],
    ),
    // HTTP.
    Row(
        "query/odd",
        "quotes, 300 parentheses, NOT × 100, 1 MB, NUL",
        &[
            "web::hostile::odd_searches_are_answered_in_time",
            "web::search::every_question_has_an_answer",
            "src::search::tests::no_query_makes_a_search_panic",
        ],
    ),
    Row(
        "query/parameters",
        "parameters that are negative, huge, unknown, repeated",
        &["hostile::doors::odd_parameters_have_defined_results"],
    ),
    Row(
        "address/odd",
        "paths with NUL, bad escapes, dots, hosts, backslashes, 64 kB",
        &[
            "web::hostile::odd_paths_are_answered_and_lead_nowhere_else",
            "limits::a_request_line_or_head_that_is_too_long_is_refused",
            "src::url::parse::any_path_is_answered",
        ],
    ),
    Row(
        "address/host",
        "a Host of somebody else",
        &["web::hostile::the_host_header_is_never_believed"],
    ),
    Row(
        "http/conditions",
        "HEAD, Range, validators and codings of any form",
        &[
            "web::protocol::head_has_the_headers_of_get_and_no_body",
            "web::protocol::validators_are_answered_whatever_their_form",
            "web::protocol::pages_are_coded_as_asked_for",
            "git::files_of_objects_come_in_parts_and_are_kept_for_good",
        ],
    ),
    Row(
        "http/bodies",
        "a body of 10 GB, without end, with two lengths",
        &[
            "web::hostile::a_body_without_end_is_cut_off",
            "limits::a_form_that_is_too_large_is_refused",
            "limits::bodies_of_requests_that_have_no_use_for_one_are_not_awaited",
        ],
    ),
    Row(
        "http/stalled",
        "a reader who stops reading",
        &[
            "web::hostile::readers_who_stop_reading_hold_up_nobody",
            "src::web::stream::a_reader_who_stops_is_given_up_and_others_compute_meanwhile",
            "src::web::stall::a_reader_who_takes_nothing_is_given_up",
        ],
    ),
    Row(
        "http/broken-off",
        "a failure after bytes were sent",
        &[
            "hostile::doors::an_answer_that_fails_on_its_way_is_broken_off",
            "src::web::stream::a_writer_that_is_dropped_without_an_end_breaks_the_stream",
        ],
    ),
    Row(
        "http/many",
        "idle connections and clones without number",
        &[
            "limits::silent_connections_make_room_for_new_ones",
            "limits::one_network_has_its_share_of_connections",
            "web::hostile::slow_and_silent_visitors_do_not_keep_others_out",
        ],
    ),
    Row(
        "thread/large",
        "a thread of 5,000 messages",
        &["hostile::doors::a_thread_of_five_thousand_streams"],
    ),
    Row(
        "http/unknown",
        "a POST that searches an inbox that is not there",
        &["hostile::doors::what_is_posted_to_nobody_is_not_a_search"],
    ),
];

/// Where a test is to be found, and its name.
fn place(test: &str) -> (String, &str) {
    let (path, name) = test.rsplit_once("::").unwrap();
    let path = match path.strip_prefix("src::") {
        Some(path) => format!("src/{}", path.replace("::", "/")),
        None => format!("tests/it/{}", path.replace("::", "/")),
    };
    (path, name)
}

#[test]
fn every_row_has_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = std::collections::HashSet::new();
    let mut missing = Vec::new();
    for Row(row, what, tests) in &ROWS {
        assert!(names.insert(row), "{row} stands there twice");
        assert!(!what.is_empty() && !tests.is_empty(), "{row} has no test");
        for test in *tests {
            let (path, name) = place(test);
            let files = [format!("{path}.rs"), format!("{path}/mod.rs")];
            let texts = files
                .iter()
                .filter_map(|file| fs::read_to_string(root.join(file)).ok());
            let texts: Vec<String> = texts.collect();
            let head = format!("fn {name}(");
            if !texts.iter().any(|text| text.contains(&head)) {
                missing.push(format!("{row}: {test}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
