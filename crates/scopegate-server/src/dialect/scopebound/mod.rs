//! The Scopebound dialect: `/v1` and `/mgmt/v1`, also the plane's own API.
//!
//! A denial is HTTP 200, a held call 202. A client of this dialect takes every other answer to an
//! enforcement call for an outage.

mod answer;
mod approvals;
mod audit;
pub(super) mod body;
mod deliveries;
pub(crate) mod docs;
mod enforce;
mod error;
mod provision;
mod role;
mod roles;
mod salvage;
mod servers;
mod sessions;

pub(crate) use self::approvals::{approve, get as get_approval, list as list_approvals, reject};
pub(crate) use self::audit::export as export_audit;
pub(crate) use self::deliveries::list as list_deliveries;
pub(crate) use self::enforce::{call as enforce, mcp as mcp_enforce};
pub(crate) use self::provision::provision;
pub(crate) use self::roles::{
    create as create_role, delete as delete_role, get as get_role, list as list_roles, update as update_role,
};
pub(crate) use self::servers::{
    delete as delete_server, get as get_server, list as list_servers, put as put_server,
};
pub(crate) use self::sessions::{get as get_session, list as list_sessions, readmit, revoke, suspend};
