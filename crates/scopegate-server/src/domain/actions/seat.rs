//! The standing sessions that actions are judged in: one for each key and agent, opened when it is first
//! needed and opened anew when it is over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use scopegate_core::{
    Denial, DenyCode, Name, Principal, Provision, ProvisionError, Provisioned, SessionId, Timestamp,
};

use scopegate_engine::SessionView;

use super::super::agents::DEACTIVATED;
use super::super::tenant::lock;
use super::super::{Failure, Tenant};
use super::effective::Effective;
use super::rule;
use crate::auth::Caller;
use crate::keys::Kind;
use crate::store::{AgentRow, Change, SessionEnd, SessionRow, TenantState};
use crate::token::LONGEST;

/// What a session is for that the plane keeps.
const STANDING: &str = "standing";
const FRAMEWORK: &str = "plane";
/// A session with less time left is opened anew, so that it is not over before the action is judged.
const LEAST: Duration = Duration::from_secs(1);

/// The session of denials that nobody has another one for.
const NOBODY: SessionId = SessionId::from_bits(0);

/// Standing sessions, by key and agent.
#[derive(Debug, Default)]
pub(in crate::domain) struct Standing(HashMap<Whose, Place>);

/// A key, and the agent that it speaks for.
type Whose = (Name, Option<Name>);

/// A standing session.
#[derive(Clone, Debug)]
struct Place {
    session: SessionId,
    role_id: Name,
    within: Option<SessionId>,
    expires_at: Timestamp,
}

/// Where an action is judged.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) session: SessionId,
    pub(super) owner: Name,
    pub(super) agent: Option<Name>,
    /// Who the caller says it is, where the session does not.
    pub(super) claimed: Option<String>,
    pub(super) roles: Vec<Name>,
    /// Why nothing is permitted here.
    pub(super) denial: Option<Denial>,
    /// Whether the session is somebody else's, because there is none of whoever asks.
    pub(super) is_borrowed: bool,
}

/// Whom a caller speaks for.
struct Speaker {
    agent: Option<Arc<AgentRow>>,
    claimed: Option<String>,
    denial: Option<Denial>,
}

impl Standing {
    /// Those of an earlier process that still stand.
    pub(in crate::domain) fn restore(state: &TenantState) -> Self {
        let mut standing = Self::default();
        let kept = |row: &&SessionRow| {
            row.task_type == STANDING && row.framework == FRAMEWORK && row.parent.is_none()
        };
        for row in state.sessions.iter().filter(kept) {
            let agent = state.agents.iter().find(|agent| agent.id == row.owner).map(|agent| agent.id.clone());
            let place = Place {
                session: row.id,
                role_id: row.role_id.clone(),
                within: None,
                expires_at: row.expires_at,
            };
            let later = |known: &Place| known.expires_at < place.expires_at;
            let whose = (row.key.clone(), agent);
            if standing.0.get(&whose).is_none_or(later) {
                standing.0.insert(whose, place);
            }
        }
        standing
    }
}

impl Tenant {
    /// Where an action is judged that a caller asks for in the name of an agent, or of nobody.
    pub(super) async fn seat(
        &self,
        caller: &Caller,
        named: Option<&str>,
        now: Timestamp,
    ) -> Result<Seat, Failure> {
        let Speaker { agent, claimed, denial } = self.speaker(caller, named);
        match self.seat_of(caller, agent.as_deref(), now).await {
            Ok(seat) => Ok(Seat { claimed, denial: denial.or(seat.denial), ..seat }),
            // There is no session of whoever is stopped: whose key it is is told that.
            Err(Failure::Forbidden(_)) => {
                let borrowed = match agent {
                    Some(_) => self.seat_of(caller, None, now).await.ok(),
                    None => None,
                };
                let session = borrowed.map_or(NOBODY, |seat| seat.session);
                let (owner, roles) = (caller.owner.clone(), Vec::new());
                let agent = agent.map(|agent| agent.id.clone());
                let claimed = agent.as_ref().map(ToString::to_string).or(claimed);
                let denial = Some(Denial::new(DenyCode::AgentSuspended));
                Ok(Seat { session, owner, agent, claimed, roles, denial, is_borrowed: true })
            }
            Err(failure) => Err(failure),
        }
    }

    /// Whom a caller speaks for. An agent's own credential is itself and nobody else; other keys may speak
    /// for every agent of the tenant. Who is not registered is nobody.
    fn speaker(&self, caller: &Caller, named: Option<&str>) -> Speaker {
        let book = self.book.agents();
        let itself = book.get(&caller.owner).filter(|_| caller.kind == Kind::Agent).cloned();
        let named = named.filter(|id| !id.is_empty());
        let stopped = !book.is_active(&caller.owner);
        let denial = stopped.then(|| Denial::new(DenyCode::AgentSuspended));
        match (itself, named) {
            (Some(itself), Some(id)) if itself.id != id => {
                let why = format!("this credential is agent `{}` and speaks for no other", itself.id);
                let denial = denial.or(Some(rule(DenyCode::ScopeViolation, why)));
                Speaker { agent: Some(itself), claimed: Some(id.to_owned()), denial }
            }
            (Some(itself), _) => Speaker { agent: Some(itself), claimed: None, denial },
            (None, None) => Speaker { agent: None, claimed: None, denial },
            (None, Some(id)) => {
                let agent = book.get(id).cloned();
                let claimed = agent.is_none().then(|| id.to_owned());
                Speaker { agent, claimed, denial }
            }
        }
    }

