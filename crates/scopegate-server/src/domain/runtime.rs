//! Runs of agents: sessions with a budget, which their agent begins and ends itself.

use std::sync::Arc;
use std::time::Duration;

use scopegate_core::{Principal, Provision, SessionId, Timestamp};

use super::sessions::{cut, refused};
use super::{Failure, Tenant};
use crate::auth::Caller;
use crate::store::{Change, SessionRow};

/// What a session is opened from that is a run.
pub(super) const FRAMEWORK: &str = "runtime";
/// How a run ended that its agent ended.
const ENDED: &str = "ENDED";

/// A run to begin.
#[derive(Debug, Default)]
pub(crate) struct Start {
    /// Of which agent; of whoever holds the key, unless given.
    pub(crate) agent: Option<String>,
    pub(crate) budgets: Budgets,
    /// What it is for, in the agent's words.
    pub(crate) label: String,
}

/// How much a run may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Budgets {
    /// Calls that may be permitted.
    pub(crate) max_calls: Option<u64>,
    /// How long it may last, in seconds.
    pub(crate) ttl: Option<u64>,
}

/// A run as it stands.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) session: Arc<SessionRow>,
    pub(crate) state: State,
    /// Calls that were permitted in it, where that is limited.
    pub(crate) calls: Option<u64>,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Active,
    /// Its agent ended it.
    Ended,
    /// Somebody stopped it; why, in their words.
    Killed(String),
    /// It has made all its calls.
    Exhausted,
    /// Its time is over.
    Expired,
}

impl Tenant {
    /// Begins a run of an agent.
    pub(crate) async fn start_run(
        &self,
        caller: &Caller,
        start: Start,
        now: Timestamp,
    ) -> Result<Run, Failure> {
        let Start { agent, budgets, label } = start;
        // Beside the agent's standing session: in the same roles, and under the same permissions.
        let standing = self.stand_for(caller, agent.as_deref(), now).await?;
        let session = self
            .change(|| {
                let standing = self.book.session(standing).ok_or(Failure::Unknown("session"))?;
                let SessionRow { owner, role, role_id, parent, .. } = (*standing).clone();
                let mut request = Provision::new(role.clone(), owner.clone());
                (request.ttl, request.max_calls) = (budgets.ttl.map(Duration::from_secs), budgets.max_calls);
                let opened = match parent {
                    None => self.enforcer.open(request),
                    Some(parent) => self.enforcer.open_child(&Principal::Session(parent), request),
                };
                let opened = opened.map_err(refused)?;
                let session = self.book.put_session(SessionRow {
                    tenant: self.id.clone(),
                    id: opened.session,
                    key: caller.key.clone(),
                    owner,
                    role_id,
                    role,
                    task_type: cut(label),
                    framework: FRAMEWORK.to_owned(),
                    requested_ttl: budgets.ttl.unwrap_or_default(),
                    created_at: now,
                    expires_at: opened.expires_at,
                    parent,
                    end: None,
                    records: 0,
                    max_calls: budgets.max_calls,
                    spent: 0,
                });
                let kept = Change::Session((*session).clone());
                Ok((session, vec![kept]))
            })
            .await?;
        Ok(self.stands(session, now))
    }

    /// A run of the caller's own key, as it stands.
    pub(crate) fn run(&self, caller: &Caller, id: SessionId, now: Timestamp) -> Result<Run, Failure> {
        let session = self.own_session(caller, id).ok().filter(|session| session.framework == FRAMEWORK);
        Ok(self.stands(session.ok_or(Failure::Unknown("session"))?, now))
    }

    /// Ends a run. What has ended stays as it ended.
    pub(crate) async fn end_run(
        &self,
        caller: &Caller,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Run, Failure> {
        let run = self.run(caller, id, now)?;
        if run.session.end.is_none() {
            self.end_session(caller, id, ENDED.to_owned(), now).await?;
        }
        self.run(caller, id, now)
    }

    fn stands(&self, session: Arc<SessionRow>, now: Timestamp) -> Run {
        let view = self.enforcer.session(session.id);
        let budget = view.as_ref().and_then(|view| view.budget);
        let state = match (&session.end, &view) {
            (Some(end), _) if end.reason == ENDED => State::Ended,
            (Some(end), _) => State::Killed(end.reason.clone()),
            (None, Some(view)) if view.suspended => State::Killed("AGENT_SUSPENDED".to_owned()),
            (None, Some(view)) if view.revoked => State::Killed("SESSION_REVOKED".to_owned()),
            _ if now >= session.expires_at => State::Expired,
            _ if budget.is_some_and(|budget| budget.spent >= budget.max_calls) => State::Exhausted,
            (None, Some(_)) => State::Active,
            (None, None) => State::Expired,
        };
        Run { session, state, calls: budget.map(|budget| budget.spent) }
    }
}
