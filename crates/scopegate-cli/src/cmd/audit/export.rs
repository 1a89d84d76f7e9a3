//! `scopegate audit export`: a plane's log, taken away.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use indicatif::{ProgressBar, ProgressStyle};
use scopegate_client::{ExportFormat, ExportOrder};
use serde::Deserialize;
use tokio::io::AsyncWrite;

use super::spanforge;
use crate::connection::Connection;
use crate::exit::{Exit, Failure};
use crate::output;

/// Take a plane's log away
///
/// `log` is for `audit verify`: JSON lines with every record as it was chained, and the signed checkpoints.
/// `json` and `csv` are for people and their programs. Takes a key of kind auditor.
///
/// `spanforge` are records that SpanForge's own verifier accepts, `spanforge-events` the same as events for its command
/// line. Both are signed with the key in SPANFORGE_SIGNING_KEY, and can be made of a process's record files too
/// (--records). The log is verified first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 all of it was written, 2 it cannot be done as given, 4 no answer, or not all of it

Examples:
  scopegate audit export --out log.jsonl
  scopegate audit export --format csv --hours 24 > yesterday.csv
  scopegate audit export --format spanforge --out scope.jsonl
  scopegate audit export --format spanforge --records /var/lib/scopegate/records")]
pub(super) struct Export {
    #[command(flatten)]
    connection: Connection,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// From this record on, by its number [default: 0 for `log`]
    #[arg(long, value_name = "NUMBER", conflicts_with = "hours")]
    from: Option<u64>,
    /// Reaching back so many hours, 720 at most [default: 168 for `json` and `csv`]
    #[arg(long)]
    hours: Option<u32>,
    /// A record file of a process, a folder of them, or a log that was exported before [default: ask a plane]
    #[arg(long, value_name = "PATH", conflicts_with_all = ["from", "hours"])]
    records: Option<PathBuf>,
    /// The project that stands in records for SpanForge
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    project: String,
    /// The file; it is there once all of it is [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    #[default]
    Log,
    Json,
    Csv,
    Spanforge,
    SpanforgeEvents,
}

impl Export {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let format = match self.format {
            Format::Log => ExportFormat::Log,
            Format::Json => ExportFormat::Json,
            Format::Csv => ExportFormat::Csv,
            Format::Spanforge => return self.spanforge(false),
            Format::SpanforgeEvents => return self.spanforge(true),
        };
        if self.records.is_some() || !self.project.is_empty() {
            return Err(Failure::usage("--records and --project are for --format spanforge"));
        }
        let plane = self.connection.open()?;
        let mut order = ExportOrder::new(format);
        order = match (self.hours, self.from) {
            (Some(hours), _) => order.reaching_back(hours),
            (None, Some(from)) => order.from_record(from),
            (None, None) => order,
        };
        let draft = self.out.as_deref().map(Draft::begin).transpose()?;
        let out: Box<dyn Write> = match &draft {
            Some(draft) => Box::new(draft.file.try_clone().map_err(Failure::no_answer)?),
            None => Box::new(io::stdout().lock()),
        };
        let mut sink = Sink::new(out, self.format);
        let bytes = plane.ask(plane.client.export_audit(&order, &mut sink))?;
        sink.finish();
        let place = match draft {
            Some(draft) => draft.finish()?,
            None => "standard output".to_owned(),
        };
        output::message(&format!("{bytes} bytes written to {place}"));
        Ok(Exit::Ok)
    }
}

impl Export {
    fn spanforge(&self, events: bool) -> Result<Exit, Failure> {
        if self.from.is_some() || self.hours.is_some() {
            return Err(Failure::usage(
                "--from and --hours are not for SpanForge: its records begin at the start",
            ));
        }
        let (records, out) = (self.records.as_deref(), self.out.as_deref());
        spanforge::export(
            &self.connection,
            &spanforge::Order { records, project: &self.project, out, events },
        )
    }
}

/// A file that gets its name when it is whole.
pub(super) struct Draft {
    pub(super) file: File,
    draft: PathBuf,
    path: PathBuf,
    whole: bool,
}

impl Draft {
    pub(super) fn begin(path: &Path) -> Result<Self, Failure> {
        let mut draft = path.as_os_str().to_owned();
        draft.push(".part");
        let draft = PathBuf::from(draft);
        let file =
            File::create(&draft).map_err(|error| Failure::usage(format!("{}: {error}", draft.display())))?;
        Ok(Self { file, draft, path: path.to_path_buf(), whole: false })
    }

    pub(super) fn finish(mut self) -> Result<String, Failure> {
        let kept = self.file.sync_all().and_then(|()| std::fs::rename(&self.draft, &self.path));
        kept.map_err(|error| Failure::no_answer(format!("{}: {error}", self.path.display())))?;
        self.whole = true;
        Ok(self.path.display().to_string())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.whole {
            // What is not whole is no export.
            let _ = std::fs::remove_file(&self.draft);
        }
    }
}

/// Where an export goes, and how much of it has come.
pub(super) struct Sink {
    out: Box<dyn Write>,
    bar: ProgressBar,
    /// The first line, until it is whole: that of a `log` says how many records come.
    head: Option<Vec<u8>>,
    /// Whether lines are counted, and not bytes.
    lines: bool,
}

#[derive(Deserialize)]
struct Head {
    records: u64,
}

impl Sink {
    pub(super) fn new(out: Box<dyn Write>, format: Format) -> Self {
        let bar = ProgressBar::new_spinner().with_style(style("{spinner} {bytes} so far"));
        Self { out, bar, head: (format == Format::Log).then(Vec::new), lines: false }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn count(&mut self, piece: &[u8]) {
        match &mut self.head {
            Some(head) => {
                head.extend_from_slice(piece);
                self.begin();
            }
            None if self.lines => self.bar.inc(lines(piece)),
            None => self.bar.inc(piece.len() as u64),
        }
    }

    /// Once the first line is whole it is known how long the way is.
    fn begin(&mut self) {
        let mut parts = self.head.as_deref().unwrap_or_default().splitn(2, |byte| *byte == b'\n');
        let (Some(head), Some(rest)) = (parts.next(), parts.next()) else { return };
        if let Ok(Head { records }) = serde_json::from_slice(head) {
            self.bar =
                ProgressBar::new(records).with_style(style("{bar:40} {pos}/{len} records, {eta} left"));
            self.bar.inc(lines(rest));
            self.lines = true;
        }
        self.head = None;
    }
}

/// How many lines end there; those of checkpoints are few.
fn lines(piece: &[u8]) -> u64 {
    piece.iter().filter(|byte| **byte == b'\n').count() as u64
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Nothing else runs meanwhile, so it may block.
impl AsyncWrite for Sink {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, piece: &[u8]) -> Poll<io::Result<usize>> {
        self.out.write_all(piece)?;
        self.count(piece);
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.out.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}
