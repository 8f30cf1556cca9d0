//! What a page may know of a request.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::http::header::{ACCEPT, HOST};
use axum::http::{HeaderMap, Method, request::Parts};
use bytes::Bytes;

use crate::url::Query;

/// A request, as far as pages look at it.
pub(super) struct Ask {
    /// Whether it is a POST.
    pub(super) post: bool,
    /// Its path as it came, percent-encoded.
    pub(super) path: String,
    /// What follows the `?` as it came; empty where there is nothing.
    pub(super) raw_query: String,
    /// The same, read.
    pub(super) query: Query,
    /// The body of a POST.
    pub(super) form: Bytes,
    /// Its headers.
    pub(super) headers: HeaderMap,
    /// Set as soon as the visitor has left; what takes long looks at it now and then.
    pub(super) gone: Arc<AtomicBool>,
}

impl Ask {
    /// Takes what pages need of a request.
    pub(super) fn new(parts: &Parts, form: Bytes) -> Ask {
        let raw_query = parts.uri.query().unwrap_or("").to_owned();
        Ask {
            post: parts.method == Method::POST,
            path: parts.uri.path().to_owned(),
            query: Query::parse(&raw_query),
            raw_query,
            form,
            headers: parts.headers.clone(),
            gone: Arc::default(),
        }
    }

    /// `../` as often as it takes from the page that was asked for up to its inbox. Counted in the path as it came,
    /// so that links hold also where a Message-ID was given with its slashes unescaped.
    pub(super) fn up_to_inbox(&self) -> String {
        let inside = self.path.bytes().filter(|b| *b == b'/').count();
        "../".repeat(inside.saturating_sub(2))
    }

    /// The same up to the root of the site.
    pub(super) fn up_to_site(&self) -> String {
        let inside = self.path.bytes().filter(|b| *b == b'/').count();
        "../".repeat(inside.saturating_sub(1))
    }

    /// The host that the request names: good for choosing, never for printing.
    pub(super) fn host(&self) -> Option<&str> {
        self.headers.get(HOST).and_then(|host| host.to_str().ok())
    }

    /// Whether it comes from somebody who reads pages: browsers name HTML among what they take, programs do not.
    pub(super) fn takes_html(&self) -> bool {
        let accepts = self.headers.get_all(ACCEPT).iter();
        let mut accepts = accepts.filter_map(|value| value.to_str().ok());
        accepts.any(|value| value.contains("text/html"))
    }

    /// A path with the query of this request.
    pub(super) fn with_query(&self, path: String) -> String {
        match self.raw_query.as_str() {
            "" => path,
            query => match path.split_once('#') {
                Some((path, fragment)) => format!("{path}?{query}#{fragment}"),
                None => format!("{path}?{query}"),
            },
        }
    }

    /// Whether the visitor was sent here by a page of another site. `site` is where ours is, if that is known.
    pub(super) fn is_from_elsewhere(&self, site: Option<&str>) -> bool {
        let text = |name: &str| self.headers.get(name).and_then(|v| v.to_str().ok());
        // Browsers of today say it themselves, whatever a proxy has made of our name.
        if let Some(from) = text("sec-fetch-site") {
            return from == "cross-site";
        }
        let Some(referer) = text("referer") else {
            return false;
        };
        let ours = [self.host(), site.and_then(host_of)];
        match host_of(referer) {
            Some(host) => !ours
                .iter()
                .flatten()
                .any(|ours| host.eq_ignore_ascii_case(ours)),
            None => true,
        }
    }
}

/// The host and port of a URL.
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use bytes::Bytes;

    use super::Ask;

    fn ask(path: &str, referer: Option<&str>) -> Ask {
        let mut request = Request::builder()
            .uri(path)
            .header("host", "lists.example:8080");
        if let Some(referer) = referer {
            request = request.header("referer", referer);
        }
        Ask::new(&request.body(()).unwrap().into_parts().0, Bytes::new())
    }

    #[test]
    fn the_way_up_is_counted_in_the_path_as_it_came() {
        for (path, inbox, site) in [
            ("/", "", ""),
            ("/x/", "", "../"),
            ("/x/?q=a/b", "", "../"),
            ("/x/new.html", "", "../"),
            ("/x/a@b/", "../", "../../"),
            ("/x/a/c@b/", "../../", "../../../"),
            ("/x/a%2Fc@b/T/", "../../", "../../../"),
        ] {
            let ask = ask(path, None);
            assert_eq!(
                (ask.up_to_inbox().as_str(), ask.up_to_site().as_str()),
                (inbox, site),
                "{path}"
            );
        }
    }

    #[test]
    fn links_from_other_sites_are_told_from_ours() {
        for (referer, elsewhere) in [
            (None, false),
            (Some("http://lists.example:8080/x/"), false),
            (Some("https://LISTS.example:8080"), false),
            (Some("https://public.example/x/"), false),
            (Some("https://evil.example/?lists.example:8080"), true),
            (Some("https://lists.example:8080.evil.example/"), true),
            (Some("nonsense"), true),
        ] {
            let told = ask("/x/", referer).is_from_elsewhere(Some("https://public.example/"));
            assert_eq!(told, elsewhere, "{referer:?}");
        }
        let mut ask = ask("/x/", Some("https://public.example/"));
        for (site, elsewhere) in [
            ("same-origin", false),
            ("none", false),
            ("cross-site", true),
        ] {
            ask.headers.insert("sec-fetch-site", site.parse().unwrap());
            assert_eq!(ask.is_from_elsewhere(None), elsewhere, "{site}");
        }
    }
}
