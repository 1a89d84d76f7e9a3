//! The key that signs checkpoints: a file of its own beside the store, because whoever can write
//! the log must not be able to sign another one by reading the same database.

use std::io::{self, Write as _};
use std::path::Path;

use super::{hex, unhex};

/// The file's name in the data folder.
const FILE: &str = "checkpoint.key";

/// The seed in the data folder; made at the first start.
///
/// # Errors
/// When the file cannot be read or made, or holds something else.
pub(crate) fn seed(folder: &Path) -> io::Result<[u8; 32]> {
    let path = folder.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => unhex(text.trim_end())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{FILE} is not a key"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(folder),
        Err(error) => Err(error),
    }
}

fn make(folder: &Path) -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    // Written under another name first: a crash leaves the whole key or none.
    let (draft, path) = (folder.join("checkpoint.key.new"), folder.join(FILE));
    let _ = std::fs::remove_file(&draft);
    let mut file =
        crate::store::private(std::fs::OpenOptions::new().write(true).create_new(true)).open(&draft)?;
    writeln!(file, "{}", hex(&seed))?;
    file.sync_all()?;
    std::fs::rename(&draft, &path)?;
    crate::store::sync_folder(folder)?;
    Ok(seed)
}
