//! Where the secrets that roles bind to tools come from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use scopegate_core::Name;

/// Finds secrets by the names that policies use.
pub trait CredentialSource: Send + Sync + 'static {
    /// The secret, or `None` when it cannot be found. Asked after a permit, and when a policy is
    /// loaded.
    fn find(&self, name: &str) -> Option<Arc<str>>;
}

/// Secrets from environment variables: `erp-api` is read from `PREFIX_ERP_API`.
#[derive(Clone, Debug)]
pub struct EnvCredentials {
    prefix: String,
}

impl EnvCredentials {
    /// Variables that start with `prefix` and an underscore.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }
}

impl CredentialSource for EnvCredentials {
    fn find(&self, name: &str) -> Option<Arc<str>> {
        let tidy = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let variable: String = name.chars().map(tidy).collect();
        std::env::var(format!("{}_{variable}", self.prefix)).ok().map(Into::into)
    }
}

/// Secrets from files, one a name, in one folder; a final newline is dropped.
#[derive(Clone, Debug)]
pub struct FileCredentials {
    folder: PathBuf,
}

impl FileCredentials {
    /// Files in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

impl CredentialSource for FileCredentials {
    fn find(&self, name: &str) -> Option<Arc<str>> {
        // A policy name may hold `/` and `.`; a file name here may not.
        if name.contains('/') || name.starts_with('.') {
            return None;
        }
        let text = std::fs::read_to_string(self.folder.join(name)).ok()?;
        Some(text.strip_suffix('\n').unwrap_or(&text).into())
    }
}

/// Secrets given in code.
impl CredentialSource for BTreeMap<Name, Arc<str>> {
    fn find(&self, name: &str) -> Option<Arc<str>> {
        self.get(name).cloned()
    }
}
