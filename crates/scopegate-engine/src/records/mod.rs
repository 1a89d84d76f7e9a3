//! Records: nothing is permitted before there is a place for its record.
//!
//! A decision puts a value into a bounded queue; one writer thread chains, encodes and stores
//! them. No JSON is made on the way to a decision.

mod file;
mod memory;
mod note;
mod queue;
mod verify;
mod writer;

use std::io;

use scopegate_core::ChainedRecord;

pub use self::file::FileSink;
pub use self::memory::MemorySink;
pub(crate) use self::note::{Called, Entry};
pub(crate) use self::queue::{Journal, Ticket};
pub use self::verify::{Verified, VerifyError, record_files, verify};

/// Keeps records, in order.
pub trait RecordSink: Send + 'static {
    /// Where the chain ended when the sink was opened.
    fn head(&self) -> scopegate_core::ChainHead;

    /// Keeps a batch. On return it survives the end of the process; with `sync`, of the machine.
    ///
    /// # Errors
    /// Any; from then on nothing is permitted.
    fn write(&mut self, batch: &[ChainedRecord], sync: bool) -> io::Result<()>;
}
