//! Sessions: opened for an agent's key, ended by whoever may.

use std::sync::Arc;
use std::time::Duration;

use scopegate_core::{Name, Principal, Provision, ProvisionError, SessionId, Timestamp};

use super::epoch::Touched;
use super::{Failure, RoleDocument, Tenant};
use crate::auth::Caller;
use crate::store::{Change, SessionEnd, SessionRow};
use crate::token::LONGEST;

/// Longer texts of callers are cut.
const MAX_TEXT: usize = 256;

/// A session to open.
#[derive(Debug)]
pub(crate) struct Order {
    /// The id or name of the role.
    pub(crate) role: Name,
    /// In seconds; 0 for as long as the role says.
    pub(crate) ttl: u64,
    pub(crate) task_type: String,
    pub(crate) framework: String,
    pub(crate) parent: Option<SessionId>,
    /// How many calls may be permitted in it, where that is to be limited.
    pub(crate) max_calls: Option<u64>,
}

/// An open session.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) session: Arc<SessionRow>,
    pub(crate) role: Arc<RoleDocument>,
}

impl Tenant {
    /// Opens a session for whoever holds the caller's key.
    pub(crate) async fn provision(
        &self,
        caller: &Caller,
        order: Order,
        now: Timestamp,
    ) -> Result<Opened, Failure> {
        let role = self.role(&order.role)?;
        let parent = order.parent.map(|id| self.own_session(caller, id)).transpose()?;
        self.change(|| {
            let mut request = Provision::new(role.name.clone(), caller.owner.clone());
            let asked = Duration::from_secs(if order.ttl == 0 { role.ttl_seconds() } else { order.ttl });
            request.ttl = Some(asked.min(LONGEST));
            request.max_calls = order.max_calls;
            let opened = match &parent {
                None => self.enforcer.open(request),
                Some(parent) => self.enforcer.open_child(&Principal::Session(parent.id), request),
            };
            let opened = opened.map_err(refused)?;
            let session = self.book.put_session(SessionRow {
                tenant: self.id.clone(),
                id: opened.session,
                key: caller.key.clone(),
                owner: caller.owner.clone(),
                role_id: role.id.clone(),
                role: role.name.clone(),
                task_type: cut(order.task_type),
                framework: cut(order.framework),
                requested_ttl: order.ttl,
                created_at: now,
                expires_at: opened.expires_at,
                parent: order.parent,
                end: None,
                records: 0,
                max_calls: order.max_calls,
                spent: 0,
            });
            let changes = vec![Change::Session((*session).clone())];
            Ok((Opened { session, role }, changes))
        })
        .await
    }

    /// Ends a session, and with it its sub-agents'. Ending it twice is fine.
    pub(crate) async fn end_session(
        &self,
        caller: &Caller,
        id: SessionId,
        reason: String,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let session = if caller.may_end_any_session() {
            self.book.session(id).ok_or(Failure::Unknown("session"))?
        } else {
            self.own_session(caller, id)?
        };
        self.change(|| {
            let end = SessionEnd { at: now, revoked: true, reason: cut(reason) };
            let Some(ended) = self.end_in_memory(session.id, end) else { return Ok(((), Vec::new())) };
            Ok(((), vec![ended, self.bump(Touched::Session(id))]))
        })
        .await
    }

    /// Ends a session, as a change to be kept; `None` when it has ended.
    pub(super) fn end_in_memory(&self, id: SessionId, end: SessionEnd) -> Option<Change> {
        let session = self.book.session(id).filter(|session| session.end.is_none())?;
        // A session that the enforcer has forgotten is over.
        let _ = self.enforcer.end(id);
        self.book.put_session(SessionRow { end: Some(end.clone()), ..(*session).clone() });
        Some(Change::SessionEnded { tenant: self.id.clone(), session: id, end })
    }

    /// Suspends or readmits everyone who acts for an owner.
    pub(crate) async fn suspend(&self, owner: Name, on: bool) -> Result<(), Failure> {
        self.change(|| {
            match on {
                true => self.enforcer.suspend(owner.clone()),
                false => self.enforcer.readmit(owner.clone()),
            }
            let agent = self.book.agents_mut().suspend(&owner, on);
            let agent = agent.map(|row| Change::Agent(Box::new((*row).clone())));
            let bumped = self.bump(Touched::Owner(owner.clone()));
            let suspended = Change::Suspended { tenant: self.id.clone(), owner, on };
            Ok(((), agent.into_iter().chain([suspended, bumped]).collect()))
        })
        .await
    }

    /// A session of the caller's own key. Anyone else's looks unknown.
    pub(super) fn own_session(&self, caller: &Caller, id: SessionId) -> Result<Arc<SessionRow>, Failure> {
        self.book.session(id).filter(|session| session.key == caller.key).ok_or(Failure::Unknown("session"))
    }
}

pub(super) fn refused(error: ProvisionError) -> Failure {
    match error {
        ProvisionError::UnknownRole(_) => Failure::Unknown("role"),
        ProvisionError::UnknownSession => Failure::Conflict("the parent session is over".to_owned()),
        ProvisionError::Suspended(_) | ProvisionError::Depth(_) => Failure::Forbidden(error.to_string()),
        ProvisionError::Ttl => Failure::Invalid(error.to_string()),
        _ => Failure::Unavailable(error.to_string()),
    }
}

pub(super) fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}
