//! Checking record files, offline: nothing but the lines themselves.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use scopegate_core::{ChainError, ChainHead};
use serde_json::Value;

/// What a whole chain holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The chain's name.
    pub chain: String,
    /// The first record that was seen; above 0 when older files were not given.
    pub first: u64,
    /// How many records were checked.
    pub records: u64,
    /// The hash of the last one: keep it elsewhere, and a later cut at the end shows.
    pub head: String,
}

/// Why record files do not verify.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A file cannot be read.
    #[error("{0}: {1}")]
    Io(PathBuf, #[source] std::io::Error),
    /// A line is not a record.
    #[error("{file}:{line}: not a record: {why}")]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A line does not continue the chain.
    #[error("{file}:{line}: {error}")]
    Chain {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        error: ChainError,
    },
    /// No file holds a record.
    #[error("no records")]
    Empty,
}

/// Verifies a record file, or every record file of a folder in order.
///
/// # Errors
/// [`VerifyError`] names the first bad line.
pub fn verify(path: impl AsRef<Path>) -> Result<Verified, VerifyError> {
    let mut chain: Option<(ChainHead, u64)> = None;
    for file in record_files(path)? {
        follow(&file, &mut chain)?;
    }
    let (head, first) = chain.ok_or(VerifyError::Empty)?;
    Ok(Verified { chain: head.name().to_owned(), first, records: head.len() - first, head: head.hash() })
}

fn follow(file: &Path, chain: &mut Option<(ChainHead, u64)>) -> Result<(), VerifyError> {
    let io = |error| VerifyError::Io(file.to_path_buf(), error);
    let reader = BufReader::new(std::fs::File::open(file).map_err(io)?);
    for (text, line) in reader.lines().zip(1..) {
        let bad = |why: String| VerifyError::Line { file: file.to_path_buf(), line, why };
        let value = strict(&text.map_err(io)?).map_err(bad)?;
        if chain.is_none() {
            let head = ChainHead::before(&value).ok_or_else(|| bad("no chain, seq or prev".to_owned()))?;
            let first = head.len();
            *chain = Some((head, first));
        }
        let Some((head, _)) = chain else { continue };
        head.follow(&value).map_err(|error| VerifyError::Chain { file: file.to_path_buf(), line, error })?;
    }
    Ok(())
}

/// The strict reader, so that a repeated member cannot show two readers two things.
fn strict(line: &str) -> Result<Value, String> {
    let document =
        scopegate_core::json::Document::read(line.to_owned()).map_err(|error| error.to_string())?;
    Ok(document.root().to_value())
}

/// A record file, or every record file of a folder, in the order of their records.
///
/// # Errors
/// [`VerifyError::Io`].
pub fn record_files(path: impl AsRef<Path>) -> Result<Vec<PathBuf>, VerifyError> {
    let path = path.as_ref();
    let io = |error| VerifyError::Io(path.to_path_buf(), error);
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path();
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("records") && name.ends_with(".jsonl") {
            files.push(file);
        }
    }
    // `records-000….jsonl` sort by their first record; `records.jsonl` comes last.
    files.sort_by_key(|file| {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        (name == "records.jsonl", name)
    });
    Ok(files)
}
