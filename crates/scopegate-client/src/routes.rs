//! Every route of the plane that this client takes. A request is made from a line of this table and
//! from nothing else; a test holds it against the plane's own.

use http::Method;

/// A route: its path has a `{name}` for each value that a request fills in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
}

macro_rules! routes {
    ($($name:ident = $method:ident $path:literal;)*) => {
        $(pub(crate) const $name: Route = Route { method: Method::$method, path: $path };)*

        const ALL: &[Route] = &[$($name,)*];
    };
}

routes! {
    HEALTHZ = GET "/healthz";
    METRICS = GET "/metrics";
    PROVISION = POST "/v1/provision";
    ENFORCE = POST "/v1/enforce";
    MCP_ENFORCE = POST "/v1/mcp/enforce";
    REVOKE = DELETE "/v1/sessions/{id}";
    LIST_SESSIONS = GET "/v1/sessions";
    GET_SESSION = GET "/v1/sessions/{id}";
    SUSPEND = POST "/mgmt/v1/agents/{owner}/suspend";
    READMIT = POST "/mgmt/v1/agents/{owner}/readmit";
    EPOCH = GET "/v1/epoch";
    LIST_REVIEWS = GET "/v1/approvals";
    GET_REVIEW = GET "/v1/approvals/{id}";
    APPROVE = POST "/v1/approvals/{id}/approve";
    REJECT = POST "/v1/approvals/{id}/reject";
    LIST_ROLES = GET "/mgmt/v1/roles";
    GET_ROLE = GET "/mgmt/v1/roles/{id}";
    GET_ROLE_BY_NAME = GET "/mgmt/v1/roles/by-name/{id}";
    CREATE_ROLE = POST "/mgmt/v1/roles";
    UPDATE_ROLE = PUT "/mgmt/v1/roles/{id}";
    DELETE_ROLE = DELETE "/mgmt/v1/roles/{id}";
    LIST_SERVERS = GET "/mgmt/v1/mcp/servers";
    GET_SERVER = GET "/mgmt/v1/mcp/servers/{name}";
    PUT_SERVER = PUT "/mgmt/v1/mcp/servers/{name}";
    DELETE_SERVER = DELETE "/mgmt/v1/mcp/servers/{name}";
    INTERCEPT = POST "/v1/enforce/intercept";
    BATCH = POST "/v1/enforce/batch";
    AGENT_COMM = POST "/v1/enforce/agent-comm";
    LIST_DECISIONS = GET "/v1/enforce/decisions";
    GET_DECISION = GET "/v1/enforce/decisions/{id}";
    DECISION_STATS = GET "/v1/enforce/stats";
    LIST_AGENT_ROLES = GET "/v1/enforce/roles";
    GET_AGENT_ROLE = GET "/v1/enforce/roles/{id}";
    DELETE_AGENT_ROLE = DELETE "/v1/enforce/roles/{id}";
    CREATE_AGENT_ROLE = POST "/v1/enforce/roles";
    UPDATE_AGENT_ROLE = PUT "/v1/enforce/roles/{id}";
    ASSIGN_ROLE = POST "/v1/enforce/roles/{id}/assign";
    UNASSIGN_ROLE = POST "/v1/enforce/roles/{id}/unassign";
    ROLE_AGENTS = GET "/v1/enforce/roles/{id}/agents";
    REGISTER_AGENT = POST "/v1/enforce/agents";
    LIST_AGENTS = GET "/v1/enforce/agents";
    GET_AGENT = GET "/v1/enforce/agents/{id}";
    UPDATE_AGENT = PUT "/v1/enforce/agents/{id}";
    DEACTIVATE_AGENT = DELETE "/v1/enforce/agents/{id}";
    AGENT_HISTORY = GET "/v1/enforce/agents/{id}/history";
    AGENT_COMMUNICATIONS = GET "/v1/enforce/agents/{id}/communications";
    LIST_CREDENTIALS = GET "/v1/enforce/agents/{id}/credentials";
    ACTIVE_CREDENTIAL = GET "/v1/enforce/agents/{id}/credentials/active";
    ISSUE_CREDENTIAL = POST "/v1/enforce/agents/{id}/credentials";
    ROTATE_CREDENTIAL = POST "/v1/enforce/agents/{id}/credentials/rotate";
    REVOKE_CREDENTIAL = POST "/v1/enforce/credentials/{id}/revoke";
    LIST_POLICIES = GET "/v1/enforce/policies";
    GET_POLICY = GET "/v1/enforce/policies/{id}";
    CREATE_POLICY = POST "/v1/enforce/policies";
    UPDATE_POLICY = PUT "/v1/enforce/policies/{id}";
    DELETE_POLICY = DELETE "/v1/enforce/policies/{id}";
    PROMOTE_POLICY = POST "/v1/enforce/policies/{id}/promote";
    SHADOW_REPORT = GET "/v1/enforce/shadow/report";
    LIST_PACKS = GET "/v1/enforce/policy-packs";
    GET_PACK = GET "/v1/enforce/policy-packs/{id}";
    DEPLOY_PACK = POST "/v1/enforce/policy-packs";
    VALIDATE_PACK = POST "/v1/enforce/policy-packs/validate";
    ROLL_BACK_PACK = POST "/v1/enforce/policy-packs/{id}/rollback";
    LIST_ESCALATIONS = GET "/v1/enforce/escalations";
    GET_ESCALATION = GET "/v1/enforce/escalations/{id}";
    ESCALATION_STATUS = GET "/v1/enforce/escalations/{id}/status";
    RESOLVE_ESCALATION = POST "/v1/enforce/escalations/{id}/resolve";
    START_RUN = POST "/v1/enforce/sessions/start";
    BEAT_RUN = POST "/v1/enforce/sessions/{id}/heartbeat";
    END_RUN = POST "/v1/enforce/sessions/{id}/end";
    CREATE_WINDOW = POST "/v1/enforce/temporal-windows";
    CHECK_WINDOW = POST "/v1/enforce/temporal-windows/check";
    GET_WINDOW = GET "/v1/enforce/temporal-windows/{id}";
    EXTEND_WINDOW = POST "/v1/enforce/temporal-windows/{id}/extend";
    REVOKE_WINDOW = POST "/v1/enforce/temporal-windows/{id}/revoke";
    LIST_WINDOWS = GET "/v1/enforce/agents/{id}/temporal-windows";
    BREAK_GLASS = POST "/v1/enforce/breakglass";
    LIST_GLASS = GET "/v1/enforce/breakglass";
    GLASS_STATS = GET "/v1/enforce/breakglass/stats";
    CLOSE_GLASS = POST "/v1/enforce/breakglass/{id}/close";
    REVIEW_GLASS = POST "/v1/enforce/breakglass/{id}/review";
    DELEGATE = POST "/v1/enforce/delegate";
    VERIFY_DELEGATION = POST "/v1/enforce/delegate/verify";
    REVOKE_DELEGATION = POST "/v1/enforce/delegate/{id}/revoke";
    LIST_DELEGATIONS = GET "/v1/enforce/agents/{id}/delegations";
    EXPORT_AUDIT = GET "/mgmt/v1/audit/export";
    LIST_DELIVERIES = GET "/mgmt/v1/webhooks/deliveries";
}

/// Every route that this client takes: method and path.
pub fn routes() -> impl Iterator<Item = (Method, &'static str)> {
    ALL.iter().map(|route| (route.method.clone(), route.path))
}
