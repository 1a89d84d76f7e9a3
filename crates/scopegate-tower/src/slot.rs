//! Where a permit is while the inner service runs.

use std::sync::{Arc, Mutex, PoisonError};

use scopegate_core::{Completion, Outcome, Permitted, ToolCall};

use crate::fault::Fault;

/// Where a permit is while the inner service runs, and so who reports what became of the call.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "the service must handle every case")]
pub enum Custody {
    /// The inner service owns it.
    Inner,
    /// Nobody but the layer has anything of it: it reports once the inner service has answered.
    Layer(Completion),
    /// In a slot: the layer reports, unless someone has taken it.
    Slot(PermitSlot),
}

/// Holds a permit that can be taken once. HTTP extensions must be `Clone` and a permit is not:
/// all clones share one permit.
///
/// Whoever takes it reports its outcome and performs its duties. A permit that nobody took is
/// ended by the layer when the inner service has answered.
#[derive(Clone, Debug)]
pub struct PermitSlot(Arc<Mutex<Option<Permitted<ToolCall>>>>);

impl PermitSlot {
    /// A slot with a permit in it.
    pub fn new(permitted: Permitted<ToolCall>) -> Self {
        Self(Arc::new(Mutex::new(Some(permitted))))
    }

    /// The permit, with the judged arguments; `None` after the first time, and once the response
    /// is out.
    pub fn take(&self) -> Option<Permitted<ToolCall>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends a permit that nobody took.
    ///
    /// # Errors
    /// [`Fault::Duty`] when it had duties: the answer must not go out.
    pub(crate) fn conclude(&self, outcome: Outcome) -> Result<(), Fault> {
        let Some(permitted) = self.take() else { return Ok(()) };
        let duties = !permitted.obligations().is_empty();
        permitted.complete(outcome);
        if duties { Err(Fault::Duty) } else { Ok(()) }
    }
}
