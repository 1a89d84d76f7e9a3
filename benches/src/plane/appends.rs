//! What one synced append to a file costs: no durable answer can come sooner.

use std::io::Write as _;
use std::time::Instant;

use crate::Result;

/// Appends measured at a time.
const APPENDS: usize = 100;

/// Microseconds of the middle one.
pub(super) fn middle() -> Result<f64> {
    let path = std::env::temp_dir().join(format!("scopegate-bench-{}-append", std::process::id()));
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
    let mut took = Vec::with_capacity(APPENDS);
    for _ in 0..APPENDS {
        let began = Instant::now();
        file.write_all(&[b'x'; 400])?;
        file.sync_data()?;
        took.push(began.elapsed().as_secs_f64() * 1e6);
    }
    std::fs::remove_file(path)?;
    took.sort_unstable_by(f64::total_cmp);
    Ok(took.get(APPENDS / 2).copied().unwrap_or_default())
}
