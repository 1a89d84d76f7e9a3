//! Every route of the plane, and who may take it. The router is built from this table, so a route
//! that is not in it does not exist.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use axum::{Json, Router};
use scopegate_core::json::MAX_TEXT;
use serde_json::json;

use crate::admit::{Way, admit};
use crate::dialect::{native, scopebound, xybern};
use crate::keys::Kind::{self, Admin, Agent, Approver, Auditor, Breakglass, Dev};
use crate::openapi::{self, Doc};
use crate::plane::Plane;
use crate::{health, jwks, shell};

/// A route.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// The kinds of keys that may take it; none means that no key is needed.
    pub(crate) kinds: &'static [Kind],
    /// How long a body may be, in bytes.
    pub(crate) max_body: usize,
    pub(crate) handler: fn() -> MethodRouter<Arc<Plane>>,
    /// What the OpenAPI document says of it.
    pub(crate) doc: fn() -> Doc,
}

/// A body of an enforcement route is taken in up to here, so that one which is too long to judge is
/// denied: a client that fails open takes any other answer for permission.
const MAX_DRAINED: usize = 8 * 1024 * 1024;

const AGENTS: &[Kind] = &[Agent, Dev];
const ADMINS: &[Kind] = &[Admin, Dev];
/// Whoever may see what agents may do.
const READERS: &[Kind] = &[Agent, Admin, Auditor, Approver, Dev];
const PEOPLE: &[Kind] = &[Approver, Dev];
/// Whoever may see what was decided for others.
const AUDITORS: &[Kind] = &[Admin, Auditor, Dev];
/// Whoever may widen what an agent may do.
const WIDENERS: &[Kind] = &[Admin, Breakglass, Dev];
/// Whoever may look at what was widened afterwards.
const REVIEWERS: &[Kind] = &[Admin, Approver, Auditor, Breakglass, Dev];
/// Whoever may look into every agent, and agents into themselves.
const OF_ITSELF: &[Kind] = &[Agent, Admin, Auditor, Dev];

macro_rules! route {
    ($method:ident $path:literal $kinds:expr, judged($handler:path), $doc:path) => {
        Route { max_body: MAX_DRAINED, ..route!($method $path, $kinds, post($handler), $doc) }
    };
    ($method:ident $path:literal $kinds:expr, $($rest:tt)*) => {
        route!($method $path, $kinds, $($rest)*)
    };
    ($method:ident $path:expr, $kinds:expr, $verb:ident($handler:path), $doc:path) => {
        Route {
            method: Method::$method,
            path: $path,
            kinds: $kinds,
            max_body: MAX_TEXT,
            handler: || axum::routing::$verb($handler),
            doc: $doc,
        }
    };
}

/// A route of the Xybern dialect, in both of its trees.
macro_rules! enforce {
    ($method:ident $path:literal, $kinds:expr, judged($handler:path), $doc:path) => {
        enforce!($method $path, $kinds, post($handler), $doc)
            .map(|route| Route { max_body: MAX_DRAINED, ..route })
    };
    ($method:ident $path:literal, $($rest:tt)*) => {
        [
            route!($method concat!("/api/v1/enforce", $path), $($rest)*),
            route!($method concat!("/v1/enforce", $path), $($rest)*),
        ]
    };
}

/// All of them.
pub(crate) fn table() -> Vec<Route> {
    scopebound_table().into_iter().chain(xybern_table()).collect()
}

