//! Every route of the plane, and who may take it. The router is built from this table, so a route
//! that is not in it does not exist.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use axum::{Json, Router};
use scopegate_core::json::MAX_TEXT;
use serde_json::json;

use crate::auth::{Caller, Stranger};
use crate::dialect::{native, scopebound};
use crate::health;
use crate::keys::Kind::{self, Admin, Agent, Approver, Auditor, Dev};
use crate::plane::Plane;

/// A route.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// The kinds of keys that may take it; none means that no key is needed.
    pub(crate) kinds: &'static [Kind],
    pub(crate) handler: fn() -> MethodRouter<Arc<Plane>>,
}

/// A body of an enforcement route is taken in up to here, so that one which is too long to judge is
/// denied: a client that fails open takes any other answer for permission.
const MAX_DRAINED: usize = 8 * 1024 * 1024;

const AGENTS: &[Kind] = &[Agent, Dev];
const ADMINS: &[Kind] = &[Admin, Dev];
const PEOPLE: &[Kind] = &[Approver, Dev];

macro_rules! route {
    ($method:ident $path:literal $kinds:expr, judged($handler:path)) => {
        Route {
            method: Method::$method,
            path: $path,
            kinds: $kinds,
            handler: || axum::routing::post($handler).layer(DefaultBodyLimit::max(MAX_DRAINED)),
        }
    };
    ($method:ident $path:literal $kinds:expr, $verb:ident($handler:path)) => {
        Route {
            method: Method::$method,
            path: $path,
            kinds: $kinds,
            handler: || axum::routing::$verb($handler),
        }
    };
}

/// All of them.
pub(crate) fn table() -> Vec<Route> {
    use scopebound as sb;
    vec![
        route!(GET "/healthz" &[], get(health::healthz)),
        route!(GET "/metrics" &[], get(health::metrics)),
        route!(POST "/v1/provision" AGENTS, post(sb::provision)),
        route!(POST "/v1/enforce" AGENTS, judged(sb::enforce)),
        route!(POST "/v1/mcp/enforce" AGENTS, judged(sb::mcp_enforce)),
        route!(DELETE "/v1/sessions/{id}" &[Agent, Admin, Dev], delete(sb::revoke)),
        route!(GET "/v1/sessions" &[Admin, Auditor, Dev], get(sb::list_sessions)),
        route!(GET "/v1/sessions/{id}" &[Agent, Admin, Auditor, Dev], get(sb::get_session)),
        route!(POST "/mgmt/v1/agents/{owner}/suspend" ADMINS, post(sb::suspend)),
        route!(POST "/mgmt/v1/agents/{owner}/readmit" ADMINS, post(sb::readmit)),
        route!(GET "/v1/epoch" &[Agent, Admin, Auditor, Dev], get(native::epoch)),
        route!(GET "/v1/epoch/events" &[Agent, Admin, Auditor, Dev], get(native::epoch_events)),
        route!(GET "/v1/sessions/{id}/scope" AGENTS, get(native::get_scope)),
        route!(POST "/v1/sessions/{id}/rate" AGENTS, post(native::lend_rate)),
        route!(POST "/v1/sessions/{id}/journal" AGENTS, post(native::take_journal)),
        route!(GET "/v1/approvals" &[Agent, Approver, Admin, Auditor, Dev], get(sb::list_approvals)),
        route!(GET "/v1/approvals/{id}" &[Agent, Approver, Admin, Auditor, Dev], get(sb::get_approval)),
        route!(POST "/v1/approvals/{id}/approve" PEOPLE, post(sb::approve)),
        route!(POST "/v1/approvals/{id}/reject" PEOPLE, post(sb::reject)),
        // Agents look names up before they ask.
        route!(GET "/mgmt/v1/roles" &[Agent, Admin, Auditor, Approver, Dev], get(sb::list_roles)),
        route!(GET "/mgmt/v1/roles/{id}" &[Agent, Admin, Auditor, Approver, Dev], get(sb::get_role)),
        route!(GET "/mgmt/v1/roles/by-name/{id}" &[Agent, Admin, Auditor, Approver, Dev], get(sb::get_role)),
        route!(POST "/mgmt/v1/roles" ADMINS, post(sb::create_role)),
        route!(PUT "/mgmt/v1/roles/{id}" ADMINS, put(sb::update_role)),
        route!(DELETE "/mgmt/v1/roles/{id}" ADMINS, delete(sb::delete_role)),
        route!(GET "/mgmt/v1/audit/export" &[Auditor, Dev], get(sb::export_audit)),
        route!(GET "/mgmt/v1/webhooks/deliveries" ADMINS, get(sb::list_deliveries)),
    ]
}

/// Every route, as others may see it: method, path, and the kinds of keys that may take it.
pub fn listing() -> Vec<(Method, &'static str, &'static [Kind])> {
    table().into_iter().map(|route| (route.method, route.path, route.kinds)).collect()
}

/// The router of a plane.
pub(crate) fn router(plane: Arc<Plane>) -> Router {
    let mut router = Router::new();
    for route in table() {
        let mut handler = (route.handler)();
        if !route.kinds.is_empty() {
            handler = handler.layer(from_fn_with_state((plane.clone(), route.kinds), admit));
        }
        router = router.route(route.path, handler);
    }
    router
        .fallback(|| async { refusal(StatusCode::NOT_FOUND, "NOT_FOUND", "no such route") })
        .method_not_allowed_fallback(|| async {
            refusal(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "not with this method")
        })
        .layer(DefaultBodyLimit::max(MAX_TEXT))
        .with_state(plane)
}

/// Lets a request through whose key may take the route, and tells the handler who calls.
async fn admit(
    State((plane, kinds)): State<(Arc<Plane>, &'static [Kind])>,
    mut request: Request,
    next: Next,
) -> Response {
    match plane.keyring.caller(request.headers(), plane.now()) {
        Ok(caller) if kinds.contains(&caller.kind) => {
            request.extensions_mut().insert(caller);
            let mut response = next.run(request).await;
            // A decision is spent when it is given, and nothing else here is anyone's to keep.
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Ok(caller) => {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
            let why = format!("this needs a key of kind {}; yours is {}", kinds.join(" or "), caller.kind);
            refusal(StatusCode::FORBIDDEN, "FORBIDDEN", &why)
        }
        Err(stranger @ Stranger::Two) => {
            refusal(StatusCode::BAD_REQUEST, "BAD_REQUEST", &stranger.to_string())
        }
        Err(stranger) => {
            let mut response = refusal(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", &stranger.to_string());
            let challenge = HeaderValue::from_static("Bearer realm=\"scopegate\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            response
        }
    }
}

/// Only behind [`admit`], which has put it there.
impl FromRequestParts<Arc<Plane>> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Plane>) -> Result<Self, Response> {
        let missing = || refusal(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", &Stranger::Missing.to_string());
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}

/// An answer that is no decision.
pub(crate) fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "error": { "code": code, "message": message }, "detail": message })))
        .into_response()
}
