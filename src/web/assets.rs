//! Files of our own: the style sheet under a name made of its content, the picture for tabs, robots.txt.

use std::fmt::Write;
use std::sync::LazyLock;

use sha1::{Digest, Sha1};

use super::answer::{Answer, Media};
use super::error::WebError;
use super::freshness::Fresh;

const STYLE: &str = include_str!("../../static/style.css");
const ICON: &str = include_str!("../../static/favicon.svg");
const ROBOTS: &str = include_str!("../../static/robots.txt");

static STYLE_NAME: LazyLock<String> = LazyLock::new(|| {
    let mut name = "style.".to_owned();
    for byte in Sha1::digest(STYLE.as_bytes()).iter().take(6) {
        let _ = write!(name, "{byte:02x}");
    }
    name + ".css"
});

/// The name of the style sheet, which changes whenever the sheet does.
pub(super) fn style_name() -> &'static str {
    &STYLE_NAME
}

/// `/+/NAME`.
pub(super) fn show(name: &str) -> Result<Answer, WebError> {
    if name == style_name() {
        Ok(Answer::found(Media::Css, STYLE, Fresh::Forever))
    } else if name == "icon.svg" {
        Ok(icon())
    } else if name.starts_with("style.") && name.ends_with(".css") {
        // A page of the version before, still open somewhere: better today's style than none.
        Ok(Answer::found(Media::Css, STYLE, Fresh::Never))
    } else {
        Err(WebError::MISSING)
    }
}

/// `/favicon.ico`: browsers ask for it whatever pages say, and take any picture.
pub(super) fn icon() -> Answer {
    Answer::found(Media::Svg, ICON, Fresh::Daily)
}

/// `/robots.txt`.
pub(super) fn robots() -> Answer {
    Answer::found(Media::Plain, ROBOTS, Fresh::Daily)
}

#[cfg(test)]
mod tests {
    use super::{show, style_name};
    use crate::web::freshness::Fresh;

    #[test]
    fn the_hashed_name_may_be_kept_forever_and_others_not() {
        assert!(style_name().len() == "style.0123456789ab.css".len());
        assert!(show(style_name()).is_ok_and(|a| a.fresh == Fresh::Forever));
        assert!(show("style.old.css").is_ok_and(|a| a.fresh == Fresh::Never));
        assert!(show("../etc/passwd").is_err());
    }
}
