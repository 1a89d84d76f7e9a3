//! The exports of a plane: a hash chain, a tree and signatures.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use scopegate_server::audit::{ExportFault, Known, NoteKey, VerifiedExport, notes, verify_export};
use serde::Serialize;

use super::{Verify, broken};
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};
use crate::reveal::reveal;

/// What is told of an export that holds.
#[derive(Serialize)]
struct Holds {
    ok: bool,
    tenant: String,
    chain: String,
    first: u64,
    records: u64,
    /// How many records of the log the last checkpoint covers.
    signed: u64,
    checkpoints: u64,
    head: String,
    key: String,
}

impl Verify {
    pub(super) fn export(self, output: &mut Output) -> Result<Exit, Failure> {
        let mut known = Known::default();
        known.key = self.key.as_deref().map(read_key).transpose()?;
        if let Some(path) = &self.checkpoints {
            known.checkpoints = read_checkpoints(path)?;
        }
        let file = File::open(&self.path);
        let file = file.map_err(|error| Failure::usage(format!("{}: {error}", self.path.display())))?;
        match verify_export(BufReader::new(file), &known) {
            Ok(verified) => tell(verified, &known, output),
            Err(ExportFault::Io(error)) => Err(Failure::usage(format!("{}: {error}", self.path.display()))),
            Err(fault) => broken(&fault.to_string(), fault.record(), output),
        }
    }
}

fn tell(verified: VerifiedExport, known: &Known, output: &mut Output) -> Result<Exit, Failure> {
    let VerifiedExport { tenant, chain, from: first, records, signed, checkpoints, head, key, .. } = verified;
    let end = first + records;
    let holds = Holds { ok: true, tenant, chain, first, records, signed, checkpoints, head, key };
    if output.is_json() {
        output.json(&holds)?;
    } else {
        output.line("ok")?;
        output.line(format!("  tenant       {}", reveal(&holds.tenant)))?;
        output.line(format!("  chain        {}", reveal(&holds.chain)))?;
        output.line(format!("  records      {records}, from number {first} on"))?;
        output.line(format!("  checkpoints  {checkpoints}, the last over {signed} records"))?;
        output.line(format!("  head         {}", holds.head))?;
        output.line(format!("  key          {}", reveal(&holds.key)))?;
    }
    if known.key.is_none() {
        output::message(
            "note: it was verified with the key that it names itself, and agrees with itself; who signed it is known \
             with --key",
        );
    }
    if known.checkpoints.is_empty() {
        output::message("note: whether records are missing at its end is known with --checkpoints");
    }
    if signed < end {
        output::message(&format!(
            "note: {} records at its end are chained and not signed yet",
            end - signed.max(first)
        ));
    }
    Ok(Exit::Ok)
}

fn read_key(path: &Path) -> Result<NoteKey, Failure> {
    let named = |why: &dyn std::fmt::Display| Failure::usage(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    NoteKey::parse(text.trim()).map_err(|error| named(&error))
}

fn read_checkpoints(path: &Path) -> Result<Vec<String>, Failure> {
    let named = |why: &dyn std::fmt::Display| Failure::usage(format!("{}: {why}", path.display()));
    let notes = notes(&std::fs::read_to_string(path).map_err(|error| named(&error))?);
    match notes.is_empty() {
        true => Err(named(&"holds no checkpoint")),
        false => Ok(notes),
    }
}
