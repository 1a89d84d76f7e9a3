//! How a command finds its plane, and what it says when it does not.

mod file;

use std::path::{Path, PathBuf};
use std::time::Duration;

use scopegate_client::{Client, ClientBuilder, ClientError, Outage};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use self::file::ConfigFile;
use crate::exit::Failure;
use crate::reveal::reveal;

/// Where the plane is, and with which key
///
/// Each setting comes from its flag, or else from its variable, or else from the file.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The plane")]
pub(crate) struct Connection {
    /// Where the plane is [env: SCOPEGATE_URL, file: url] [default: http://127.0.0.1:8080]
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// A file with the API key; `-` reads standard input [env, the key itself: SCOPEGATE_API_KEY;
    /// file: api_key or api_key_file]
    #[arg(long, global = true, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// Trust the certificates in this file alone, PEM [env: SCOPEGATE_CA_FILE, file: ca_file]
    #[arg(long, global = true, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The file with settings, YAML [env: SCOPEGATE_CONFIG] [default: scopegate/config.yaml in your
    /// configuration folder, which is ~/.config on Linux]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A plane to ask.
pub(crate) struct Plane {
    pub(crate) client: Client,
    has_key: bool,
    runtime: Runtime,
}

impl Connection {
    /// Nothing is sent yet.
    pub(crate) fn open(&self) -> Result<Plane, Failure> {
        let file = ConfigFile::find(self.config.as_deref())?;
        let mut builder = self.flags()?.env();
        if !builder.has_api_key()
            && let Some(path) = &file.api_key_file
        {
            builder = builder.api_key(read_key(path)?);
        }
        builder = builder.or(file.builder());
        let has_key = builder.has_api_key();
        let client = builder.build().map_err(|error| Failure::usage(reveal(&error.to_string())))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Plane { client, has_key, runtime: runtime.map_err(Failure::no_answer)? })
    }

    fn flags(&self) -> Result<ClientBuilder, Failure> {
        let mut builder = Client::builder();
        if let Some(url) = &self.url {
            builder = builder.url(url);
        }
        if let Some(path) = &self.api_key_file {
            builder = builder.api_key(read_key(path)?);
        }
        if let Some(path) = &self.ca_file {
            builder = builder.ca_file(path);
        }
        Ok(builder)
    }
}

impl Plane {
    /// Where it is, fit to be shown.
    pub(crate) fn url(&self) -> String {
        reveal(self.client.url())
    }

    /// Whether there is a key to ask with.
    pub(crate) fn has_key(&self) -> bool {
        self.has_key
    }

    /// Waits for what was asked.
    pub(crate) fn ask<T>(&self, asked: impl Future<Output = Result<T, ClientError>>) -> Result<T, Failure> {
        self.wait(asked).map_err(|error| self.explain(&error))
    }

    /// The same, for whoever can go on without.
    pub(crate) fn wait<T>(&self, asked: impl Future<Output = T>) -> T {
        self.runtime.block_on(asked)
    }

    /// Lets time pass, and connections notice their end.
    pub(crate) fn pause(&self, length: Duration) {
        self.wait(async { sleep(length).await });
    }

    /// What happened, and what to do about it.
    pub(crate) fn explain(&self, error: &ClientError) -> Failure {
        let (told, url) = (reveal(&error.to_string()), self.url());
        match error {
            ClientError::Unavailable { outage: Outage::Connect, reason } => Failure::no_answer(format!(
                "no plane at {url}: {}\n`scopegate serve` starts one on this machine; --url, SCOPEGATE_URL or `url` in the \
                 configuration file says where another is",
                reveal(reason)
            )),
            ClientError::Garbage { .. } => {
                Failure::no_answer(format!("what answers at {url} does not speak as a plane does: {told}"))
            }
            ClientError::Timeout(_) | ClientError::Unavailable { .. } | ClientError::Write(_) => {
                Failure::no_answer(format!("{url}: {told}"))
            }
            ClientError::Unauthorized(_) if !self.has_key => Failure::usage(format!(
                "{url} wants an API key: set SCOPEGATE_API_KEY, or give --api-key-file; `scopegate keys create` makes one"
            )),
            ClientError::Unauthorized(_) => Failure::usage(format!(
                "{url} does not know this API key: it is another plane's, was revoked or has expired; `scopegate keys list` shows \
                 those that are good"
            )),
            _ => Failure::usage(told),
        }
    }
}

/// The key is never an argument: others could read it in the list of processes.
fn read_key(path: &Path) -> Result<String, Failure> {
    let text = match path.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(path),
    };
    let named = |why: &dyn std::fmt::Display| Failure::usage(format!("{}: {why}", path.display()));
    let text = text.map_err(|error| named(&error))?;
    match text.trim() {
        "" => Err(named(&"holds no API key")),
        key => Ok(key.to_owned()),
    }
}
