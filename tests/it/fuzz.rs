//! The corpus of the fuzz targets, replayed: what was found once does not come back (`docs/fuzzing.md`).

#[path = "../../fuzz/src/lib.rs"]
#[allow(
    unreachable_pub,
    reason = "the programs of the fuzz targets are other crates"
)]
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

/// The files of a directory, in order; none where there is no such directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}

#[test]
fn every_file_of_the_corpus_passes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, target) in targets::TARGETS {
        let kept = files(&root.join("fuzz/corpus").join(name));
        assert!(!kept.is_empty(), "{name} has no corpus");
        for file in kept {
            // Named before it runs: a panic shows what was said last.
            println!("{}", file.display());
            target(&fs::read(&file).unwrap());
        }
    }
}

#[test]
fn every_fixture_passes_as_mail_and_as_headers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = files(&root.join("tests/fixtures/mail"));
    assert!(fixtures.len() > 50);
    for file in fixtures {
        println!("{}", file.display());
        let bytes = fs::read(&file).unwrap();
        targets::mail(&bytes);
        targets::headers(&bytes);
        targets::diff(&bytes);
    }
}

#[test]
fn every_target_has_its_program_and_every_program_its_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let stem = |file: PathBuf| file.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut programs: Vec<String> = files(&root.join("fuzz/targets"))
        .into_iter()
        .map(stem)
        .collect();
    let mut names: Vec<String> = targets::TARGETS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    programs.sort();
    names.sort();
    assert_eq!(programs, names);
}
