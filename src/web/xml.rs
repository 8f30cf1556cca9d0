//! Whether a text is well-formed XML. For tests; those outside include this file.

/// Reads it as strictly as a feed reader does, with the few things that feeds of ours use: no CDATA, no doctype.
pub(crate) fn check(xml: &str) -> Result<(), String> {
    if let Some(bad) = xml.chars().find(|c| !is_char(*c)) {
        return Err(format!("{bad:?} is no character of XML"));
    }
    let rest = xml.trim_start();
    let mut rest = match rest.strip_prefix("<?xml ") {
        Some(rest) => rest.split_once("?>").ok_or("an open declaration")?.1,
        None => rest,
    };
    let mut open: Vec<&str> = Vec::new();
    while let Some((text, tail)) = rest.split_once('<') {
        check_text(text)?;
        if open.is_empty() && !text.trim().is_empty() {
            return Err(format!("{text:?} outside of the root"));
        }
        let (tag, after) = tag(tail)?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name.trim_end()) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let (tag, closed) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        check_name(name)?;
        check_attributes(attributes)?;
        if !closed {
            open.push(name);
        }
    }
    if !rest.trim().is_empty() {
        return Err(format!("{rest:?} after the root"));
    }
    match open.is_empty() {
        true => Ok(()),
        false => Err(format!("left open: {open:?}")),
    }
}

/// A tag up to its `>`, which may stand in the value of an attribute.
fn tag(text: &str) -> Result<(&str, &str), String> {
    let mut quoted = None;
    for (at, c) in text.char_indices() {
        match (quoted, c) {
            (None, '>') => return Ok((&text[..at], &text[at + 1..])),
            (None, '"' | '\'') => quoted = Some(c),
            (Some(quote), c) if c == quote => quoted = None,
            (_, '<') => return Err("a < inside of a tag".to_owned()),
            _ => {}
        }
    }
    Err("a tag without an end".to_owned())
}

fn check_attributes(attributes: &str) -> Result<(), String> {
    let mut seen = Vec::new();
    let mut rest = attributes.trim();
    while !rest.is_empty() {
        let (name, tail) = rest
            .split_once("=\"")
            .ok_or("an attribute without a value")?;
        let (value, after) = tail.split_once('"').ok_or("an open value")?;
        check_name(name.trim())?;
        check_text(value)?;
        if seen.contains(&name.trim()) {
            return Err(format!("{name} twice"));
        }
        seen.push(name.trim());
        rest = after.trim_start();
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.');
    match !name.is_empty() && name.chars().all(fits) {
        true => Ok(()),
        false => Err(format!("{name:?} is no name")),
    }
}

fn check_text(text: &str) -> Result<(), String> {
    for (at, _) in text.match_indices('&') {
        let entity = text[at + 1..].split(';').next().unwrap_or("");
        let number = match entity.strip_prefix("#x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => entity
                .strip_prefix('#')
                .and_then(|number| number.parse().ok()),
        };
        let fine = match number {
            Some(number) => char::from_u32(number).is_some_and(is_char),
            None => ["amp", "lt", "gt", "quot", "apos"].contains(&entity),
        };
        if !fine {
            return Err(format!("the entity {entity:?}"));
        }
    }
    match text.contains("]]>") {
        true => Err("]]> in a text".to_owned()),
        false => Ok(()),
    }
}

/// XML 1.0, 2.2.
fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
