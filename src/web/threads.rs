//! The threads on which answers are worked out, besides those that read requests.
//!
//! What is dear has threads of its own, which give way: where processors are scarce, who reads messages and lists goes
//! first, and a flood of searches has what is left. A thread that gave way once cannot go back, so they are not shared.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use super::class::Class;
use crate::net;

/// Its threads begin when there is work, and end when there was none for ten seconds. `None` where the system has given
/// none; then all share the others.
static PATIENT: OnceLock<Option<Runtime>> = OnceLock::new();

/// Works on an answer of that class.
pub(super) fn spawn<T: Send + 'static>(
    class: Class,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let patient = match class {
        Class::Page | Class::List => None,
        Class::Search | Class::Bulk => PATIENT.get_or_init(patient).as_ref(),
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the doors come here, with a pass"
    )]
    match patient {
        Some(patient) => patient.spawn_blocking(work),
        None => tokio::task::spawn_blocking(work),
    }
}

fn patient() -> Option<Runtime> {
    let built = Builder::new_current_thread()
        .thread_name("patient")
        .on_thread_start(net::give_way_here)
        .build();
    built
        .inspect_err(|error| tracing::warn!("no threads that give way: {error}"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::spawn;
    use crate::web::class::Class;

    /// How nice the thread is that asks (proc(5)).
    fn niceness() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, after_name) = stat.rsplit_once(')').unwrap();
        after_name.split(' ').nth(17).unwrap().parse().unwrap()
    }

    #[tokio::test]
    async fn what_is_dear_gives_way_to_what_is_read() {
        let own = niceness();
        for class in Class::ALL {
            let given = spawn(class, niceness).await;
            let dear = matches!(class, Class::Search | Class::Bulk);
            assert_eq!(given.unwrap() > own, dear, "{class:?}");
        }
    }
}
