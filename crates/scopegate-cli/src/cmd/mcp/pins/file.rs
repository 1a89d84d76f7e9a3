//! The file with the pins: read whole, written whole or not at all.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use scopegate_core::pin::Pins;
use scopegate_engine::{read_pins, write_pins};

use crate::exit::Failure;

/// The pins; `None` where there is no file yet.
pub(crate) fn read(path: &Path) -> Result<Option<Pins>, Failure> {
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => read_pins(&text, &file).map(Some).map_err(Failure::usage),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::usage(format!("{file}: cannot be read: {error}"))),
    }
}

/// Beside the file first, so that a full disk leaves the old one.
pub(super) fn write(path: &Path, pins: &Pins) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::no_answer(format!("{}: cannot be written: {error}", path.display()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".pins-").tempfile_in(folder).map_err(failed)?;
    file.write_all(write_pins(pins).as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    readable(file.as_file()).map_err(failed)?;
    file.persist(path).map(drop).map_err(|error| failed(error.error))
}

/// A temporary file is its owner's alone; pins are for everybody who reviews them.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
