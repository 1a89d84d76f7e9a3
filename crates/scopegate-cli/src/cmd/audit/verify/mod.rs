//! `scopegate audit verify`: records, offline.

mod exports;
mod records;
mod spanforge;

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use scopegate_engine::spanforge::SCHEMA_KEY;
use serde_json::json;

use crate::exit::{Exit, Failure};
use crate::output::{self, Output};
use crate::reveal::reveal;

/// How the first line of an export begins.
const EXPORT: &[u8] = b"{\"scopegate_export\":";
/// How much of a file is looked at to know what it is.
const LONG: u64 = 64 * 1024;

/// Verify an export of a plane, a record file of a process, or every record file of a folder
///
/// Each record holds the hash of the one before it: one that was changed, removed, added or moved
/// breaks the chain and is named.
///
/// An export of a plane also has signed checkpoints over a tree of all records. With the plane's public key
/// (--key) nobody else can have made it; with checkpoints that were kept elsewhere (--checkpoints: the plane
/// appends them to `checkpoints/TENANT.txt` in its data folder) a cut at the end shows too, and another log.
///
/// Records for SpanForge are verified with the key in SPANFORGE_SIGNING_KEY; a cut at the end shows with the head that
/// the export told.
///
/// In the files of a process a cut at the end leaves a whole chain behind; it shows when the head that was
/// noted earlier is no longer in it, so keep a head elsewhere and expect it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 it holds, 1 it does not, 2 there is nothing to verify

Examples:
  scopegate audit verify log.jsonl --key log.key --checkpoints default.txt
  scopegate audit verify /var/lib/scopegate/records
  scopegate audit verify records.jsonl --expect-head 5f1c...64 digits")]
pub(super) struct Verify {
    /// An export (`audit export`), a record file, or a folder of them
    path: PathBuf,
    /// A file with the public key that must have signed an export (`audit key`)
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A file of checkpoints that were kept elsewhere: an export must begin with what they cover
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,
    /// A head of record files that was noted earlier and must be in the chain: 64 hexadecimal digits
    #[arg(long, value_name = "HASH", value_parser = hash)]
    expect_head: Option<String>,
    /// Accept record files whose first ones were archived elsewhere: their records are not checked
    #[arg(long)]
    allow_missing_start: bool,
}

impl Verify {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        if is_spanforge(&self.path)? {
            if self.key.is_some() || self.checkpoints.is_some() || self.allow_missing_start {
                return Err(Failure::usage(
                    "these are records for SpanForge: their key is in SPANFORGE_SIGNING_KEY, and only \
                     --expect-head is known of them",
                ));
            }
            return self.spanforge(output);
        }
        match is_export(&self.path)? {
            true if self.expect_head.is_some() || self.allow_missing_start => Err(Failure::usage(
                "this is an export of a plane: its end is told by --checkpoints, and it says itself where it begins",
            )),
            true => self.export(output),
            false if self.key.is_some() || self.checkpoints.is_some() => Err(Failure::usage(format!(
                "{}: not an export of a plane, and only those are signed; `audit export` makes one",
                self.path.display()
            ))),
            false => self.records(output),
        }
    }
}

pub(super) fn is_export(path: &Path) -> Result<bool, Failure> {
    Ok(beginning(path)?.starts_with(EXPORT))
}

/// Whether these are records as SpanForge has them: they name their schema.
fn is_spanforge(path: &Path) -> Result<bool, Failure> {
    let first = beginning(path)?;
    let line = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let named = format!("\"schema_key\":\"{SCHEMA_KEY}\"");
    Ok(String::from_utf8_lossy(line).replace(": ", ":").contains(&named))
}

/// The first bytes of a file; none of a folder.
fn beginning(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut first = Vec::new();
    if path.is_file() {
        let read = File::open(path).and_then(|file| BufReader::new(file).take(LONG).read_to_end(&mut first));
        read.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    }
    Ok(first)
}

/// What does not hold, and the first bad record where one can be named.
fn broken(why: &str, record: Option<u64>, output: &mut Output) -> Result<Exit, Failure> {
    if output.is_json() {
        output.json(&json!({ "ok": false, "why": why, "record": record }))?;
    }
    output::message(&format!("error: {}", reveal(why)));
    Ok(Exit::Denied)
}

fn hash(text: &str) -> Result<String, String> {
    let good = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if good { Ok(text.to_ascii_lowercase()) } else { Err("a head is 64 hexadecimal digits".to_owned()) }
}
