//! Our own protocol, for clients that decide by themselves for a while: `/v1/sessions/{id}/scope`,
//! `/rate`, `/journal`, and `/v1/epoch` with its events. Bodies are strict: an unknown member is
//! refused.
//!
//! Two routes of the Scopebound dialect carry some of it, for callers that ask for it: `scope: true`
//! in a provision, `decision_nonce` in an enforcement call.

mod answer;
pub(crate) mod docs;
mod epoch;
mod journal;
mod rate;
mod scope;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub(super) use self::answer::Lasts;
pub(crate) use self::epoch::{events as epoch_events, get as epoch};
pub(crate) use self::journal::take as take_journal;
pub(crate) use self::rate::lend as lend_rate;
pub(crate) use self::scope::get as get_scope;
pub(super) use self::scope::{Scope, show_scope};
use crate::domain::Failure;

/// A body as its type says, and nothing beside.
fn read<T: DeserializeOwned>(body: Map<String, Value>) -> Result<T, Failure> {
    serde_json::from_value(Value::Object(body)).map_err(|error| Failure::Invalid(error.to_string()))
}
