//! Whether markup is what this house writes, and nothing of a stranger's. For tests; the fuzz targets include this file.

/// Reads the markup as strictly as XML, with the few tags and attributes that this room uses.
pub(crate) fn check(html: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some((text, tail)) = rest.split_once('<') {
        check_text(text)?;
        let (tag, after) = tail.split_once('>').ok_or("a tag without an end")?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        if !["a", "b", "u", "span", "pre", "details", "summary"].contains(&name) {
            return Err(format!("<{tag}>"));
        }
        while !attributes.is_empty() {
            let (key, value) = attributes.split_once("=\"").ok_or("no value")?;
            let (value, next) = value.split_once('"').ok_or("an open value")?;
            check_text(value)?;
            match key.trim_start() {
                "id" | "class" => {}
                "href" => check_href(value)?,
                _ => return Err(format!("attribute {key}")),
            }
            attributes = next;
        }
        open.push(name);
    }
    check_text(rest)?;
    if open.is_empty() {
        Ok(())
    } else {
        Err(format!("left open: {open:?}"))
    }
}

fn check_text(text: &str) -> Result<(), String> {
    for (at, c) in text.char_indices() {
        let bad = match c {
            '<' | '>' | '"' | '\'' => true,
            '\n' | '\t' => false,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => true,
            '&' => !["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"]
                .iter()
                .any(|entity| text[at..].starts_with(entity)),
            c => c.is_control(),
        };
        if bad {
            return Err(format!("{c:?} in {text:?}"));
        }
    }
    Ok(())
}

fn check_href(href: &str) -> Result<(), String> {
    let scheme = href
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    let ours = href.starts_with("../") || href.starts_with('#') || href == "raw";
    let attachment = href.starts_with(|c: char| c.is_ascii_digit());
    let known = scheme.is_some_and(|scheme| {
        let linked = [
            "https", "http", "ftps", "ftp", "nntps", "nntp", "imaps", "imap", "snews", "news",
            "gopher", "gemini",
        ];
        linked.contains(&scheme.as_str())
    });
    if ours || attachment || known {
        Ok(())
    } else {
        Err(format!("href {href:?}"))
    }
}
