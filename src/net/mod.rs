//! Connections before they speak a protocol: where to listen, sockets that come from elsewhere, TLS, and what the
//! one who started us is told.

mod blocking;
mod bound;
mod descriptors;
mod hand_over;
mod inherited;
mod listener;
mod notify;
mod place;
mod priority;
mod proxy;
mod stream;
mod tls;

pub use blocking::{BlockingListener, BlockingStream};
pub use descriptors::raise_descriptors;
pub use hand_over::{HandOver, HandedOver, Successor};
pub use inherited::Inherited;
pub use listener::{Arrival, Listener};
pub use notify::{Said, notify, watchdog};
pub use place::{At, Place};
pub use priority::{give_way, give_way_here};
pub use stream::Stream;
pub use tls::{Certificates, Pair};
