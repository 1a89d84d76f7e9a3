//! The two tables of a replay.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{CellAlignment, Table};

use super::Replayed;
use crate::answer::Verdict;
use crate::exit::Failure;
use crate::output::{Output, markdown};
use crate::reveal::reveal;

/// The name of the row that adds up a kind.
const ALL: &str = "(all)";

/// Calls by kind, tool and verdict; tasks by kind and what stopped them.
pub(crate) struct Summary {
    /// Kinds in the order of the trace.
    kinds: Vec<String>,
    /// How many calls, by kind, tool, and column.
    calls: BTreeMap<(usize, String), BTreeMap<String, u64>>,
    /// The first answer of each task that was not a permit, if any, by kind and task.
    tasks: BTreeMap<(usize, String), Option<Verdict>>,
}

impl Summary {
    pub(crate) fn of(replayed: &[Replayed]) -> Self {
        let mut summary = Self { kinds: Vec::new(), calls: BTreeMap::new(), tasks: BTreeMap::new() };
        for call in replayed {
            summary.add(call);
        }
        summary
    }

    fn add(&mut self, call: &Replayed) {
        let text = |text: &Option<String>| cell(text.as_deref().unwrap_or("-"));
        let kind = text(&call.name.kind);
        let kind = self.kinds.iter().position(|known| *known == kind).unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        });
        let column = call.code.clone().unwrap_or_else(|| call.verdict.to_string());
        for tool in [cell(&call.name.tool), ALL.to_owned()] {
            *self.calls.entry((kind, tool)).or_default().entry(column.clone()).or_default() += 1;
        }
        let stopped = self.tasks.entry((kind, text(&call.name.task))).or_default();
        if stopped.is_none() && call.verdict != Verdict::Permit {
            *stopped = Some(call.verdict);
        }
    }

    pub(crate) fn tell(&self, output: &mut Output) -> Result<(), Failure> {
        output.line(self.calls())?;
        output.line("")?;
        output.line(self.tasks())
    }

    fn calls(&self) -> Table {
        // Permits and holds always have a column, a denial has one for each code that came up.
        let codes: BTreeSet<_> = self.calls.values().flat_map(BTreeMap::keys).cloned().collect();
        let mut columns = vec!["permit".to_owned(), "hold".to_owned()];
        columns.extend(codes.into_iter().filter(|code| !["permit", "hold"].contains(&code.as_str())));
        let header = ["kind", "tool", "calls"].map(str::to_owned).into_iter().chain(columns.iter().cloned());
        let mut table = markdown(header.collect());
        for ((kind, tool), counts) in &self.calls {
            let kind = self.kinds.get(*kind).cloned().unwrap_or_default();
            let all = counts.values().sum::<u64>().to_string();
            let counts =
                columns.iter().map(|column| counts.get(column).map(u64::to_string).unwrap_or_default());
            table.add_row([kind, tool.clone(), all].into_iter().chain(counts));
        }
        right(&mut table, 2);
        table
    }

    fn tasks(&self) -> Table {
        let mut table =
            markdown(vec!["kind", "tasks", "run through", "stopped by a hold", "stopped by a denial"]);
        for (kind, index) in self.kinds.iter().zip(0..) {
            let of_kind = self.tasks.iter().filter(|((kind, _), _)| *kind == index);
            let stops: Vec<_> = of_kind.map(|(_, stopped)| *stopped).collect();
            let count = |stop: Option<Verdict>| stops.iter().filter(|s| **s == stop).count().to_string();
            table.add_row(vec![
                kind.clone(),
                stops.len().to_string(),
                count(None),
                count(Some(Verdict::Hold)),
                count(Some(Verdict::Deny)),
            ]);
        }
        right(&mut table, 1);
        table
    }
}

/// Numbers stand to the right.
fn right(table: &mut Table, from: usize) {
    for column in table.column_iter_mut().skip(from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// Text of the trace that may stand in a table.
fn cell(text: &str) -> String {
    reveal(text).replace('|', "\\|")
}
