//! `/enforce/intercept`, `/enforce/batch`, `/enforce/agent-comm`: may an agent do this?

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::answer::{Answer, Told, undecided};
use super::read::{self, Item};
use crate::auth::Caller;
use crate::domain::{Action, Failure};
use crate::plane::Plane;
use crate::store::Verdict;

/// Most actions of a batch.
pub(super) const MOST: usize = 500;

/// What became of the actions of a batch, in their order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernBatch")]
pub(super) struct Batch {
    ok: bool,
    total: usize,
    allowed: usize,
    blocked: usize,
    escalated: usize,
    terminated: usize,
    results: Vec<Answer>,
    latency_ms: f64,
}

/// A batch, each action as it stands.
#[derive(Deserialize)]
struct Actions<'a> {
    #[serde(borrow, deserialize_with = "few")]
    actions: Vec<&'a RawValue>,
}

/// Rules that an agent must never break, which some clients ask for once a minute: there are none.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernRedLines")]
pub(super) struct RedLines {
    ok: bool,
    red_lines: [String; 0],
}

pub(crate) async fn intercept(
    plane: State<Arc<Plane>>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Failure> {
    act(&plane, &caller, read::intercept(&body)?).await
}

pub(crate) async fn agent_comm(
    plane: State<Arc<Plane>>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Failure> {
    act(&plane, &caller, read::message(&body)?).await
}

async fn act(plane: &Plane, caller: &Caller, action: Action) -> Result<Response, Failure> {
    let (began, now, tool) = (Instant::now(), plane.now(), action.call.tool.clone());
    let tenant = plane.tenant(&caller.tenant)?;
    let acted = tenant.act(caller, action, now).await?;
    plane.metrics.decided(&acted.decision, began.elapsed());
    let told = Told::of(&acted, &tool, now, &|id| tenant.policy_title(id));
    Ok(Json(Answer { ok: true, reference: None, told, latency_ms: millis(began) }).into_response())
}

/// Each action is decided by itself: what is wrong with one says nothing of the others.
pub(crate) async fn batch(
    plane: State<Arc<Plane>>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Failure> {
    let (began, now) = (Instant::now(), plane.now());
    let Actions { actions } = serde_json::from_slice(&body)
        .map_err(|error| Failure::Malformed(format!("the body must be an object with `actions`: {error}")))?;
    let items: Vec<Item> = actions.into_iter().map(|action| read::item(action.get())).collect();
    let (actions, asked): (Vec<_>, Vec<_>) = items
        .into_iter()
        .map(|Item { action, reference }| {
            let tool = action.call.tool.clone();
            (action, (tool, reference))
        })
        .unzip();
    let tenant = plane.tenant(&caller.tenant)?;
    let all = tenant.act_all(&caller, actions, now).await;
    let results: Vec<Answer> = all
        .iter()
        .zip(asked)
        .map(|(acted, (tool, reference))| match acted {
            Ok(acted) => {
                plane.metrics.decided(&acted.decision, began.elapsed());
                let told = Told::of(acted, &tool, now, &|id| tenant.policy_title(id));
                Answer { ok: true, reference, told, latency_ms: millis(began) }
            }
            Err(failure) => {
                let told = undecided(&tool, &failure.to_string(), now);
                Answer { ok: false, reference, told, latency_ms: millis(began) }
            }
        })
        .collect();
    let of = |verdict| results.iter().filter(|one| one.told.verdict() == Some(verdict)).count();
    let (allowed, blocked) = (of(Verdict::Permitted), of(Verdict::Denied));
    let (escalated, terminated) = (of(Verdict::Held), of(Verdict::Terminated));
    let (total, latency_ms) = (results.len(), millis(began));
    let told = Batch { ok: true, total, allowed, blocked, escalated, terminated, results, latency_ms };
    Ok(Json(told).into_response())
}

pub(crate) async fn red_lines() -> Response {
    Json(RedLines { ok: true, red_lines: [] }).into_response()
}

fn millis(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1000.0
}

/// As many actions as a batch may have.
fn few<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<&'de RawValue>, D::Error> {
    struct Few;

    impl<'de> Visitor<'de> for Few {
        type Value = Vec<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MOST} actions")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut actions = Vec::new();
            while let Some(action) = list.next_element()? {
                if actions.len() >= MOST {
                    return Err(A::Error::custom(format!("a batch has at most {MOST} actions")));
                }
                actions.push(action);
            }
            Ok(actions)
        }
    }

    from.deserialize_seq(Few)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(body: &str) -> Result<usize, String> {
        let read: Result<Actions<'_>, _> = serde_json::from_slice(body.as_bytes());
        read.map(|read| read.actions.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_batch_has_its_bounds() {
        let of = |count: usize| format!(r#"{{"actions":[{}]}}"#, vec!["{}"; count].join(","));
        assert_eq!(many(&of(0)), Ok(0));
        assert_eq!(many(&of(MOST)), Ok(MOST));
        assert!(many(&of(MOST + 1)).unwrap_err().starts_with("a batch has at most 500 actions"));
        assert_eq!(many(r#"{"x":{"x":1,"x":2},"actions":[{"a":1,"a":2},7]}"#), Ok(2));
        for bad in
            ["", "[]", "{}", r#"{"actions":null}"#, r#"{"actions":{}}"#, r#"{"actions":[],"actions":[]}"#]
        {
            assert!(many(bad).is_err(), "{bad}");
        }
    }
}
