//! Pages without a visitor: for who writes them down.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE};

use super::app::App;

/// An answer as a whole.
#[derive(Clone, Debug)]
pub struct Captured {
    /// Its status.
    pub status: u16,
    /// Its `Content-Type`, without parameters.
    pub media: String,
    /// Its bytes, not compressed.
    pub body: Vec<u8>,
}

impl App {
    /// Asks for the page at `target`, a path with its query, as a browser would. `None` where that cannot be asked for, or
    /// where the answer broke off.
    pub async fn capture(&self, target: &str) -> Option<Captured> {
        let request = Request::builder().uri(target).header(ACCEPT, "text/html");
        let request = request.body(Body::empty()).ok()?;
        let (parts, body) = self.answer(request, None).await.into_parts();
        let body = to_bytes(body, usize::MAX).await.ok()?;
        let media = parts.headers.get(CONTENT_TYPE);
        let media = media.and_then(|media| media.to_str().ok()).unwrap_or("");
        Some(Captured {
            status: parts.status.as_u16(),
            media: media.split(';').next().unwrap_or("").trim().to_owned(),
            body: body.to_vec(),
        })
    }
}
