//! Reading recorded calls, with a place for everything that is wrong.

use std::fmt::Display;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use scopegate_core::{Args, Name, ToolCall};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::exit::Failure;
use crate::reveal::reveal;

/// Recorded calls, in order.
pub(super) struct Trace(pub(super) Vec<Recorded>);

/// One recorded call.
pub(super) struct Recorded {
    pub(super) line: u64,
    pub(super) kind: Option<String>,
    pub(super) task: Option<String>,
    pub(super) step: Option<u64>,
    pub(super) call: ToolCall,
}

/// A line as it stands. What it does not name is ignored, as traces carry much besides.
#[derive(Deserialize)]
struct Line {
    kind: Option<String>,
    task: Option<String>,
    step: Option<u64>,
    tool: Name,
    action: Option<Name>,
    env: Option<Name>,
    #[serde(default)]
    via: Vec<Name>,
    args: Option<Box<RawValue>>,
}

impl Trace {
    /// Reads all of it before anything is decided: a trace with a bad line gives no result.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let mut calls = Vec::new();
        for_each_line(path, |number, line: Line| {
            let args = match &line.args {
                None => Args::none(),
                // Judged as recorded: a parser in between would hide repeated members and more.
                Some(text) if text.get().starts_with('{') => Args::parse(text.get().to_owned()),
                Some(_) => return Err("`args` must be an object".to_owned()),
            };
            let mut call = ToolCall::new(line.tool).with_args(args);
            call.action = line.action;
            call.env = line.env;
            call.via = (!line.via.is_empty()).then(|| line.via.into());
            let Line { kind, task, step, .. } = line;
            calls.push(Recorded { line: number, kind, task, step, call });
            Ok(())
        })?;
        if calls.is_empty() {
            return Err(Failure::usage(format!("{}: no calls", reveal(&path.display().to_string()))));
        }
        Ok(Self(calls))
    }
}

/// Reads a file of JSON lines; empty lines are skipped. What is wrong comes with file and line.
pub(super) fn for_each_line<T: DeserializeOwned>(
    path: &Path,
    mut each: impl FnMut(u64, T) -> Result<(), String>,
) -> Result<(), Failure> {
    let file = path.display();
    let wrong = |why: &dyn Display| Failure::usage(reveal(&format!("{file}: {why}")));
    let reader: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        let opened = File::open(path).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        Box::new(BufReader::new(opened))
    };
    for (text, number) in reader.lines().zip(1..) {
        let at = |why: &dyn Display| Failure::usage(reveal(&format!("{file}:{number}: {why}")));
        let text = text.map_err(|error| at(&error))?;
        if text.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(&text).map_err(|error| at(&plain(&error)))?;
        each(number, value).map_err(|why| at(&why))?;
    }
    Ok(())
}

/// The message with its column; the line stands before it already.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(message) => format!("{message} (column {})", error.column()),
        None => text,
    }
}
