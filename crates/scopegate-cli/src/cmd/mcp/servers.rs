//! The file with several servers.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use scopegate_core::Name;
use scopegate_mcp::proxy::{Program, Upstream};
use serde::Deserialize;

use super::target::{endpoint, passed_on};
use crate::exit::Failure;
use crate::reveal::reveal;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    servers: BTreeMap<Name, Entry>,
}

/// A program to start, or an address.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    command: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    /// `NAME=VALUE`, or a `NAME` whose value this process has.
    #[serde(default)]
    env: Vec<String>,
    url: Option<String>,
    /// Names of headers, and of the variables with their values.
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

/// The servers that a file names.
pub(super) fn read(path: &Path) -> Result<Vec<(Name, Upstream)>, Failure> {
    let wrong = |why: String| Failure::usage(reveal(&format!("{}: {why}", path.display())));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let options = serde_saphyr::options! { duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error };
    let file: File =
        serde_saphyr::from_str_with_options(&text, options).map_err(|error| wrong(error.to_string()))?;
    if file.servers.is_empty() {
        return Err(wrong("it names no server".to_owned()));
    }
    let entries = file.servers.into_iter();
    entries
        .map(|(name, entry)| {
            let upstream = entry.upstream().map_err(|failure| wrong(format!("{name}: {failure}")))?;
            Ok((name, upstream))
        })
        .collect()
}

impl Entry {
    fn upstream(&self) -> Result<Upstream, Failure> {
        match (&self.command, &self.url) {
            (Some(command), None) if self.headers.is_empty() => {
                let words = std::iter::once(command).chain(&self.args).map(OsString::from);
                passed_on(Program::new(words), &self.env).map(Upstream::Program)
            }
            (None, Some(url)) if self.args.is_empty() && self.env.is_empty() => {
                let headers = self.headers.iter().map(|(name, variable)| (&**name, &**variable));
                endpoint(url, headers).map(Upstream::Endpoint)
            }
            _ => Err(Failure::usage("a server has `command`, `args` and `env`, or `url` and `headers`")),
        }
    }
}