    async fn seat_of(
        &self,
        caller: &Caller,
        agent: Option<&AgentRow>,
        now: Timestamp,
    ) -> Result<Seat, Failure> {
        let whose = (caller.key.clone(), agent.map(|agent| agent.id.clone()));
        let effective = self.effective(agent);
        let known = self.standing(&whose, &effective, now).filter(|_| self.is_laid(agent, &effective));
        let (session, effective) = match known {
            Some(session) => (session, effective),
            None => self.change(|| self.stand(caller, agent, &whose, now)).await?,
        };
        let owner = agent.map_or(&caller.owner, |agent| &agent.id).clone();
        let Effective { names: roles, denial, .. } = effective;
        let agent = agent.map(|agent| agent.id.clone());
        Ok(Seat { session, owner, agent, claimed: None, roles, denial, is_borrowed: false })
    }

    /// The standing session, if it stands in this role. One that was revoked stands until its time, because
    /// whoever ended it meant it; an agent that was readmitted begins anew.
    fn standing(&self, whose: &Whose, effective: &Effective, now: Timestamp) -> Option<SessionId> {
        let place = lock(&self.standing).0.get(whose).cloned()?;
        let left = now.after(LEAST) < place.expires_at;
        let same = place.role_id == effective.role_id && place.within.is_some() == effective.within.is_some();
        let stands = |view: &SessionView| left && same && view.role == effective.role;
        let view = self.enforcer.session(place.session).filter(stands)?;
        let over = view.revoked && {
            let row = self.book.session(place.session);
            row.and_then(|row| row.end.clone()).is_none_or(|end| end.reason == DEACTIVATED)
        };
        (!over).then_some(place.session)
    }

    /// Puts the agent's roles in force and opens a session in them, while nobody else changes anything.
    fn stand(
        &self,
        caller: &Caller,
        agent: Option<&AgentRow>,
        whose: &Whose,
        now: Timestamp,
    ) -> Result<((SessionId, Effective), Vec<Change>), Failure> {
        // The agent may have changed meanwhile.
        let agent = match agent {
            Some(agent) => Some(self.book.agents().get(&agent.id).cloned().ok_or(Failure::Unknown("agent"))?),
            None => None,
        };
        let agent = agent.as_deref();
        let mut effective = self.effective(agent);
        if let Err(error) = self.lay(agent, &effective) {
            effective = Effective::broken(&error);
            self.lay(None, &effective).map_err(|error| Failure::Unavailable(error.to_string()))?;
        }
        if let Some(session) = self.standing(whose, &effective, now) {
            return Ok(((session, effective), Vec::new()));
        }
        let mut changes = Vec::new();
        let owner = agent.map_or(&caller.owner, |agent| &agent.id);
        let mut open = |role: &Name, role_id: &Name, parent: Option<SessionId>| {
            let opened = self.open_standing(role, owner, parent)?;
            let row = SessionRow {
                tenant: self.id.clone(),
                id: opened.session,
                key: caller.key.clone(),
                owner: owner.clone(),
                role_id: role_id.clone(),
                role: role.clone(),
                task_type: STANDING.to_owned(),
                framework: FRAMEWORK.to_owned(),
                requested_ttl: 0,
                max_calls: None,
                spent: 0,
                created_at: now,
                expires_at: opened.expires_at,
                parent,
                end: None,
                records: 0,
            };
            changes.push(Change::Session((*self.book.put_session(row)).clone()));
            Ok::<_, Failure>(opened)
        };
        let within = match &effective.within {
            Some(role) => Some(open(role, role, None)?.session),
            None => None,
        };
        let opened = open(&effective.role, &effective.role_id, within)?;
        let (session, role_id) = (opened.session, effective.role_id.clone());
        let place = Place { session, role_id, within, expires_at: opened.expires_at };
        let before = lock(&self.standing).0.insert(whose.clone(), place);
        for id in before.iter().flat_map(|place| [Some(place.session), place.within]).flatten() {
            let end = SessionEnd { at: now, revoked: false, reason: "replaced".to_owned() };
            changes.extend(self.end_in_memory(id, end));
        }
        Ok(((session, effective), changes))
    }

    fn open_standing(
        &self,
        role: &Name,
        owner: &Name,
        parent: Option<SessionId>,
    ) -> Result<Provisioned, Failure> {
        let mut request = Provision::new(role.clone(), owner.clone());
        request.ttl = Some(LONGEST);
        let opened = match parent {
            None => self.enforcer.open(request),
            Some(parent) => self.enforcer.open_child(&Principal::Session(parent), request),
        };
        opened.map_err(|error| match error {
            ProvisionError::Suspended(_) => Failure::Forbidden(error.to_string()),
            _ => Failure::Unavailable(error.to_string()),
        })
    }
}
