//! What is read here has to be what libgit2 reads, and damage has to be noticed.

use std::fs;
use std::path::{Path, PathBuf};

use super::Packed;
use crate::id::Oid;

const MAX: usize = 1 << 20;

/// A repository with one pack in which most objects are deltas, and their names.
fn repository(dir: &Path) -> (git2::Repository, Vec<Oid>) {
    let repo = git2::Repository::init_bare(dir).unwrap();
    let mut builder = repo.packbuilder().unwrap();
    let mut names = Vec::new();
    for n in 0..300_u32 {
        let lines = (0..400).map(|line| {
            format!(
                "line {line} of {}\n",
                if line % 40 == n % 40 { n } else { 0 }
            )
        });
        let text: String = lines.collect();
        let name = repo.blob(text.as_bytes()).unwrap();
        builder.insert_object(name, None).unwrap();
        names.push(Oid::from_bytes(name.as_bytes()).unwrap());
    }
    for size in [0, 1, 15, 16, 2047, 2048, 300_000] {
        let noise: Vec<u8> = (0..size as u64)
            .map(|i| (i.wrapping_mul(i) % 251) as u8)
            .collect();
        let name = repo.blob(&noise).unwrap();
        builder.insert_object(name, None).unwrap();
        names.push(Oid::from_bytes(name.as_bytes()).unwrap());
    }
    builder.write(&dir.join("objects/pack"), 0).unwrap();
    drop(builder);
    (repo, names)
}

fn pack_of(dir: &Path) -> PathBuf {
    let mut found = fs::read_dir(dir.join("objects/pack")).unwrap().flatten();
    let pack = found.find(|entry| entry.path().extension().is_some_and(|e| e == "pack"));
    pack.unwrap().path()
}

#[test]
fn all_objects_are_what_libgit2_says() {
    let dir = tempfile::tempdir().unwrap();
    let (repo, names) = repository(dir.path());
    let odb = repo.odb().unwrap();
    let length = fs::metadata(pack_of(dir.path())).unwrap().len();
    assert!(length < 1 << 20, "there are deltas in it: {length}");
    let packed = Packed::open(dir.path());
    for name in names.iter().chain(names.iter().rev()) {
        let (kind, bytes) = packed.read(*name, MAX).unwrap();
        let found = odb.read(git2::Oid::from_bytes(&name.0).unwrap()).unwrap();
        assert_eq!(kind.name(), found.kind().str());
        assert!(bytes == found.data(), "{name}");
        assert!(packed.read(*name, bytes.len()).is_some());
        if !bytes.is_empty() {
            assert!(
                Packed::open(dir.path())
                    .read(*name, bytes.len() - 1)
                    .is_none()
            );
        }
    }
    assert!(packed.read(Oid([7; 20]), MAX).is_none());
}

#[test]
fn a_pack_that_comes_later_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (_, names) = repository(dir.path());
    let later = tempfile::tempdir().unwrap();
    git2::Repository::init_bare(later.path()).unwrap();
    let packed = Packed::open(later.path());
    assert!(packed.read(names[0], MAX).is_none());
    let (from, to) = (pack_of(dir.path()), later.path().join("objects/pack"));
    fs::copy(&from, to.join("pack-1.pack")).unwrap();
    fs::copy(from.with_extension("idx"), to.join("pack-1.idx")).unwrap();
    assert!(packed.read(names[0], MAX).is_some());
}

#[test]
fn what_is_damaged_is_not_found_and_nothing_else_is_found_instead() {
    let dir = tempfile::tempdir().unwrap();
    let (_, names) = repository(dir.path());
    let sound = Packed::open(dir.path());
    let texts: Vec<Vec<u8>> = names
        .iter()
        .map(|name| sound.read(*name, MAX).unwrap().1)
        .collect();
    let (pack, index) = (
        pack_of(dir.path()),
        pack_of(dir.path()).with_extension("idx"),
    );
    for file in [&pack, &index] {
        let whole = fs::read(file).unwrap();
        let writable = dir.path().join("new");
        let mut seed = 20_u64;
        for round in 0..200 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (seed >> 33) as usize % whole.len();
            let mut broken = whole.clone();
            match round % 4 {
                0 => broken.truncate(at),
                _ => broken[at] ^= 1 << (seed % 8),
            }
            fs::write(&writable, &broken).unwrap();
            fs::rename(&writable, file).unwrap();
            let packed = Packed::open(dir.path());
            for (name, text) in names.iter().zip(&texts).step_by(7) {
                let Some((_, found)) = packed.read(*name, MAX) else {
                    continue;
                };
                assert!(&found == text, "{at} of {}", file.display());
            }
        }
        fs::write(&writable, &whole).unwrap();
        fs::rename(&writable, file).unwrap();
    }
}
