//! The disk is full, at every write.

use std::process::{Command, Stdio};

use crate::support::World;

use super::{Numbers, all_is_well, world};

/// The program with no file of its own allowed to grow beyond so many blocks of 512 bytes: what a full disk looks like.
fn on_a_full_disk(world: &World, blocks: u64, args: &[&str]) -> std::process::Output {
    let program = world.program();
    let mut shell = Command::new("sh");
    // Ignored, so that to write fails (EFBIG) and does not kill.
    shell.args([
        "-c",
        &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""),
        "sh",
    ]);
    shell
        .arg(program.get_program())
        .args(args)
        .current_dir(world.path(""));
    shell.env_clear();
    shell.envs(
        program
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    shell.stdin(Stdio::null());
    shell.output().unwrap()
}

#[test]
fn a_full_disk_at_every_write() {
    let (world, _) = world(80);
    world.index();
    let expected = world.articles();
    let mut failed = 0;
    for blocks in [
        0, 1, 2, 4, 8, 16, 32, 64, 100, 150, 200, 300, 500, 800, 1200, 100_000,
    ] {
        std::fs::remove_dir_all(world.path("index")).unwrap();
        let output = on_a_full_disk(&world, blocks, &["index", "--all"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code().is_some(),
            "{blocks}: it was killed: {said}"
        );
        assert!(!said.contains("panicked"), "{blocks}: {said}");
        failed += u32::from(!output.status.success());
        world.done(&["index", "--all"]);
        assert_eq!(world.articles(), expected, "{blocks}");
        world.done(&["fsck"]);
    }
    assert!(failed > 3, "the disk was never full");
    let id = "m9@weaver.example";
    for blocks in [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 40, 80] {
        let output = on_a_full_disk(&world, blocks, &["purge", "test", "-m", id]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code().is_some() && !said.contains("panicked"),
            "{blocks}: {said}"
        );
        world.done(&["index", "--all"]);
        world.done(&["fsck"]);
    }
    world.done(&["purge", "test", "-m", id]);
    all_is_well(&world, "a full disk", Numbers::Fewer);
    assert_eq!(world.articles().len(), expected.len() - 1);
}
