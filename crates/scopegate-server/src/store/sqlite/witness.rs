//! The second place of checkpoints: a file a tenant, to be copied elsewhere. Whoever replaces the
//! database by an older copy has to find these too.

use std::fs::OpenOptions;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::audit::{Checkpoint, NoteKey, notes};
use crate::store::files::{self, private};
use crate::store::{StoreError, TenantId};

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
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(StoreError::Io(path, error)),
    };
    // The last ones are enough: they only grow.
    let newest = notes(&text).into_iter().rev().take(8);
    let sizes = newest.filter_map(|note| Checkpoint::open(&note, key).ok());
    Ok(sizes.map(|checkpoint| checkpoint.size).max().unwrap_or(0))
}
