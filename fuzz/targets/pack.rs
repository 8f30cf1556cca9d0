//! See `pack` in `fuzz/src/lib.rs`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| threadbare_fuzz::pack(bytes));
