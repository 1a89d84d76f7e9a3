//! Records as JSON lines in a folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use scopegate_core::{ChainHead, ChainedRecord};
use serde_json::Value;

use super::RecordSink;

/// The file being written; older ones are named after their first record.
const CURRENT: &str = "records.jsonl";
const ROTATE_BYTES: u64 = 64 * 1024 * 1024;

/// Appends records to `records.jsonl` in a folder, and starts a new file when it grows large.
/// A chain that another process left there is continued.
#[derive(Debug)]
pub struct FileSink {
    folder: PathBuf,
    file: File,
    size: u64,
    rotate_bytes: u64,
    /// The first record of the current file.
    first: u64,
    head: ChainHead,
    lines: Vec<u8>,
}

impl FileSink {
    /// Opens or makes the folder. `rotate_bytes` of 0 means 64 MiB.
    ///
    /// # Errors
    /// When the folder cannot be written, or holds something that is not a record file.
    pub fn open(folder: impl Into<PathBuf>, rotate_bytes: u64) -> io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder)?;
        let path = folder.join(CURRENT);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        file.try_lock()
            .map_err(|_| io::Error::other(format!("{} is in use by another process", path.display())))?;
        let size = cut_torn_line(&mut file)?;
        let (head, first) = continue_chain(&file, &folder)?;
        let rotate_bytes = if rotate_bytes == 0 { ROTATE_BYTES } else { rotate_bytes };
        Ok(Self { folder, file, size, rotate_bytes, first, head, lines: Vec::new() })
    }

    fn rotate(&mut self, next: u64) -> io::Result<()> {
        self.file.sync_data()?;
        let current = self.folder.join(CURRENT);
        fs::rename(&current, self.folder.join(format!("records-{:012}.jsonl", self.first)))?;
        let fresh = OpenOptions::new().read(true).append(true).create_new(true).open(&current)?;
        fresh.try_lock().map_err(io::Error::other)?;
        sync_folder(&self.folder)?;
        self.file = fresh;
        self.size = 0;
        self.first = next;
        Ok(())
    }
}

impl RecordSink for FileSink {
    fn head(&self) -> ChainHead {
        self.head.clone()
    }

    fn write(&mut self, batch: &[ChainedRecord], sync: bool) -> io::Result<()> {
        if let Some(next) = batch.first().filter(|_| self.size >= self.rotate_bytes) {
            self.rotate(next.seq)?;
        }
        self.lines.clear();
        for record in batch {
            serde_json::to_writer(&mut self.lines, record)?;
            self.lines.push(b'\n');
        }
        self.file.write_all(&self.lines)?;
        self.size += self.lines.len() as u64;
        if sync { self.file.sync_data() } else { Ok(()) }
    }
}

/// A crash can leave half a line at the end: it was never acknowledged, and is cut.
fn cut_torn_line(file: &mut File) -> io::Result<u64> {
    let size = file.seek(SeekFrom::End(0))?;
    let mut end = size;
    let mut byte = [0];
    while end > 0 {
        file.seek(SeekFrom::Start(end - 1))?;
        file.read_exact(&mut byte)?;
        if byte == *b"\n" {
            break;
        }
        end -= 1;
    }
    if end < size {
        tracing::warn!(bytes = size - end, "cut a record line that a crash left unfinished");
        file.set_len(end)?;
        file.sync_data()?;
    }
    Ok(end)
}

/// Where the chain in the file ends, and its first record.
fn continue_chain(file: &File, folder: &Path) -> io::Result<(ChainHead, u64)> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(0))?;
    let mut first = None;
    let mut last = None;
    for line in reader.lines() {
        let line = line?;
        first.get_or_insert_with(|| line.clone());
        last = Some(line);
    }
    let Some((first, last)) = first.zip(last) else {
        return match newest_rotated(folder)? {
            Some(path) => continue_chain(&File::open(path)?, Path::new("")).map(|(head, _)| {
                let next = head.len();
                (head, next)
            }),
            None => Ok((ChainHead::new(new_chain()?), 0)),
        };
    };
    let start = read_line(&first)?.seq;
    let head = ChainHead::resume(&read_line(&last)?).ok_or_else(|| broken("its hash is not one"))?;
    Ok((head, start))
}

fn newest_rotated(folder: &Path) -> io::Result<Option<PathBuf>> {
    if folder.as_os_str().is_empty() {
        return Ok(None);
    }
    let mut newest = None;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let rotated =
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("records-"));
        if rotated && newest.as_ref().is_none_or(|other| path > *other) {
            newest = Some(path);
        }
    }
    Ok(newest)
}

fn new_chain() -> io::Result<String> {
    let id = crate::random::session_id().map_err(|error| io::Error::other(format!("{error:?}")))?;
    Ok(id.to_string())
}

fn read_line(line: &str) -> io::Result<ChainedRecord> {
    let value: Value = serde_json::from_str(line).map_err(|error| broken(&error.to_string()))?;
    serde_json::from_value(value).map_err(|error| broken(&error.to_string()))
}

fn broken(why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("not a record file: {why}; move it away to start a new chain"),
    )
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
