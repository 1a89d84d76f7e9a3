//! The record files of a process: a hash chain.

use std::io::{BufRead as _, BufReader};
use std::path::Path;

use scopegate_engine::{VerifyError, verify};
use serde::Serialize;
use serde_json::Value;

use super::{Verify, broken};
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};
use crate::reveal::reveal;

/// What is told of a chain that holds.
#[derive(Serialize)]
struct Holds {
    ok: bool,
    chain: String,
    first: u64,
    records: u64,
    head: String,
}

/// Follows the chain of a file, or of all record files of a folder.
impl Verify {
    pub(super) fn records(self, output: &mut Output) -> Result<Exit, Failure> {
        let verified = match verify(&self.path) {
            Ok(verified) => verified,
            Err(error @ (VerifyError::Line { .. } | VerifyError::Chain { .. })) => {
                return broken(&error.to_string(), None, output);
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
                None,
                output,
            );
        }
        let (chain, first) = (verified.chain, verified.first);
        if first > 0 && !self.allow_missing_start {
            let why = format!(
                "the chain holds from record {first} on, but the records before it are missing; \
                 if they were archived elsewhere, add --allow-missing-start"
            );
            return broken(&why, None, output);
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