/// The plane's own, and those of the Scopebound dialect.
fn scopebound_table() -> Vec<Route> {
    use scopebound::{self as sb, docs};
    vec![
        route!(GET "/healthz" &[], get(health::healthz), health::healthz_doc),
        route!(GET "/metrics" &[], get(health::metrics), health::metrics_doc),
        route!(GET "/openapi.json" &[], get(openapi::serve), openapi::doc),
        route!(GET "/.well-known/jwks.json" &[], get(jwks::serve), jwks::doc),
        route!(POST "/v1/provision" AGENTS, post(sb::provision), docs::provision),
        route!(POST "/v1/enforce" AGENTS, judged(sb::enforce), docs::enforce),
        route!(POST "/v1/mcp/enforce" AGENTS, judged(sb::mcp_enforce), docs::mcp_enforce),
        route!(DELETE "/v1/sessions/{id}" &[Agent, Admin, Dev], delete(sb::revoke), docs::revoke),
        route!(GET "/v1/sessions" &[Admin, Auditor, Dev], get(sb::list_sessions), docs::list_sessions),
        route!(GET "/v1/sessions/{id}" &[Agent, Admin, Auditor, Dev], get(sb::get_session), docs::get_session),
        route!(POST "/mgmt/v1/agents/{owner}/suspend" ADMINS, post(sb::suspend), docs::suspend),
        route!(POST "/mgmt/v1/agents/{owner}/readmit" ADMINS, post(sb::readmit), docs::readmit),
        route!(GET "/v1/epoch" &[Agent, Admin, Auditor, Dev], get(native::epoch), native::docs::epoch),
        route!(GET "/v1/epoch/events" &[Agent, Admin, Auditor, Dev], get(native::epoch_events), native::docs::epoch_events),
        route!(GET "/v1/sessions/{id}/scope" AGENTS, get(native::get_scope), native::docs::get_scope),
        route!(POST "/v1/sessions/{id}/rate" AGENTS, post(native::lend_rate), native::docs::lend_rate),
        route!(POST "/v1/sessions/{id}/journal" AGENTS, post(native::take_journal), native::docs::take_journal),
        route!(GET "/v1/approvals" &[Agent, Approver, Admin, Auditor, Dev], get(sb::list_approvals), docs::list_approvals),
        route!(GET "/v1/approvals/{id}" &[Agent, Approver, Admin, Auditor, Dev], get(sb::get_approval), docs::get_approval),
        route!(POST "/v1/approvals/{id}/approve" PEOPLE, post(sb::approve), docs::approve),
        route!(POST "/v1/approvals/{id}/reject" PEOPLE, post(sb::reject), docs::reject),
        // Agents look names up before they ask.
        route!(GET "/mgmt/v1/roles" READERS, get(sb::list_roles), docs::list_roles),
        route!(GET "/mgmt/v1/roles/{id}" READERS, get(sb::get_role), docs::get_role),
        route!(GET "/mgmt/v1/roles/by-name/{id}" READERS, get(sb::get_role), docs::get_role),
        route!(POST "/mgmt/v1/roles" ADMINS, post(sb::create_role), docs::create_role),
        route!(PUT "/mgmt/v1/roles/{id}" ADMINS, put(sb::update_role), docs::update_role),
        route!(DELETE "/mgmt/v1/roles/{id}" ADMINS, delete(sb::delete_role), docs::delete_role),
        route!(GET "/mgmt/v1/mcp/servers" READERS, get(sb::list_servers), docs::list_servers),
        route!(GET "/mgmt/v1/mcp/servers/{name}" READERS, get(sb::get_server), docs::get_server),
        route!(PUT "/mgmt/v1/mcp/servers/{name}" ADMINS, put(sb::put_server), docs::put_server),
        route!(DELETE "/mgmt/v1/mcp/servers/{name}" ADMINS, delete(sb::delete_server), docs::delete_server),
        route!(GET "/mgmt/v1/audit/export" &[Auditor, Dev], get(sb::export_audit), docs::export_audit),
        route!(GET "/mgmt/v1/webhooks/deliveries" ADMINS, get(sb::list_deliveries), docs::list_deliveries),
    ]
}

