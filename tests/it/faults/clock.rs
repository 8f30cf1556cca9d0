//! The clock goes back, or was ahead.

use std::fs;
use std::time::Duration;

use crate::support::wait_until;

use super::{Numbers, all_is_well, world};

#[test]
fn the_clock_goes_back() {
    let (world, _) = world(12);
    world.index();
    world.done(&["rm", "test", "-n", "3"]);
    // As written by a clock that was years ahead.
    let file = world.path("lists/test/tombstones");
    let text = fs::read_to_string(&file).unwrap();
    let year = &text.lines().nth(1).unwrap()[..4];
    fs::write(&file, text.replace(&format!("\n{year}-"), "\n2190-")).unwrap();
    world.done(&["rm", "test", "-n", "4"]);
    world.done(&["purge", "test", "-n", "5"]);
    let server = world.serve();
    for n in [2, 3, 4] {
        wait_until("each is gone", || {
            server.get(&format!("/test/m{n}@weaver.example/")).status == 410
        });
    }
    // Files of the index that are from the future, and commits that are not in the order of their dates.
    let future = fs::File::options()
        .write(true)
        .open(world.path("index/catalogue.sqlite3"))
        .unwrap();
    future
        .set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1 << 33))
        .unwrap();
    all_is_well(&world, "clock", Numbers::Fewer);
}
