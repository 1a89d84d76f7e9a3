//! The Xybern dialect: `/api/v1/enforce/…`, and the same under `/v1/enforce/…`.
//!
//! Every answer is an object with `ok`. A member that has no value is left out, because clients call methods
//! of texts on whatever is there.

mod agents;
mod credentials;
pub(crate) mod docs;
mod draft;
mod history;
mod page;
mod pem;
mod refusal;
mod shapes;

pub(crate) use self::agents::{
    deactivate as deactivate_agent, get as get_agent, list as list_agents, register as register_agent,
    update as update_agent,
};
pub(crate) use self::credentials::{
    active as active_credential, issue as issue_credential, list as list_credentials,
    revoke as revoke_credential, rotate as rotate_credential,
};
pub(crate) use self::history::{communications, get as agent_history};
pub(crate) use self::refusal::{Refusal, dress};

/// Whether a path is one of this dialect's. `/v1/enforce` itself is not.
pub(crate) fn serves(path: &str) -> bool {
    ["/api/v1/enforce/", "/v1/enforce/"].iter().any(|tree| path.starts_with(tree))
}
