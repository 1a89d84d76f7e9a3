//! The last records, in memory.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use scopegate_core::{ChainHead, ChainedRecord};

use super::RecordSink;

/// Keeps the last records in memory; clones share them.
#[derive(Clone, Debug)]
pub struct MemorySink {
    records: Arc<Mutex<VecDeque<ChainedRecord>>>,
    limit: usize,
}

impl MemorySink {
    /// How many records a policy with `records: memory` keeps.
    pub const KEPT: usize = 10_000;

    /// Keeps the last `limit` records.
    pub fn new(limit: usize) -> Self {
        Self { records: Arc::default(), limit }
    }

    /// The records so far, oldest first. The writer may be some milliseconds behind.
    pub fn records(&self) -> Vec<ChainedRecord> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl RecordSink for MemorySink {
    fn head(&self) -> ChainHead {
        ChainHead::new("memory")
    }

    fn write(&mut self, batch: &[ChainedRecord], _sync: bool) -> io::Result<()> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.extend(batch.iter().cloned());
        let excess = records.len().saturating_sub(self.limit);
        records.drain(..excess);
        Ok(())
    }
}
