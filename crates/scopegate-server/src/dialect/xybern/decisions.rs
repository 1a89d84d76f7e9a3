//! `/enforce/decisions` and `/enforce/stats`: what was decided.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use scopegate_core::Name;
use serde::{Deserialize, Serialize};

use super::answer::{self, Told};
use super::history::{MOST, PER_PAGE};
use super::page::Asked;
use crate::auth::Caller;
use crate::domain::Failure;
use crate::domain::member::Invalid;
use crate::extract::{Path, Query};
use crate::plane::Plane;
use crate::store::Wanted;

/// Decisions, newest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernDecisions")]
pub(super) struct Many {
    ok: bool,
    decisions: Vec<Told>,
    total: u64,
    page: u64,
    per_page: u64,
}

/// A decision.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernOneDecision")]
pub(super) struct One {
    ok: bool,
    decision: Told,
}

/// How many decisions came to what.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernStats")]
pub(super) struct Stats {
    ok: bool,
    total_decisions: u64,
    allowed: u64,
    blocked: u64,
    escalated: u64,
    terminated: u64,
    total_agents: usize,
    pending_escalations: usize,
}

/// Which decisions are looked for. What stands there twice is refused.
#[derive(Debug, Deserialize)]
pub(crate) struct Looked {
    page: Option<String>,
    per_page: Option<String>,
    decision: Option<String>,
    action_type: Option<String>,
    agent_id: Option<String>,
}

impl Looked {
    /// An empty text looks for nothing.
    fn wanted(&self) -> Result<Wanted, Invalid> {
        let text = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(Name::from);
        let verdict = match self.decision.as_deref() {
            None | Some("") => None,
            Some(word) => {
                let why = || Invalid::new("decision", "must be `allow`, `block`, `escalate` or `terminate`");
                Some(answer::verdict(word).ok_or_else(why)?)
            }
        };
        let (action, agent) = (text(&self.action_type), text(&self.agent_id));
        Ok(Wanted { verdict, action, agent, ..Wanted::default() })
    }
}

pub(crate) async fn list(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Query(looked): Query<Looked>,
) -> Result<Response, Failure> {
    let page = Asked::new(looked.page.clone(), looked.per_page.clone()).of(PER_PAGE, MOST)?;
    let tenant = plane.tenant(&caller.tenant)?;
    let (decided, total) = tenant.decisions(&caller, looked.wanted()?, page.slice())?;
    let decisions =
        decided.iter().filter_map(|one| Told::recorded(one, &|id| tenant.policy_title(id))).collect();
    let told = Many { ok: true, decisions, total, page: page.page, per_page: page.per_page };
    Ok(Json(told).into_response())
}

pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let unknown = || Failure::Unknown("decision");
    let id = answer::record_id(&id).ok_or_else(unknown)?;
    let tenant = plane.tenant(&caller.tenant)?;
    let decided = tenant.decision(&caller, id)?;
    let decision = Told::recorded(&decided, &|id| tenant.policy_title(id)).ok_or_else(unknown)?;
    Ok(Json(One { ok: true, decision }).into_response())
}

pub(crate) async fn stats(plane: State<Arc<Plane>>, caller: Caller) -> Result<Response, Failure> {
    let tenant = plane.tenant(&caller.tenant)?;
    let counts = tenant.decision_counts()?;
    let told = Stats {
        ok: true,
        total_decisions: counts.total(),
        allowed: counts.permits,
        blocked: counts.denials,
        escalated: counts.holds,
        terminated: counts.terminations,
        total_agents: tenant.agent_count(),
        pending_escalations: tenant.waiting_reviews(&caller).len(),
    };
    Ok(Json(told).into_response())
}
