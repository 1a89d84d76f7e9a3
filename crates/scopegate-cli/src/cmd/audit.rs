//! `scopegate audit`: records, offline.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use scopegate_engine::{VerifyError, verify};
use serde::Serialize;
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::output::{self, Output};
use crate::reveal::reveal;

/// Look at the records of decisions
#[derive(Debug, clap::Args)]
pub(crate) struct Audit {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    Verify(Verify),
}

/// Verify a record file, or every record file of a folder
///
/// Each record holds the hash of the one before it: one that was changed, removed, added or moved
/// breaks the chain and is named. A cut at the end leaves a whole chain behind; it shows when the
/// head that was noted earlier is no longer in it, so keep a head elsewhere and expect it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 the chain holds, 1 it does not, 2 there is nothing to verify

Examples:
  scopegate audit verify /var/lib/scopegate/records
  scopegate audit verify records.jsonl --expect-head 5f1c...64 digits")]
struct Verify {
    /// A record file, or a folder of them
    path: PathBuf,
    /// A head that was noted earlier and must be in the chain: 64 hexadecimal digits
    #[arg(long, value_name = "HASH", value_parser = hash)]
    expect_head: Option<String>,
    /// Accept a log whose first files were archived elsewhere: their records are not checked
    #[arg(long)]
    allow_missing_start: bool,
}

/// What is told of a chain that holds.
#[derive(Serialize)]
struct Holds {
    ok: bool,
    chain: String,
    first: u64,
    records: u64,
    head: String,
}

impl Audit {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        match self.command {
            AuditCommand::Verify(verify) => verify.run(output),
        }
    }
}

impl Verify {
    fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let verified = match verify(&self.path) {
            Ok(verified) => verified,
            Err(error @ (VerifyError::Line { .. } | VerifyError::Chain { .. })) => {
                return broken(&error.to_string(), output);
            }
            Err(VerifyError::Empty) => {
                return Err(Failure::usage(format!("{}: no records", self.path.display())));
            }
            Err(error) => return Err(Failure::usage(error)),
        };
        if let Some(expected) = self.expect_head.filter(|head| *head != verified.head)
            && !holds(&self.path, &expected)?
        {
            let (last, head) = (verified.first + verified.records - 1, &verified.head);
            return broken(
                &format!(
                    "the chain holds but ends at record {last} with head {head}, and the expected head is \
                     not in it: records were cut off, or this is another log"
                ),
                output,
            );
        }
        let (chain, first) = (verified.chain, verified.first);
        if first > 0 && !self.allow_missing_start {
            let why = format!(
                "the chain holds from record {first} on, but the records before it are missing; \
                 if they were archived elsewhere, add --allow-missing-start"
            );
            return broken(&why, output);
        }
        let holds = Holds { ok: true, chain, first, records: verified.records, head: verified.head };
        if output.is_json() {
            output.json(&holds)?;
        } else {
            output.line(format!("ok\n  chain    {}", reveal(&holds.chain)))?;
            output.line(format!("  records  {}\n  head     {}", holds.records, holds.head))?;
        }
        if first > 0 {
            output::message(&format!(
                "note: the chain was followed from record {first}; older files were not given"
            ));
        }
        Ok(Exit::Ok)
    }
}

fn broken(why: &str, output: &mut Output) -> Result<Exit, Failure> {
    if output.is_json() {
        output.json(&json!({"ok": false, "why": why}))?;
    }
    output::message(&format!("error: {}", reveal(why)));
    Ok(Exit::Denied)
}

/// Whether some record of a verified log has this hash.
fn holds(path: &Path, head: &str) -> Result<bool, Failure> {
    let unreadable = |error| Failure::usage(format!("{}: {error}", path.display()));
    let mut files = vec![path.to_path_buf()];
    if path.is_dir() {
        let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(unreadable)?.collect();
        files = entries.map_err(unreadable)?.into_iter().map(|entry| entry.path()).collect();
        files.retain(|file| is_record_file(file));
    }
    for file in files {
        for line in BufReader::new(std::fs::File::open(&file).map_err(unreadable)?).lines() {
            let record: Value = serde_json::from_str(&line.map_err(unreadable)?).unwrap_or(Value::Null);
            if record.get("hash").and_then(Value::as_str) == Some(head) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The names that the enforcer gives its record files.
fn is_record_file(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("records") && name.ends_with(".jsonl")
}

fn hash(text: &str) -> Result<String, String> {
    let good = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if good { Ok(text.to_ascii_lowercase()) } else { Err("a head is 64 hexadecimal digits".to_owned()) }
}
