//! The log, as people and programs take it away.

use std::time::Duration;

use scopegate_core::Timestamp;
use serde_json::Value;

use super::{Failure, Tenant};
use crate::store::RecordRow;

/// Records read at a time.
const PAGE: usize = 1_000;
/// Most hours an export reaches back.
const LONGEST: u64 = 720;

/// How far an export reaches back, in hours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window(u64);

impl Window {
    /// A week, unless something else is asked for.
    pub(crate) const DEFAULT: Self = Self(168);

    /// So many hours; at most 720.
    pub(crate) fn hours(hours: u64) -> Result<Self, Failure> {
        match hours {
            1..=LONGEST => Ok(Self(hours)),
            _ => Err(Failure::Malformed(format!("`window_hours` must be 1 to {LONGEST}"))),
        }
    }

    pub(crate) fn as_hours(self) -> u64 {
        self.0
    }
}

/// A record of an export.
#[derive(Debug)]
pub(crate) struct Exported {
    pub(crate) row: RecordRow,
    /// The record as JSON.
    pub(crate) record: Value,
}

impl Tenant {
    /// The records of a window, oldest first, in pages.
    pub(crate) fn export(&self, window: Window, now: Timestamp) -> Result<Vec<Exported>, Failure> {
        let since = Timestamp::from_nanos(
            now.nanos().saturating_sub(Duration::from_secs(window.0 * 3600).as_nanos() as u64),
        );
        let mut at = self.archive.first_since(&self.id, since)?;
        let mut all = Vec::new();
        loop {
            let page = self.archive.records(&self.id, at, PAGE)?;
            let Some(last) = page.last() else { return Ok(all) };
            at = last.seq + 1;
            for row in page {
                let record = serde_json::from_str(&row.body)
                    .map_err(|_| Failure::Unavailable(format!("record {} cannot be read", row.seq)))?;
                all.push(Exported { row, record });
            }
        }
    }
}
