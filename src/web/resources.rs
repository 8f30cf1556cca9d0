//! What the process takes of its machine, as the system tells: memory, processor time, descriptors. Nothing where it
//! does not tell.

use std::fs;

use crate::metrics::{Kind, Text};

/// Bytes in memory.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// How many files and sockets the process may have open.
pub fn max_descriptors() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn descriptors() -> Option<u64> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count() as u64)
}

/// Seconds that processors have worked for this process.
fn processor_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // After the name in brackets, which may hold anything: state is the third field, utime the 14th, stime the 15th.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    // Every Linux that we run on has 100 of them a second (proc(5), USER_HZ).
    Some(ticks as f64 / 100.0)
}

pub(super) fn write(text: &mut Text) {
    let figures = [
        (
            "process_resident_memory_bytes",
            Kind::Gauge,
            "Bytes in memory.",
            resident().map(|n| n as f64),
        ),
        (
            "process_cpu_seconds_total",
            Kind::Counter,
            "Time of processors.",
            processor_time(),
        ),
        (
            "process_open_fds",
            Kind::Gauge,
            "Files and sockets that are open.",
            descriptors().map(|n| n as f64),
        ),
        (
            "process_max_fds",
            Kind::Gauge,
            "How many there may be.",
            max_descriptors().map(|n| n as f64),
        ),
    ];
    for (name, kind, help, value) in figures {
        if let Some(value) = value {
            text.single(name, kind, help, value);
        }
    }
}
