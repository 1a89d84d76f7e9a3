//! The second place of checkpoints: a file a tenant, to be copied elsewhere. Whoever replaces the
//! database by an older copy has to find these too.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::audit::{Checkpoint, NoteKey, notes};
use crate::store::files::{self, private};
use crate::store::{StoreError, TenantId};

/// The end of the file that is read: hundreds of checkpoints. The whole may be a year's.
const END: u64 = 64 * 1024;

fn path(folder: &Path, tenant: &TenantId) -> PathBuf {
    folder.join("checkpoints").join(format!("{tenant}.txt"))
}

/// Appends a checkpoint.
pub(super) fn append(folder: &Path, tenant: &TenantId, note: &str) -> Result<(), StoreError> {
    let path = path(folder, tenant);
    files::make_folder(&folder.join("checkpoints"))?;
    let mut options = OpenOptions::new();
    let file = private(options.create(true).append(true)).open(&path);
    // An empty line before each also ends what a crash left unfinished.
    file.and_then(|mut file| {
        let first = file.seek(SeekFrom::End(0))? == 0;
        file.write_all(format!("{}{note}", if first { "" } else { "\n" }).as_bytes())
    })
    .map_err(|error| StoreError::Io(path, error))
}

/// How many records the file says there were.
pub(super) fn promised(folder: &Path, tenant: &TenantId, key: &NoteKey) -> Result<u64, StoreError> {
    let path = path(folder, tenant);
    let text = match File::open(&path).and_then(end) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(StoreError::Io(path, error)),
    };
    // The last ones are enough: they only grow.
    let newest = notes(&text).into_iter().rev().take(8);
    let sizes = newest.filter_map(|note| Checkpoint::open(&note, key).ok());
    Ok(sizes.map(|checkpoint| checkpoint.size).max().unwrap_or(0))
}

/// The last lines, as long as the file may be.
fn end(mut file: impl Read + Seek) -> std::io::Result<String> {
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(END);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    if from > 0 {
        // What the cut went through is no line.
        let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        bytes.drain(..line);
    }
    String::from_utf8(bytes).map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn of_a_long_file_the_last_lines_are_read() {
        assert_eq!(end(Cursor::new("")).unwrap(), "");
        assert_eq!(end(Cursor::new("one\n— two\n")).unwrap(), "one\n— two\n");
        // Wherever the cut goes through a dash of three bytes.
        for shift in 0..7 {
            let text = format!("{}{}last\n", "x".repeat(shift), "— é\n".repeat(20_000));
            let read = end(Cursor::new(&text)).unwrap();
            assert!(read.len() as u64 <= END && read.len() as u64 > END - 16, "{shift}: {}", read.len());
            assert!(read.starts_with("\n— é\n") && read.ends_with("\nlast\n"), "{shift}");
        }
        assert_eq!(end(Cursor::new("x".repeat(100_000))).unwrap(), "", "one line that is none");
        assert!(end(Cursor::new(b"\xff\n")).is_err());
    }
}
