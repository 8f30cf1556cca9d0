//! Who goes first when processors are scarce.

use rustix::process::{Pid, setpriority_process};

/// How nice a thread is that works for a visitor who has time.
const NICE: i32 = 10;
/// How nice a program is. There are several at once, each of which would take a tenth of what a thread of ours gets were it
/// as nice as that; so it takes a seventieth.
const NICEST: i32 = 19;

/// Lets everybody else go before this process and those that it starts from now on. Where that is not allowed all stays
/// as it is.
pub fn give_way(process: u32) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    if let Some(process) = process {
        let _ = setpriority_process(Some(process), NICEST);
    }
}

/// Lets everybody else go before this thread: on Linux each has a priority of its own.
pub fn give_way_here() {
    let _ = setpriority_process(None, NICE);
}
