//! Where signed records are emitted to.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::record::{Head, SignedRecord};
use super::signing::SigningKey;
use super::verify::verify_records;

/// Keeps signed records, in order.
pub trait ScopeSink: Send + 'static {
    /// Where the chain ended when the sink was opened.
    fn head(&self) -> Head;

    /// Keeps one record. On return it survives the end of the process.
    ///
    /// # Errors
    /// Any; then nothing of the record may stay, because the next one takes its place.
    fn emit(&mut self, record: &SignedRecord) -> io::Result<()>;
}

/// Keeps records in memory, all of them. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryScopeSink(Arc<Mutex<Vec<SignedRecord>>>);

impl MemoryScopeSink {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was emitted so far.
    pub fn records(&self) -> Vec<SignedRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ScopeSink for MemoryScopeSink {
    fn head(&self) -> Head {
        self.records().last().map(SignedRecord::head).unwrap_or_default()
    }

    fn emit(&mut self, record: &SignedRecord) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(record.clone());
        Ok(())
    }
}

/// Appends records to a file of JSON lines that SpanForge's own verifier accepts.
#[derive(Debug)]
pub struct FileScopeSink {
    file: File,
    head: Head,
    /// Where the last whole record ends.
    end: u64,
    /// Sync each record to the disk, so that it survives the machine too.
    sync: bool,
    /// Half a record stands at the end and could not be taken away.
    broken: bool,
}

impl FileScopeSink {
    /// Opens or makes a file, and verifies what stands there: a chain of another key is not continued. A last
    /// line that was never finished is taken away, as nobody was answered after it. With `sync` a record is on the
    /// disk before its answer is given.
    ///
    /// # Errors
    /// When the file cannot be written, is in use, or holds something else than these records.
    pub fn open(path: impl AsRef<Path>, key: &SigningKey, sync: bool) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        file.try_lock().map_err(io::Error::other)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        let lines = text.get(..whole).unwrap_or_default();
        let head = verify_records(key, lines.lines(), None).map_err(io::Error::other)?;
        let end = whole as u64;
        file.set_len(end)?;
        Ok(Self { file, head, end, sync, broken: false })
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        self.file.write_all(line.as_bytes())?;
        if self.sync { self.file.sync_data() } else { Ok(()) }
    }

    /// Takes half a record away.
    fn undo(&mut self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.file.seek(SeekFrom::End(0)).map(drop)
    }
}

impl ScopeSink for FileScopeSink {
    fn head(&self) -> Head {
        self.head.clone()
    }

    fn emit(&mut self, record: &SignedRecord) -> io::Result<()> {
        if self.broken {
            self.undo()?;
            self.broken = false;
        }
        let line = record.to_line() + "\n";
        if let Err(error) = self.append(&line) {
            self.broken = self.undo().is_err();
            return Err(error);
        }
        self.end += line.len() as u64;
        self.head = record.head();
        Ok(())
    }
}
