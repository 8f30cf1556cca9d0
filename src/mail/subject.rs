//! `Re:` and the normal form of subjects.

use sha1::{Digest, Sha1};

/// A subject without its first `Re: `. Only one is taken, as public-inbox does; a `Re:` that no blank follows
/// belongs to the subject.
pub fn strip_re(subject: &str) -> &str {
    let bare = match subject.get(..3) {
        Some(prefix) if prefix.eq_ignore_ascii_case("re:") => &subject[3..],
        _ => return subject,
    };
    let trimmed = bare.trim_start();
    if trimmed.len() < bare.len() {
        trimmed
    } else {
        subject
    }
}

/// A subject as replies share it: white space squeezed, no dots at its end, one leading `Re: ` taken away.
pub fn normalize_subject(subject: &str) -> String {
    let is_squeezed = subject.is_ascii()
        && subject.trim_ascii().len() == subject.len()
        && !subject.contains("  ")
        && !subject.bytes().any(|b| b < b' ');
    if is_squeezed {
        // As most are: then nothing needs to be put together.
        return strip_re(subject.trim_end_matches('.')).to_owned();
    }
    let squeezed = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    strip_re(squeezed.trim_end_matches('.')).to_owned()
}

/// What mails of one subject have in common, however they write it. `None` for an empty subject, which has nothing
/// in common with any other.
pub fn subject_key(subject: &str) -> Option<i64> {
    let path = subject_path(subject);
    if path.is_empty() {
        return None;
    }
    let hash = Sha1::digest(path.as_bytes());
    let head = hash.first_chunk::<8>()?;
    Some(i64::from_be_bytes(*head))
}

/// The normal form in lower case, each run of characters other than words and `.~/-` as one `_`.
fn subject_path(subject: &str) -> String {
    let normal = normalize_subject(subject);
    let mut path = String::with_capacity(normal.len());
    let mut in_run = false;
    for c in normal.chars() {
        let word = c.is_alphanumeric() || "_.~/-".contains(c);
        if word {
            path.extend(c.to_lowercase());
        } else if !in_run {
            path.push('_');
        }
        in_run = !word;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::{normalize_subject, strip_re, subject_key, subject_path};

    #[test]
    fn one_re_is_taken_away() {
        for (given, bare) in [
            ("Re: hi", "hi"),
            ("RE:  hi", "hi"),
            ("Re: Re: hi", "Re: hi"),
            ("Re:hi", "Re:hi"),
            ("Re:", "Re:"),
            ("Regards", "Regards"),
            ("é", "é"),
            ("", ""),
        ] {
            assert_eq!(strip_re(given), bare, "{given}");
        }
    }

    #[test]
    fn subjects_have_a_normal_form() {
        for (given, normal) in [
            ("  Re:  a\n b ", "a b"),
            ("Re: hi...", "hi"),
            ("re: re: x", "re: x"),
            ("....", ""),
        ] {
            assert_eq!(normalize_subject(given), normal, "{given}");
        }
    }

    #[test]
    fn paths_are_what_public_inbox_makes_of_subjects() {
        for (given, path) in [
            ("[TECH TOPIC] Rust for Linux", "_tech_topic_rust_for_linux"),
            (
                "Undelivered Mail Returned to Sender",
                "undelivered_mail_returned_to_sender",
            ),
            (
                "C aggregate passing (Rust kernel policy)",
                "c_aggregate_passing_rust_kernel_policy_",
            ),
            ("a/b~c.d-e", "a/b~c.d-e"),
        ] {
            assert_eq!(subject_path(given), path);
        }
    }

    #[test]
    fn a_reply_shares_the_key_of_what_it_answers() {
        assert_eq!(
            subject_key("Re: Hello,  World."),
            subject_key("hello, world")
        );
        assert_ne!(subject_key("hello"), subject_key("hello2"));
        assert_eq!(subject_key(" "), None);
    }
}
