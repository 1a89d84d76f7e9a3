//! What an earlier run answered.

use std::collections::{HashMap, VecDeque};
use std::path::Path;

use super::trace::for_each_line;
use super::{CallName, Replayed};
use crate::answer::Verdict;
use crate::exit::Failure;
use crate::reveal::reveal;

/// The verdicts of an earlier run by call. The same call may stand there more than once; its
/// verdicts are then in the order of the trace.
pub(super) struct Baseline {
    file: String,
    verdicts: HashMap<CallName, VecDeque<Verdict>>,
}

impl Baseline {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let mut verdicts: HashMap<_, VecDeque<_>> = HashMap::new();
        for_each_line(path, |_, call: Replayed| {
            verdicts.entry(call.name).or_default().push_back(call.verdict);
            Ok(())
        })?;
        Ok(Self { file: path.display().to_string(), verdicts })
    }

    /// How many calls of the earlier run this one did not make.
    pub(super) fn left(&self) -> usize {
        self.verdicts.values().map(VecDeque::len).sum()
    }

    /// What this call was answered.
    pub(super) fn verdict(&mut self, call: &Replayed) -> Result<Verdict, Failure> {
        let known = self.verdicts.get_mut(&call.name).and_then(VecDeque::pop_front);
        known.ok_or_else(|| {
            let (file, line, tool) = (reveal(&self.file), call.line, reveal(&call.name.tool));
            Failure::usage(format!(
                "{file} does not know the call of line {line} (`{tool}`): make a new baseline from this \
                 trace with the old policy, `scopegate replay --output json`"
            ))
        })
    }
}
