//! The file with settings: `url`, `api_key` or `api_key_file`, `ca_file`.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use scopegate_client::{Client, ClientBuilder};
use serde::Deserialize;

use crate::exit::Failure;
use crate::reveal::reveal;

/// Where it lies in the user's configuration folder.
const PLACE: &str = "scopegate/config.yaml";

/// What it says.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    url: Option<String>,
    api_key: Option<String>,
    pub(super) api_key_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
}

impl ConfigFile {
    /// The named file, which has to be there; or else the user's own, which need not.
    pub(super) fn find(named: Option<&Path>) -> Result<Self, Failure> {
        let named = named.map(Path::to_path_buf).or_else(variable);
        let (path, required) = match named {
            Some(path) => (path, true),
            None => match etcetera::choose_base_strategy() {
                Ok(folders) => (folders.config_dir().join(PLACE), false),
                Err(_) => return Ok(Self::default()),
            },
        };
        match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => Ok(Self::default()),
            Err(error) => Err(wrong(&path, &error)),
            Ok(text) => Self::read(&text, &path),
        }
    }

    /// What it says, but for a key that stands elsewhere.
    pub(super) fn builder(self) -> ClientBuilder {
        let mut builder = Client::builder();
        if let Some(url) = self.url {
            builder = builder.url(url);
        }
        if let Some(key) = self.api_key {
            builder = builder.api_key(key);
        }
        if let Some(path) = self.ca_file {
            builder = builder.ca_file(path);
        }
        builder
    }

    fn read(text: &str, path: &Path) -> Result<Self, Failure> {
        let options = serde_saphyr::options! {
            duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
            with_snippet: false,
        };
        let mut file: Self =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| wrong(path, &error))?;
        if file.api_key.is_some() && file.api_key_file.is_some() {
            return Err(wrong(path, &"has both `api_key` and `api_key_file`"));
        }
        if file.api_key.is_some() && is_open(path) {
            return Err(wrong(path, &"holds a key and can be read by others: chmod 600 it"));
        }
        // Beside the file, wherever the command is run.
        let beside = |file: PathBuf| path.parent().map(|folder| folder.join(&file)).unwrap_or(file);
        file.api_key_file = file.api_key_file.map(beside);
        file.ca_file = file.ca_file.map(beside);
        Ok(file)
    }
}

/// The file that the environment names.
fn variable() -> Option<PathBuf> {
    std::env::var_os("SCOPEGATE_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn wrong(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::usage(reveal(&format!("{}: {why}", path.display())))
}

/// Whether others than its owner may read it.
#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false
}
