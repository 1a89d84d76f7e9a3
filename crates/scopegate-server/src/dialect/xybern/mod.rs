//! The Xybern dialect: `/api/v1/enforce/…`, and the same under `/v1/enforce/…`.
//!
//! Every answer is an object with `ok`. A member that has no value is left out, because clients call methods
//! of texts on whatever is there.

mod actions;
mod agents;
mod answer;
mod credentials;
mod decisions;
pub(crate) mod docs;
mod draft;
mod escalations;
pub(crate) mod grant_docs;
mod grant_shapes;
mod grants;
mod history;
mod packs;
mod page;
mod pem;
mod policies;
pub(crate) mod policy_docs;
mod policy_shapes;
mod read;
mod refusal;
mod roles;
pub(crate) mod run_docs;
mod sessions;
mod shapes;

pub(crate) use self::actions::{agent_comm, batch, intercept, red_lines};
pub(crate) use self::agents::{
    deactivate as deactivate_agent, get as get_agent, list as list_agents, register as register_agent,
    update as update_agent,
};
pub(crate) use self::credentials::{
    active as active_credential, issue as issue_credential, list as list_credentials,
    revoke as revoke_credential, rotate as rotate_credential,
};
pub(crate) use self::decisions::{get as get_decision, list as list_decisions, stats};
pub(crate) use self::escalations::{
    get as get_escalation, list as list_escalations, resolve as resolve_escalation,
    status as escalation_status,
};
pub(crate) use self::grants::{
    check_window, close as close_glass, create_window, delegate, extend_window, get_window, list_delegations,
    list_events, list_windows, review as review_glass, revoke_delegation, revoke_window,
    stats as glass_stats, trigger as break_glass, verify_delegation,
};
pub(crate) use self::history::{communications, get as agent_history};
pub(crate) use self::packs::{
    deploy as deploy_pack, get as get_pack, list as list_packs, roll_back as roll_back_pack,
    validate as validate_pack,
};
pub(crate) use self::policies::{
    create as create_policy, delete as delete_policy, get as get_policy, list as list_policies,
    promote as promote_policy, shadow_report, update as update_policy,
};
pub(crate) use self::refusal::{Refusal, dress};
pub(crate) use self::roles::{
    agents as role_agents, assign as assign_role, create as create_role, delete as delete_role,
    get as get_role, list as list_roles, unassign as unassign_role, update as update_role,
};
pub(crate) use self::sessions::{end as end_run, heartbeat as beat_run, start as start_run};

/// Whether a path is one of this dialect's. `/v1/enforce` itself is not.
pub(crate) fn serves(path: &str) -> bool {
    ["/api/v1/enforce/", "/v1/enforce/"].iter().any(|tree| path.starts_with(tree))
}
