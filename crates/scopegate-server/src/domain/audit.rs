//! The log, as people and programs take it away.

use std::ops::Range;
use std::time::Duration;

use scopegate_core::Timestamp;
use serde_json::Value;

use super::{Failure, Tenant};
use crate::store::RecordRow;

/// Records read at a time.
const PAGE: u64 = 1_000;
/// Most hours an export reaches back.
const LONGEST: u64 = 720;

/// Where an export begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// So many hours ago.
    Hours(u64),
    /// At the record of this number.
    Record(u64),
    /// So many records before the end.
    Last(u64),
}

impl Since {
    /// A week ago, unless something else is asked for.
    pub(crate) const DEFAULT: Self = Self::Hours(168);

    /// So many hours ago; at most 720.
    pub(crate) fn hours(hours: u64) -> Result<Self, Failure> {
        match hours {
            1..=LONGEST => Ok(Self::Hours(hours)),
            _ => Err(Failure::Malformed(format!("`window_hours` must be 1 to {LONGEST}"))),
        }
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
    /// The numbers of the records of an export, as the log stands now.
    pub(crate) fn extent(&self, since: Since, now: Timestamp) -> Result<Range<u64>, Failure> {
        let end = self.archive.count(&self.id)?;
        let from = match since {
            Since::Record(number) => number,
            Since::Last(count) => end.saturating_sub(count),
            Since::Hours(hours) => {
                let back = Duration::from_secs(hours.saturating_mul(3600)).as_nanos();
                let back = u64::try_from(back).unwrap_or(u64::MAX);
                let since = Timestamp::from_nanos(now.nanos().saturating_sub(back));
                self.archive.first_since(&self.id, since)?
            }
        };
        Ok(from.min(end)..end)
    }

    /// The first records of an extent, oldest first: none when it is empty.
    pub(crate) fn page(&self, extent: &Range<u64>) -> Result<Vec<Exported>, Failure> {
        let many = (extent.end - extent.start.min(extent.end)).min(PAGE);
        let rows = match usize::try_from(many) {
            Ok(0) | Err(_) => Vec::new(),
            Ok(many) => self.archive.records(&self.id, extent.start, many)?,
        };
        rows.into_iter()
            .map(|row| {
                let record = serde_json::from_str(&row.body)
                    .map_err(|_| Failure::Unavailable(format!("record {} cannot be read", row.seq)))?;
                Ok(Exported { row, record })
            })
            .collect()
    }
}
