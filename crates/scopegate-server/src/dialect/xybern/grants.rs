//! `/enforce/temporal-windows`, `/enforce/breakglass` and `/enforce/delegate`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use scopegate_core::grant::{Delegate, Emergency, OpenBreakGlass, OpenWindow};
use scopegate_core::{Grant, GrantId, GrantState, Name};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::grant_shapes::{DelegationShown, EventShown, WindowShown, grant_id, wire};
use crate::auth::Caller;
use crate::dialect::scopebound::body::Object;
use crate::domain::member::{Invalid, list, name, opt_name, text, whole};
use crate::domain::{Failure, Tenant};
use crate::extract::{Path, Query};
use crate::plane::Plane;

type Body = Map<String, Value>;

macro_rules! told {
    ($($(#[$doc:meta])* $name:ident as $shown:literal { $($(#[$of:meta])* $member:ident: $kind:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Serialize, JsonSchema)]
        #[schemars(rename = $shown)]
        pub(super) struct $name { ok: bool, $($(#[$of])* $member: $kind),* }
    )*};
}

told! {
    OneWindow as "XybernOneWindow" { window: WindowShown, window_id: String }
    Windows as "XybernWindows" { windows: Vec<WindowShown> }
    Checked as "XybernWindowChecked" {
        allowed: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        window: Option<WindowShown>,
    }
    OneEvent as "XybernOneBreakglass" { event: EventShown, breakglass_id: String }
    Events as "XybernBreakglasses" { events: Vec<EventShown> }
    Stats as "XybernBreakglassStats" {
        total: usize,
        active: usize,
        pending_review: usize,
        overdue_review: usize,
        by_severity: Severities,
    }
    OneDelegation as "XybernOneDelegation" { grant: DelegationShown, grant_id: String }
    Delegations as "XybernDelegations" { delegations: Vec<DelegationShown> }
    Verified as "XybernDelegationVerified" {
        valid: bool,
        reason: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        grant: Option<DelegationShown>,
    }
}

#[derive(Default, Serialize, JsonSchema)]
#[schemars(rename = "XybernSeverities")]
pub(super) struct Severities {
    critical: usize,
    high: usize,
    medium: usize,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    direction: Option<String>,
    status: Option<String>,
}

fn is_window(grant: &Grant) -> bool {
    grant.window().is_some()
}

fn is_glass(grant: &Grant) -> bool {
    grant.break_glass().is_some()
}

fn is_delegation(grant: &Grant) -> bool {
    grant.delegation().is_some()
}

pub(crate) async fn create_window(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Object(body): Object,
) -> Result<Response, Failure> {
    let known =
        ["agent_id", "scopes", "duration_minutes", "reason", "action_types", "constraints", "workflow_id"];
    only(&body, &[&known[..], &["max_uses", "max_extensions", "metadata"]].concat())?;
    unconstrained(&body)?;
    let window = OpenWindow {
        agent: name(&body, "agent_id")?,
        scopes: list(&body, "scopes", "patterns")?,
        actions: list(&body, "action_types", "patterns")?,
        minutes: needed(&body, "duration_minutes")?,
        reason: text(&body, "reason")?.unwrap_or_default(),
        max_uses: maybe(&body, "max_uses")?,
        max_extensions: maybe(&body, "max_extensions")?,
        workflow: text(&body, "workflow_id")?,
        by: Name::default(),
    };
    let opened = plane.tenant(&caller.tenant)?.open_window(&caller, window).await?;
    Ok((StatusCode::CREATED, window_told(&opened, &plane)).into_response())
}

pub(crate) async fn get_window(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let window = plane.tenant(&caller.tenant)?.grant(&caller, read_id(&id)?, is_window)?;
    Ok(window_told(&window, &plane).into_response())
}

pub(crate) async fn extend_window(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    only(&body, &["additional_minutes", "reason"])?;
    let minutes = needed(&body, "additional_minutes")?;
    let reason = text(&body, "reason")?.unwrap_or_default();
    let tenant = plane.tenant(&caller.tenant)?;
    let extended = tenant.extend_window(&caller, read_id(&id)?, minutes, reason).await?;
    Ok(window_told(&extended, &plane).into_response())
}

pub(crate) async fn revoke_window(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    let ended = end(&plane, &caller, &id, &body, is_window).await?;
    Ok(window_told(&ended, &plane).into_response())
}

pub(crate) async fn list_windows(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(agent): Path<String>,
) -> Result<Response, Failure> {
    let tenant = plane.tenant(&caller.tenant)?;
    tenant.asked_about(&caller, &agent)?;
    let windows = tenant.grants(&caller, |grant| is_window(grant) && grant.agent == agent);
    let windows = windows.iter().map(|window| WindowShown::of(window, plane.now())).collect();
    Ok(Json(Windows { ok: true, windows }).into_response())
}

/// Whether a window of the agent admits this now. What else stands against the call is not asked.
pub(crate) async fn check_window(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Object(body): Object,
) -> Result<Response, Failure> {
    only(&body, &["agent_id", "scope", "action_type"])?;
    let agent = name(&body, "agent_id")?;
    let asked = [opt_name(&body, "scope")?, opt_name(&body, "action_type")?];
    let tenant = plane.tenant(&caller.tenant)?;
    tenant.asked_about(&caller, &agent)?;
    let now = plane.now();
    let admits = |grant: &Grant| {
        is_window(grant)
            && grant.agent == agent
            && grant.state(now) == GrantState::Active
            && asked.iter().flatten().all(|tool| grant.admits(tool))
    };
    let window = tenant.grants(&caller, admits).first().map(|window| WindowShown::of(window, now));
    Ok(Json(Checked { ok: true, allowed: window.is_some(), window }).into_response())
}

pub(crate) async fn trigger(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Object(body): Object,
) -> Result<Response, Failure> {
    let known = ["agent_id", "justification", "severity", "duration_minutes", "action_type", "max_actions"];
    only(&body, &[&known[..], &["triggered_by", "metadata"]].concat())?;
    let severity = match text(&body, "severity")?.as_deref() {
        Some("critical") => Emergency::Critical,
        Some("high") => Emergency::High,
        Some("medium") => Emergency::Medium,
        _ => return Err(Invalid::new("severity", "must be `critical`, `high` or `medium`").into()),
    };
    let glass = OpenBreakGlass {
        agent: name(&body, "agent_id")?,
        justification: text(&body, "justification")?.unwrap_or_default(),
        severity,
        minutes: maybe(&body, "duration_minutes")?,
        actions: opt_name(&body, "action_type")?.into_iter().collect(),
        max_uses: maybe(&body, "max_actions")?,
        by: Name::default(),
    };
    let broken = plane.tenant(&caller.tenant)?.break_glass(&caller, glass).await?;
    Ok((StatusCode::CREATED, event_told(&broken, &plane)).into_response())
}

pub(crate) async fn list_events(plane: State<Arc<Plane>>, caller: Caller) -> Result<Response, Failure> {
    let events = plane.tenant(&caller.tenant)?.grants(&caller, is_glass);
    let events = events.iter().map(|event| EventShown::of(event, plane.now())).collect();
    Ok(Json(Events { ok: true, events }).into_response())
}

pub(crate) async fn close(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    let ended = end(&plane, &caller, &id, &body, is_glass).await?;
    Ok(event_told(&ended, &plane).into_response())
}

/// Who reviews is whoever holds the key; what the body says of that is not read.
pub(crate) async fn review(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    only(&body, &["reviewed_by", "notes", "outcome"])?;
    let (notes, outcome) = (text(&body, "notes")?.unwrap_or_default(), text(&body, "outcome")?);
    let tenant = plane.tenant(&caller.tenant)?;
    let reviewed = tenant.review_break_glass(&caller, read_id(&id)?, notes, outcome).await?;
    Ok(event_told(&reviewed, &plane).into_response())
}

pub(crate) async fn stats(plane: State<Arc<Plane>>, caller: Caller) -> Result<Response, Failure> {
    let (events, now) = (plane.tenant(&caller.tenant)?.grants(&caller, is_glass), plane.now());
    let count = |is: &dyn Fn(&Grant) -> bool| events.iter().filter(|event| is(event)).count();
    let of = |severity| count(&|event| event.break_glass().is_some_and(|glass| glass.severity == severity));
    let by_severity = Severities {
        critical: of(Emergency::Critical),
        high: of(Emergency::High),
        medium: of(Emergency::Medium),
    };
    let told = Stats {
        ok: true,
        total: events.len(),
        active: count(&|event| event.state(now) == GrantState::Active),
        pending_review: count(&|event| event.review_due().is_some()),
        overdue_review: count(&|event| event.review_due().is_some_and(|due| due <= now)),
        by_severity,
    };
    Ok(Json(told).into_response())
}

pub(crate) async fn delegate(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Object(body): Object,
) -> Result<Response, Failure> {
    let known =
        ["source_agent_id", "target_agent_id", "scopes", "action_types", "constraints", "instruction"];
    let more =
        ["parent_grant_id", "ttl_hours", "ttl_seconds", "duration_minutes", "max_uses", "budgets", "role"];
    only(&body, &[&known[..], &more, &["metadata"]].concat())?;
    unconstrained(&body)?;
    let asked = Delegate {
        source: name(&body, "source_agent_id")?,
        role: opt_name(&body, "role")?.unwrap_or_default(),
        target: name(&body, "target_agent_id")?,
        scopes: list(&body, "scopes", "patterns")?,
        within: vec![list(&body, "action_types", "patterns")?],
        parent: opt_name(&body, "parent_grant_id")?.map(|id| read_id(&id)).transpose()?,
        length: length(&body)?,
        max_uses: uses(&body)?,
        max_depth: None,
        instruction: text(&body, "instruction")?.unwrap_or_default(),
        by: Name::default(),
    };
    let tenant = plane.tenant(&caller.tenant)?;
    let given = tenant.delegate(&caller, asked, plane.now()).await?;
    let told = delegation_told(&tenant, &given, &plane);
    Ok((StatusCode::CREATED, told).into_response())
}

pub(crate) async fn revoke_delegation(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(id): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    let ended = end(&plane, &caller, &id, &body, is_delegation).await?;
    let tenant = plane.tenant(&caller.tenant)?;
    Ok(delegation_told(&tenant, &ended, &plane).into_response())
}

pub(crate) async fn list_delegations(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(agent): Path<String>,
    Query(Asked { direction, status }): Query<Asked>,
) -> Result<Response, Failure> {
    let tenant = plane.tenant(&caller.tenant)?;
    tenant.asked_about(&caller, &agent)?;
    let given = |grant: &Grant| grant.delegation().is_some_and(|delegation| delegation.source == agent);
    let wanted: &dyn Fn(&Grant) -> bool = match direction.as_deref() {
        None => &|grant| given(grant) || grant.agent == agent,
        Some("given") => &given,
        Some("received") => &|grant| grant.agent == agent,
        Some(_) => return Err(Invalid::new("direction", "must be `given` or `received`").into()),
    };
    let shown = |grant: &Grant| DelegationShown::of(grant, is_valid(&tenant, grant), plane.now());
    let all = tenant.grants(&caller, |grant| is_delegation(grant) && wanted(grant));
    let is_asked = |grant: &&Grant| match status.as_deref() {
        None => true,
        Some("active") => grant.state(plane.now()) == GrantState::Active,
        Some(_) => grant.state(plane.now()) != GrantState::Active,
    };
    let delegations = all.iter().filter(is_asked).map(shown).collect();
    Ok(Json(Delegations { ok: true, delegations }).into_response())
}

/// Whether a delegation admits this to the agent now. What else stands against the call is not asked.
pub(crate) async fn verify_delegation(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Object(body): Object,
) -> Result<Response, Failure> {
    only(&body, &["grant_id", "agent_id", "action_type", "scope"])?;
    let id = read_id(&name(&body, "grant_id")?)?;
    let agent = opt_name(&body, "agent_id")?;
    let asked = [opt_name(&body, "action_type")?, opt_name(&body, "scope")?];
    let tenant = plane.tenant(&caller.tenant)?;
    let Ok(grant) = tenant.grant(&caller, id, is_delegation) else {
        let told = Verified { ok: true, valid: false, reason: "there is no such delegation", grant: None };
        return Ok(Json(told).into_response());
    };
    let agent = agent.as_ref().unwrap_or(&grant.agent);
    let admits = |tool: Option<&str>| tenant.enforcer.grant_admits(id, agent, tool);
    let reason = match grant.state(plane.now()) {
        _ if *agent != grant.agent => "it is another agent's",
        GrantState::Ended => "it was revoked",
        GrantState::Expired => "its time is over",
        GrantState::Exhausted => "all of its uses are spent",
        GrantState::Active if !admits(None) => "nothing is left of what it came from",
        GrantState::Active if !asked.iter().flatten().all(|tool| admits(Some(tool))) => {
            "it does not admit this"
        }
        GrantState::Active => "",
    };
    let shown = DelegationShown::of(&grant, is_valid(&tenant, &grant), plane.now());
    let (valid, grant) = (reason.is_empty(), Some(shown));
    Ok(Json(Verified { ok: true, valid, reason, grant }).into_response())
}

async fn end(
    plane: &Plane,
    caller: &Caller,
    id: &str,
    body: &Body,
    is: fn(&Grant) -> bool,
) -> Result<Grant, Failure> {
    only(body, &["reason"])?;
    let reason = text(body, "reason")?.unwrap_or_default();
    plane.tenant(&caller.tenant)?.end_grant(caller, read_id(id)?, reason, is).await
}

fn window_told(window: &Grant, plane: &Plane) -> Json<OneWindow> {
    let window_id = wire("tw", window.id);
    Json(OneWindow { ok: true, window: WindowShown::of(window, plane.now()), window_id })
}

fn event_told(event: &Grant, plane: &Plane) -> Json<OneEvent> {
    let breakglass_id = wire("bg", event.id);
    Json(OneEvent { ok: true, event: EventShown::of(event, plane.now()), breakglass_id })
}

fn delegation_told(tenant: &Tenant, grant: &Grant, plane: &Plane) -> Json<OneDelegation> {
    let shown = DelegationShown::of(grant, is_valid(tenant, grant), plane.now());
    Json(OneDelegation { ok: true, grant: shown, grant_id: wire("dlg", grant.id) })
}

fn is_valid(tenant: &Tenant, grant: &Grant) -> bool {
    tenant.enforcer.grant_admits(grant.id, &grant.agent, None)
}

fn read_id(id: &str) -> Result<GrantId, Failure> {
    grant_id(id).ok_or(Failure::Unknown("grant"))
}

/// What is not read is refused: it could have been meant to narrow.
fn only(body: &Body, known: &[&str]) -> Result<(), Failure> {
    match body.keys().find(|member| !known.contains(&member.as_str())) {
        Some(unknown) => Err(Invalid::new(unknown, "is not known").into()),
        None => Ok(()),
    }
}

/// Constraints of a grant are not enforced, and therefore refused.
fn unconstrained(body: &Body) -> Result<(), Failure> {
    match body.get("constraints") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Object(members)) if members.is_empty() => Ok(()),
        Some(_) => {
            Err(Invalid::new("constraints", "is not enforced, and therefore refused: use a role").into())
        }
    }
}

fn maybe(body: &Body, member: &str) -> Result<Option<u64>, Failure> {
    let given = body.get(member).is_some_and(|value| !value.is_null());
    Ok(given.then(|| whole(body, member)).transpose()?)
}

fn needed(body: &Body, member: &str) -> Result<u64, Failure> {
    maybe(body, member)?.ok_or_else(|| Invalid::new(member, "is missing").into())
}

/// An hour, unless one of three members says something else.
fn length(body: &Body) -> Result<Duration, Failure> {
    let units = [("ttl_hours", 3600), ("duration_minutes", 60), ("ttl_seconds", 1)];
    let mut given = None;
    for (member, seconds) in units {
        match (maybe(body, member)?, given) {
            (None, _) => {}
            (Some(_), Some(_)) => return Err(Invalid::new(member, "and another length: say one").into()),
            (Some(length), None) => given = Some(Duration::from_secs(length.saturating_mul(seconds))),
        }
    }
    Ok(given.unwrap_or(Duration::from_secs(3600)))
}

/// The fewer of `max_uses` and the actions of `budgets`, which has nothing else.
fn uses(body: &Body) -> Result<Option<u64>, Failure> {
    let budget = match body.get("budgets") {
        None | Some(Value::Null) => None,
        Some(Value::Object(budgets)) => {
            only(budgets, &["max_actions"])
                .map_err(|_| Invalid::new("budgets", "may have `max_actions` alone"))?;
            maybe(budgets, "max_actions")?
        }
        Some(_) => return Err(Invalid::new("budgets", "must be an object").into()),
    };
    Ok(maybe(body, "max_uses")?.into_iter().chain(budget).min())
}
