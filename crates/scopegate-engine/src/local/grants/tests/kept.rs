//! Grants in a log: all of them, and what was spent of each.

use std::sync::Mutex;

use super::*;
use crate::{NoRoom, Position, SavedState, StateChange, StateLog, Waiting};

/// Keeps what it is told, and fails when it is told to.
#[derive(Default)]
struct Log(Mutex<(Vec<Grant>, bool)>);

impl StateLog for Log {
    fn reserve(&self, _: bool) -> Result<(), NoRoom> {
        if self.0.lock().unwrap().1 { Err(NoRoom::Full) } else { Ok(()) }
    }

    fn release(&self) {}

    fn append(&self, change: StateChange) -> Position {
        let changed = match change {
            StateChange::Granted(grants) => grants.into_vec(),
            StateChange::Decided(decided) => decided.grants,
            _ => Vec::new(),
        };
        let kept = &mut self.0.lock().unwrap().0;
        kept.retain(|grant| !changed.iter().any(|changed| changed.id == grant.id));
        kept.extend(changed);
        1
    }

    fn kept(&self, _: Position) -> Waiting<'_, bool> {
        Box::pin(async { true })
    }

    fn room(&self) -> Waiting<'_, ()> {
        Box::pin(async {})
    }

    fn is_durable(&self) -> bool {
        true
    }
}

#[test]
fn grants_and_their_uses_outlive_the_process() {
    let log = Arc::new(Log::default());
    let start = |saved: Vec<Grant>| {
        let clock = Arc::new(ManualClock::new(NOON));
        let policy = Policy::from_text(POLICY, "policy").unwrap();
        let saved = SavedState { grants: saved, ..SavedState::default() };
        let builder = LocalEnforcer::builder(policy).clock(clock.clone()).keep_state(log.clone(), saved);
        World { engine: builder.build().unwrap(), clock }
    };
    let before = start(Vec::new());
    let first =
        before.delegate(Delegate { max_uses: Some(2), ..delegation("ann", "ben", &["pay*"]) }).unwrap();
    let second =
        before.delegate(Delegate { parent: Some(first.id), ..delegation("ben", "cid", &["pay*"]) }).unwrap();
    let open = before.window(OpenWindow { max_uses: Some(2), ..window("cid", &["db:*"]) }).unwrap();
    let cid = before.open("low", "cid");
    assert_eq!(before.under(&cid, Some(second.id), "payroll", "{}"), "PERMIT");
    assert_eq!(before.ask(&cid, "db:x", "{}"), "PERMIT");
    // What cannot be kept does not happen.
    log.0.lock().unwrap().1 = true;
    assert!(matches!(before.end(&first), Err(GrantError::Unavailable(_))));
    assert!(matches!(before.window(window("cid", &["x"])), Err(GrantError::Unavailable(_))));
    assert_eq!(before.engine.grant(first.id).unwrap().ended, None);
    log.0.lock().unwrap().1 = false;

    let kept = log.0.lock().unwrap().0.clone();
    let text = serde_json::to_string(&kept).unwrap();
    let after = start(serde_json::from_str(&text).unwrap());
    assert_eq!(after.engine.grants(), before.engine.grants());
    let cid = after.open("low", "cid");
    assert_eq!(after.under(&cid, Some(second.id), "payroll", "{}"), "PERMIT");
    assert_eq!(after.under(&cid, Some(second.id), "payroll", "{}"), "GRANT_EXHAUSTED");
    assert_eq!((after.ask(&cid, "db:x", "{}"), after.ask(&cid, "db:x", "{}")), ("PERMIT", "SCOPE_VIOLATION"));
    assert_eq!(after.uses(&open), 2);
    assert_eq!(after.end(&first).unwrap().len(), 2);
    assert_eq!(after.under(&cid, Some(second.id), "payroll", "{}"), "SCOPE_VIOLATION");
}
