//! Results go to standard output, messages to standard error.

use std::fmt;
use std::io::{BufWriter, Stdout, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;
use serde_json::Value;

use crate::answer::Verdict;
use crate::exit::Failure;
use crate::pager;
use crate::reveal::{ascii_json, reveal};

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON value a line, ASCII only
    Json,
}

/// Standard output. A result that could not be written is no answer.
pub(crate) struct Output {
    format: Format,
    // Drops colours unless a terminal shows them.
    stdout: BufWriter<AutoStream<Stdout>>,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, stdout: BufWriter::new(AutoStream::auto(std::io::stdout())) }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// A line for people. Whoever calls has made hostile text visible.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        writeln!(self.stdout, "{text}").map_err(lost)
    }

    /// A line for programs.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(Failure::no_answer)?;
        writeln!(self.stdout, "{}", ascii_json(&text)).map_err(lost)
    }

    /// A result that may be long: a terminal that is too short for it shows it page by page.
    pub(crate) fn page(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        let text = text.to_string();
        self.flush()?;
        match pager::show(&text) {
            true => Ok(()),
            false => self.line(text),
        }
    }

    /// One thing with all that is told of it: a line for each member, or one JSON value.
    pub(crate) fn members(&mut self, thing: &impl Serialize) -> Result<(), Failure> {
        if self.is_json() {
            return self.json(thing);
        }
        let Ok(Value::Object(members)) = serde_json::to_value(thing) else { return self.json(thing) };
        for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            self.line(reveal(&format!("{name}: {value}")))?;
        }
        Ok(())
    }

    /// Shows what there is so far.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.stdout.flush().map_err(lost)
    }

    /// Everything has arrived, or there was no answer.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.flush()
    }
}

fn lost(error: std::io::Error) -> Failure {
    Failure::no_answer(format!("the result could not be written: {error}"))
}

/// A message for people, beside the results.
pub(crate) fn message(text: &str) {
    // When even this cannot be written, the exit code has to do.
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// A verdict in its colour.
pub(crate) fn coloured(verdict: Verdict) -> impl fmt::Display {
    let colour = match verdict {
        Verdict::Permit => AnsiColor::Green,
        Verdict::Hold => AnsiColor::Yellow,
        Verdict::Deny => AnsiColor::Red,
    };
    let style = Style::new().fg_color(Some(colour.into())).bold();
    format!("{style}{verdict}{style:#}")
}

/// The word that a value is on the wire.
pub(crate) fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(reveal)).unwrap_or_default()
}

/// A list as people read it: as wide as their terminal, and on one line a row where there is none.
pub(crate) fn listing<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(header);
    match width() {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table
}

/// How wide the terminal is, if results go to one.
pub(crate) fn width() -> Option<u16> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0.max(60))
}

/// A table as Markdown writes it, so that it can be pasted where people read it.
pub(crate) fn markdown<T: fmt::Display>(header: Vec<T>) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    table
}
