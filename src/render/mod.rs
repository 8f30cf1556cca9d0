//! A message as pieces of HTML: pure functions, from what `mail` knows to [`Html`].
//!
//! Everything that mail wrote stands inside `<pre>`, and inside `<pre>` this room writes. A piece begins and ends
//! inside the `<pre>` that its template opened around it; where a quote is folded it closes that `<pre>` and opens
//! another. Without style sheet and without tags the lines are those of public-inbox.

mod addresses;
mod anchors;
mod body;
mod compare;
mod context;
mod diff;
mod entry;
mod files;
mod fold;
mod headers;
mod html;
mod linkify;
mod quote;
mod reply;
mod skeleton;

#[cfg(test)]
mod markup;
#[cfg(test)]
mod safety;

pub use addresses::Addresses;
pub use anchors::message as anchor;
pub use body::{BodyOptions, Budget, attachment_href, body, body_within};
pub use compare::{compare, plain, plain_headers};
pub use context::{Family, context};
pub use entry::{View, entry_foot, entry_head};
pub use headers::{Fields, HeaderOptions, headers};
pub use html::Html;
pub use linkify::linkify;
pub use reply::{Reply, ReplySettings, reply};
pub use skeleton::{Entry, Links, Sight, skeleton};
