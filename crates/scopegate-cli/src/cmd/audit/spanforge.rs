//! Exports that SpanForge's own verifier accepts.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write};
use std::path::{Path, PathBuf};

use scopegate_client::{ExportFormat, ExportOrder};
use scopegate_engine::spanforge::{EventChain, ExportLine, ScopeExport, SigningKey};
use scopegate_engine::{VerifyError, record_files, verify};
use scopegate_server::audit::{ExportFault, Known, verify_export};
use serde_json::Value;

use super::export::Draft;
use super::verify::is_export;
use crate::connection::Connection;
use crate::exit::{Exit, Failure};
use crate::output;

/// Whose records, and where to.
pub(super) struct Order<'a> {
    /// Record files of a process, or the log of a plane that was exported before; otherwise a plane is asked.
    pub(super) records: Option<&'a Path>,
    pub(super) project: &'a str,
    pub(super) out: Option<&'a Path>,
    /// Format B.
    pub(super) events: bool,
}

/// A log that holds: its files in order, and how many records they had when they were verified.
struct Log {
    files: Vec<PathBuf>,
    records: u64,
    /// The first of them; above 0 where older files were not given.
    first: u64,
    /// Keeps a downloaded one.
    _downloaded: Option<tempfile::TempDir>,
}

pub(super) fn export(connection: &Connection, order: &Order<'_>) -> Result<Exit, Failure> {
    let key = SigningKey::from_env().map_err(Failure::usage)?;
    let log = match order.records {
        Some(path) => Log::found(path)?,
        None => Log::downloaded(connection)?,
    };
    let draft = order.out.map(Draft::begin).transpose()?;
    let mut out: Box<dyn Write> = match &draft {
        Some(draft) => Box::new(io::BufWriter::new(draft.file.try_clone().map_err(Failure::no_answer)?)),
        None => Box::new(io::stdout().lock()),
    };
    let mut export = ScopeExport::new(&key, order.project);
    let mut events = order.events.then(|| EventChain::new(&key));
    log.each(|line, place| match export.next(line) {
        ExportLine::Record(record, name) => {
            let line = match &mut events {
                Some(events) => events.next(name, &record),
                None => record.to_line(),
            };
            writeln!(out, "{line}").map_err(Failure::no_answer)
        }
        ExportLine::Other => Ok(()),
        ExportLine::Unreadable(why) => Err(Failure::usage(format!("{place}: {why}"))),
    })?;
    out.flush().map_err(Failure::no_answer)?;
    drop(out);
    let place = match draft {
        Some(draft) => draft.finish()?,
        None => "standard output".to_owned(),
    };
    if log.first > 0 {
        output::message(&format!(
            "note: it begins at record {} of the log; older ones were not given",
            log.first
        ));
    }
    let head = export.head();
    output::message(&format!("{} signed records written to {place}", head.records));
    if head.records > 0 {
        let hash = head.hmac.trim_start_matches("hmac-sha256:");
        output::message(&format!("head {hash}: keep it elsewhere, and a later cut at the end shows"));
    }
    Ok(Exit::Ok)
}

impl Log {
    /// Signing is vouching: only what holds is signed.
    fn found(path: &Path) -> Result<Self, Failure> {
        let named = |why: &dyn std::fmt::Display| Failure::usage(format!("{}: {why}", path.display()));
        if is_export(path)? {
            let file = File::open(path).map_err(|error| named(&error))?;
            let (records, first) = match verify_export(BufReader::new(file), &Known::default()) {
                Ok(verified) => (verified.records, verified.from),
                Err(ExportFault::Io(error)) => return Err(named(&error)),
                Err(fault) => return Err(named(&fault)),
            };
            return Ok(Self { files: vec![path.to_path_buf()], records, first, _downloaded: None });
        }
        let verified = verify(path).map_err(|error| match error {
            VerifyError::Empty => named(&"no records"),
            error => Failure::usage(error),
        })?;
        let files = record_files(path).map_err(Failure::usage)?;
        let (records, first) = (verified.records, verified.first);
        Ok(Self { files, records, first, _downloaded: None })
    }

    fn downloaded(connection: &Connection) -> Result<Self, Failure> {
        let plane = connection.open()?;
        let folder = tempfile::tempdir().map_err(Failure::no_answer)?;
        let path = folder.path().join("log.jsonl");
        let file = File::create(&path).map_err(Failure::no_answer)?;
        let mut sink = super::export::Sink::new(Box::new(file), super::export::Format::Log);
        plane.ask(plane.client.export_audit(&ExportOrder::new(ExportFormat::Log), &mut sink))?;
        sink.finish();
        Ok(Self { _downloaded: Some(folder), ..Self::found(&path)? })
    }

    /// Every record that was verified, and its place. A process that still writes may add more meanwhile.
    fn each(&self, mut each: impl FnMut(&Value, &str) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut left = self.records;
        for file in &self.files {
            let named =
                |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", file.display()));
            let lines = BufReader::new(File::open(file).map_err(|error| named(&error))?).lines();
            for (line, number) in lines.zip(1_u64..) {
                let line = line.map_err(|error| named(&error))?;
                let line: Value = serde_json::from_str(&line).map_err(|error| named(&error))?;
                if line.get("record").is_some() {
                    if left == 0 {
                        return Ok(());
                    }
                    left -= 1;
                    each(&line, &format!("{}:{number}", file.display()))?;
                }
            }
        }
        Ok(())
    }
}
