//! Instructions an operation: no noise, so the bar for regressions.
//!
//! This program runs itself under valgrind, with the command that ends in [`collect`].

use std::io::ErrorKind;
use std::process::Command;
use std::{env, fs, process};

use super::{Item, Meter};
use crate::Result;

/// Does the operation `count` times. Under callgrind, this is what the child process does.
pub fn collect(item: &Item, count: u64) -> Result<()> {
    (item.setup)()?(count, &mut Meter::timing());
    Ok(())
}

/// Whether valgrind can be run.
pub fn valgrind() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Instructions an operation over `count` operations, less those of its base.
///
/// The current program has to understand `cg NAME COUNT` as a call of [`collect`]. Figures are comparable
/// only with each other: valgrind's processor is not this one.
pub fn instructions(item: &Item, count: u64) -> Result<f64> {
    let out = env::temp_dir().join(format!("scopegate-callgrind-{}.out", process::id()));
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=measured_region"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe()?)
        .args(["cg", &item.name, &count.to_string()])
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => "valgrind is not on PATH; install it to count instructions".into(),
            _ => crate::Error::from(error),
        })?;
    if !run.status.success() {
        let said = String::from_utf8_lossy(&run.stderr);
        return Err(format!("{} under valgrind: {}\n{said}", item.name, run.status).into());
    }
    let profile = fs::read_to_string(&out)?;
    fs::remove_file(&out)?;
    let total = total(&profile).ok_or("callgrind wrote no totals")?;
    let base = item.base.as_deref().map(|base| instructions(base, count)).transpose()?;
    Ok(total as f64 / count as f64 - base.unwrap_or(0.0))
}

/// The instructions of a profile: its `totals:` line, or its `summary:` line.
fn total(profile: &str) -> Option<u64> {
    let line = |key| profile.lines().find_map(|line| line.strip_prefix(key));
    line("totals:").or_else(|| line("summary:"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn finds_the_total() {
        assert_eq!(super::total("events: Ir\nfn=(1)\n7 12\ntotals: 4300\n"), Some(4300));
        assert_eq!(super::total("summary: 17\nfn=(1)\n"), Some(17));
        assert_eq!(super::total("events: Ir\n"), None);
    }
}
