//! Reading a policy file, with a place for everything that is wrong.

use std::path::Path;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde_saphyr::Options;

use super::Policy;
use super::locate::{empty_member, locate, value_of};
use super::words::words;

/// What is wrong with a policy file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
#[non_exhaustive]
pub struct PolicyFileError {
    /// The file, or what the text was read from.
    pub file: String,
    /// The line, from 1; 0 when the file itself is the problem.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// What is wrong.
    pub message: String,
}

impl PolicyFileError {
    /// A problem with the policy as a whole.
    pub(crate) fn new(message: &str) -> Self {
        Self { file: "policy".to_owned(), line: 0, column: 0, message: message.to_owned() }
    }

    /// A file that could not be read at all.
    pub(crate) fn unreadable(file: &str, why: &str) -> Self {
        Self { file: file.to_owned(), line: 0, column: 0, message: format!("cannot be read: {why}") }
    }
}

impl Policy {
    /// Reads and checks a policy file, YAML or JSON.
    ///
    /// # Errors
    /// [`PolicyFileError`]: the first problem, with file, line and column.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, PolicyFileError> {
        let file = path.as_ref().display().to_string();
        let text = std::fs::read_to_string(&path)
            .map_err(|error| PolicyFileError::unreadable(&file, &error.to_string()))?;
        Self::from_text(&text, &file)
    }

    /// Reads and checks a policy, YAML or JSON; `file` names it in errors.
    ///
    /// # Errors
    /// [`PolicyFileError`]: the first problem, with line and column.
    pub fn from_text(text: &str, file: &str) -> Result<Self, PolicyFileError> {
        let policy: Self = document(text, file)?;
        policy.check().map_err(|error| {
            let (line, column) = locate(text, &error.path);
            PolicyFileError { file: file.to_owned(), line, column, message: error.to_string() }
        })?;
        Ok(policy)
    }
}

/// Reads a document in which no member may stand without a value.
pub(crate) fn document<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, PolicyFileError> {
    let read = read_strictly(text, file)?;
    match empty_member(text) {
        Some((member, (line, column))) => {
            let message = format!("`{member}` has no value; give it one, or leave the line out");
            Err(PolicyFileError { file: file.to_owned(), line, column, message })
        }
        None => Ok(read),
    }
}

/// Reads a document, YAML or JSON, that has no unknown and no second members.
pub(crate) fn read_strictly<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, PolicyFileError> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let place = error.location().map_or((1, 1), |place| (place.line(), place.column()));
        // A value that is not one is told at the name of its member.
        let wrong = matches!(
            error,
            serde_saphyr::Error::SerdeInvalidType { .. } | serde_saphyr::Error::SerdeInvalidValue { .. }
        );
        let value = wrong.then(|| value_of(text, place)).flatten();
        let (line, column) = value.unwrap_or(place);
        PolicyFileError { file: file.to_owned(), line, column, message: words(&error) }
    })
}

/// Reads and checks a policy, YAML or JSON.
impl FromStr for Policy {
    type Err = PolicyFileError;

    fn from_str(text: &str) -> Result<Self, PolicyFileError> {
        Self::from_text(text, "policy")
    }
}

pub(super) fn options() -> Options {
    serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    }
}
