//! What makes the log undeniable.
//!
//! Each tenant has one chain: every record holds the hash of the one before, as in
//! [`scopegate_core::ChainHead`]. Over the hashes stands a Merkle tree (RFC 9162), and its root is
//! signed every second or 1,024 records as a checkpoint (C2SP `tlog-checkpoint` in a
//! `signed-note`). So whoever holds one checkpoint can tell later that nothing before it was
//! changed, dropped or added, and needs nobody's word for it.

mod checkpoint;
mod circumstances;
mod export;
mod key;
mod log;
pub mod merkle;
mod note;
mod verify;

pub use self::checkpoint::{Checkpoint, notes, origin};
pub use self::circumstances::Circumstances;
pub(crate) use self::export::note_key;
pub use self::export::{ExportError, export, public_key};
pub(crate) use self::key::seed;
pub use self::log::{Appended, Log};
pub use self::note::{NoteError, NoteKey, NoteSigner};
pub use self::verify::{ExportFault, Known, VerifiedExport, verify_export};

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // A String takes everything.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads what [`hex`] writes, and nothing else.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