/// Those of the Xybern dialect.
fn xybern_table() -> Vec<Route> {
    use xybern::{self as xb, docs, grant_docs as gd, policy_docs, run_docs};
    [
        enforce!(POST "/intercept", AGENTS, judged(xb::intercept), docs::intercept),
        enforce!(POST "/batch", AGENTS, judged(xb::batch), docs::batch),
        enforce!(POST "/agent-comm", AGENTS, judged(xb::agent_comm), docs::agent_comm),
        enforce!(GET "/red-lines", READERS, get(xb::red_lines), docs::red_lines),
        enforce!(GET "/decisions", READERS, get(xb::list_decisions), docs::list_decisions),
        enforce!(GET "/decisions/{id}", READERS, get(xb::get_decision), docs::get_decision),
        enforce!(GET "/stats", &[Admin, Auditor, Approver, Dev], get(xb::stats), docs::stats),
        enforce!(POST "/roles", ADMINS, post(xb::create_role), docs::create_role),
        enforce!(GET "/roles", READERS, get(xb::list_roles), docs::list_roles),
        enforce!(GET "/roles/{id}", READERS, get(xb::get_role), docs::get_role),
        enforce!(PUT "/roles/{id}", ADMINS, put(xb::update_role), docs::update_role),
        enforce!(DELETE "/roles/{id}", ADMINS, delete(xb::delete_role), docs::delete_role),
        enforce!(POST "/roles/{id}/assign", ADMINS, post(xb::assign_role), docs::assign_role),
        enforce!(POST "/roles/{id}/unassign", ADMINS, post(xb::unassign_role), docs::unassign_role),
        enforce!(GET "/roles/{id}/agents", READERS, get(xb::role_agents), docs::role_agents),
        enforce!(GET "/escalations", READERS, get(xb::list_escalations), run_docs::list_escalations),
        enforce!(GET "/escalations/{id}", READERS, get(xb::get_escalation), run_docs::get_escalation),
        enforce!(GET "/escalations/{id}/status", READERS, get(xb::escalation_status), run_docs::escalation_status),
        enforce!(POST "/escalations/{id}/resolve", PEOPLE, post(xb::resolve_escalation), run_docs::resolve_escalation),
        enforce!(POST "/sessions/start", AGENTS, post(xb::start_run), run_docs::start_run),
        enforce!(POST "/sessions/{id}/heartbeat", AGENTS, post(xb::beat_run), run_docs::beat_run),
        enforce!(POST "/sessions/{id}/end", AGENTS, post(xb::end_run), run_docs::end_run),
        // An agent finds itself by its name; a new one is made by an admin.
        enforce!(POST "/agents", &[Agent, Admin, Dev], post(xb::register_agent), docs::register_agent),
        enforce!(GET "/agents", READERS, get(xb::list_agents), docs::list_agents),
        enforce!(GET "/agents/{id}", READERS, get(xb::get_agent), docs::get_agent),
        enforce!(PUT "/agents/{id}", ADMINS, put(xb::update_agent), docs::update_agent),
        enforce!(DELETE "/agents/{id}", ADMINS, delete(xb::deactivate_agent), docs::deactivate_agent),
        enforce!(GET "/agents/{id}/history", OF_ITSELF, get(xb::agent_history), docs::agent_history),
        enforce!(GET "/agents/{id}/communications", OF_ITSELF, get(xb::communications), docs::communications),
        enforce!(GET "/agents/{id}/credentials", OF_ITSELF, get(xb::list_credentials), docs::list_credentials),
        enforce!(GET "/agents/{id}/credentials/active", OF_ITSELF, get(xb::active_credential), docs::active_credential),
        enforce!(POST "/agents/{id}/credentials", ADMINS, post(xb::issue_credential), docs::issue_credential),
        enforce!(POST "/agents/{id}/credentials/rotate", ADMINS, post(xb::rotate_credential), docs::rotate_credential),
        enforce!(POST "/credentials/{id}/revoke", ADMINS, post(xb::revoke_credential), docs::revoke_credential),
        enforce!(GET "/policies", READERS, get(xb::list_policies), policy_docs::list_policies),
        enforce!(GET "/policies/{id}", READERS, get(xb::get_policy), policy_docs::get_policy),
        enforce!(POST "/policies", ADMINS, post(xb::create_policy), policy_docs::create_policy),
        enforce!(PUT "/policies/{id}", ADMINS, put(xb::update_policy), policy_docs::update_policy),
        enforce!(DELETE "/policies/{id}", ADMINS, delete(xb::delete_policy), policy_docs::delete_policy),
        enforce!(POST "/policies/{id}/promote", ADMINS, post(xb::promote_policy), policy_docs::promote_policy),
        enforce!(GET "/shadow/report", AUDITORS, get(xb::shadow_report), policy_docs::shadow_report),
        enforce!(GET "/policy-packs", READERS, get(xb::list_packs), policy_docs::list_packs),
        enforce!(GET "/policy-packs/{id}", READERS, get(xb::get_pack), policy_docs::get_pack),
        enforce!(POST "/policy-packs", ADMINS, post(xb::deploy_pack), policy_docs::deploy_pack),
        enforce!(POST "/policy-packs/validate", ADMINS, post(xb::validate_pack), policy_docs::validate_pack),
        enforce!(POST "/policy-packs/{id}/rollback", ADMINS, post(xb::roll_back_pack), policy_docs::roll_back_pack),
        // No agent widens what it may do.
        enforce!(POST "/temporal-windows", WIDENERS, post(xb::create_window), gd::create_window),
        enforce!(POST "/temporal-windows/check", READERS, post(xb::check_window), gd::check_window),
        enforce!(GET "/temporal-windows/{id}", READERS, get(xb::get_window), gd::get_window),
        enforce!(POST "/temporal-windows/{id}/extend", WIDENERS, post(xb::extend_window), gd::extend_window),
        enforce!(POST "/temporal-windows/{id}/revoke", WIDENERS, post(xb::revoke_window), gd::revoke_window),
        enforce!(GET "/agents/{id}/temporal-windows", OF_ITSELF, get(xb::list_windows), gd::list_windows),
        enforce!(POST "/breakglass", WIDENERS, post(xb::break_glass), gd::trigger),
        enforce!(GET "/breakglass", REVIEWERS, get(xb::list_events), gd::list_events),
        enforce!(GET "/breakglass/stats", REVIEWERS, get(xb::glass_stats), gd::stats),
        enforce!(POST "/breakglass/{id}/close", WIDENERS, post(xb::close_glass), gd::close),
        enforce!(POST "/breakglass/{id}/review", REVIEWERS, post(xb::review_glass), gd::review),
        // An agent hands on what is its own.
        enforce!(POST "/delegate", &[Agent, Admin, Dev], post(xb::delegate), gd::delegate),
        enforce!(POST "/delegate/verify", READERS, post(xb::verify_delegation), gd::verify_delegation),
        enforce!(POST "/delegate/{id}/revoke", &[Agent, Admin, Dev], post(xb::revoke_delegation), gd::revoke_delegation),
        enforce!(GET "/agents/{id}/delegations", OF_ITSELF, get(xb::list_delegations), gd::list_delegations),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every route, as others may see it: method, path, and the kinds of keys that may take it.
pub fn listing() -> Vec<(Method, &'static str, &'static [Kind])> {
    table().into_iter().map(|route| (route.method, route.path, route.kinds)).collect()
}

/// The router of a plane.
pub(crate) fn router(plane: Arc<Plane>) -> Router {
    let mut router = Router::new();
    for Route { path, kinds, max_body, handler, .. } in table() {
        let mut handler = handler();
        if !kinds.is_empty() {
            let way = Way { plane: plane.clone(), kinds, max_body };
            handler = handler.layer(from_fn_with_state(way, admit));
        }
        router = router.route(path, handler);
    }
    let router = router
        .fallback(|request: Request| async move {
            shell::unread(
                shell::has_body(&request),
                refusal(StatusCode::NOT_FOUND, "NOT_FOUND", "no such route"),
            )
        })
        .method_not_allowed_fallback(|request: Request| async move {
            let refusal =
                refusal(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "not with this method");
            shell::unread(shell::has_body(&request), refusal)
        })
        // Bodies have been taken in already, within their limits.
        .layer(DefaultBodyLimit::disable());
    shell::surround(router, &plane).with_state(plane)
}

/// What a refusal says, for a dialect that says it in another form.
#[derive(Clone, Debug)]
pub(crate) struct Message(pub(crate) String);

/// An answer that is no decision.
pub(crate) fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": message }, "detail": message });
    let mut response = (status, Json(body)).into_response();
    response.extensions_mut().insert(Message(message.to_owned()));
    response
}
