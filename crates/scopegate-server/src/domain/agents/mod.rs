//! Agents of a tenant: registered, changed, deactivated. An agent's id is the owner of its sessions, so an
//! agent is active unless its owner is suspended.

mod book;
mod credentials;
mod draft;
mod history;
mod spent;

use std::sync::Arc;

use scopegate_core::{Name, SessionId, Timestamp, Trust};

pub(crate) use self::book::AgentBook;
use self::credentials::kept;
pub(crate) use self::credentials::{Issued, Kids, Lifetime, Standing};
pub(crate) use self::draft::Draft;
pub(crate) use self::history::Decided;
pub(crate) use self::spent::Proof;
pub(super) use self::spent::Spent;
use super::epoch::Touched;
use super::{Failure, Tenant};
use crate::auth::Caller;
use crate::keys::{self, Kind};
use crate::store::{AgentCounts, AgentRow, Change, CredentialRow, SessionEnd};

/// Most agents a tenant may have. Their ids are never used again, so none is ever forgotten.
const MAX_AGENTS: usize = 10_000;
/// Sessions that are ended in one transaction.
const SLICE: usize = 500;
/// What a session says that ended with its agent.
pub(super) const DEACTIVATED: &str = "AGENT_DEACTIVATED";

/// An agent as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) row: Arc<AgentRow>,
    /// Whether its calls are judged; all of them are denied otherwise.
    pub(crate) is_active: bool,
    pub(crate) counts: AgentCounts,
    pub(crate) trust: Trust,
}

/// What came of a registration.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) agent: Agent,
    /// Whether there was none before.
    pub(crate) new: bool,
    /// Its credential: a new one for a new agent, or else the one in use, for whoever may look into it.
    pub(crate) credential: Option<Arc<CredentialRow>>,
    /// The private key of a new credential.
    pub(crate) issued: Option<Issued>,
}

/// Some of many: how many are left out before, and how many follow at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) skip: u64,
    pub(crate) most: usize,
}

impl Tenant {
    /// Registers an agent with a credential of its own; or finds the one that has the name already, and
    /// leaves it as it is. An agent's own key finds, and registers nobody: whoever is registered is somebody
    /// else to limits and suspensions.
    pub(crate) async fn register_agent(
        &self,
        caller: &Caller,
        draft: Draft,
        lifetime: Lifetime,
        now: Timestamp,
    ) -> Result<Registered, Failure> {
        let row = draft.begin(&self.id, agent_id()?, now)?;
        let found = self.book.agents().named(&row.framework, &row.name).cloned();
        if let Some(row) = found {
            return self.found(caller, row, now);
        }
        if caller.kind == Kind::Agent {
            return Err(Failure::Forbidden("a new agent is registered with a key of kind admin".to_owned()));
        }
        let issued = Issued::make(&row, lifetime, now)?;
        let (framework, name) = (row.framework.clone(), row.name.clone());
        let made = self
            .change(|| {
                let mut book = self.book.agents_mut();
                // Another caller may have been first.
                if book.named(&row.framework, &row.name).is_some() {
                    return Ok((None, Vec::new()));
                }
                if book.len() >= MAX_AGENTS {
                    return Err(Failure::Conflict(format!("a tenant may register {MAX_AGENTS} agents")));
                }
                let row = book.put(row);
                let credential = book.put_credential(issued.credential.clone());
                self.kids.learn(&credential.id, &self.id);
                let changes = vec![Change::Agent(Box::new((*row).clone())), kept(&credential)];
                Ok((Some((row, issued)), changes))
            })
            .await?;
        match made {
            Some((row, issued)) => {
                let agent =
                    Agent { row, is_active: true, counts: AgentCounts::default(), trust: Trust::START };
                let credential = Some(Arc::new(issued.credential.clone()));
                Ok(Registered { agent, new: true, credential, issued: Some(issued) })
            }
            None => {
                let row = self.book.agents().named(&framework, &name).cloned();
                self.found(caller, row.ok_or(Failure::Unknown("agent"))?, now)
            }
        }
    }

    /// What a caller is told of an agent that is there: its credential too, if it may look into it.
    fn found(&self, caller: &Caller, row: Arc<AgentRow>, now: Timestamp) -> Result<Registered, Failure> {
        let credential = self.active_credential(caller, &row.id, now).ok();
        Ok(Registered { agent: self.show(row)?, new: false, credential, issued: None })
    }

    /// An agent by its id.
    pub(crate) fn agent(&self, id: &str) -> Result<Agent, Failure> {
        self.show(self.agent_row(id)?)
    }

    /// Agents in the order they were registered, and how many there are.
    pub(crate) fn agents(&self, slice: Slice) -> Result<(Vec<Agent>, usize), Failure> {
        let (rows, total) = {
            let book = self.book.agents();
            let skip = usize::try_from(slice.skip).unwrap_or(usize::MAX);
            let rows: Vec<_> = book.iter().skip(skip).take(slice.most).cloned().collect();
            (rows, book.len())
        };
        let ids: Vec<Name> = rows.iter().map(|row| row.id.clone()).collect();
        let counts = self.archive.agent_counts(&self.id, &ids)?;
        let book = self.book.agents();
        let agent = |(row, counts): (Arc<AgentRow>, AgentCounts)| Agent {
            is_active: book.is_active(&row.id),
            trust: self.trust(&row.id),
            row,
            counts,
        };
        Ok((rows.into_iter().zip(counts).map(agent).collect(), total))
    }

    /// Changes what the draft names. `is_active` deactivates it, or lets it go on.
    pub(crate) async fn update_agent(
        &self,
        id: &str,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Agent, Failure> {
        let is_active = draft.is_active;
        let (row, narrowed) = self
            .change(|| {
                let mut book = self.book.agents_mut();
                let before = book.get(id).cloned().ok_or(Failure::Unknown("agent"))?;
                let next = draft.applied_to(&before, now)?;
                let narrowed = next.permissions != before.permissions;
                let taken = book.named(&next.framework, &next.name).is_some_and(|other| other.id != next.id);
                if taken {
                    let why = format!("there is an agent `{}` of framework `{}`", next.name, next.framework);
                    return Err(Failure::Conflict(why));
                }
                let row = book.put(next);
                Ok(((row.clone(), narrowed), vec![Change::Agent(Box::new((*row).clone()))]))
            })
            .await?;
        if narrowed {
            self.end_given(id).await?;
        }
        match is_active {
            Some(false) => return self.deactivate_agent(id, now).await,
            // Sessions of before stay over.
            Some(true) if !self.book.agents().is_active(id) => {
                self.end_sessions_of(id, now).await?;
                self.suspend(row.id.clone(), false).await?;
            }
            _ => {}
        }
        self.agent(id)
    }

    /// Denies all that an agent asks from now on, and ends its sessions. Doing it twice is fine.
    pub(crate) async fn deactivate_agent(&self, id: &str, now: Timestamp) -> Result<Agent, Failure> {
        let owner = self.agent_row(id)?.id.clone();
        self.change(|| {
            self.enforcer.suspend(owner.clone());
            let mut book = self.book.agents_mut();
            book.suspend(&owner, true);
            let before = book.get(id).cloned().ok_or(Failure::Unknown("agent"))?;
            let deactivated_at = before.deactivated_at.or(Some(now));
            let row = book.put(AgentRow { deactivated_at, ..(*before).clone() });
            let suspended = Change::Suspended { tenant: self.id.clone(), owner: owner.clone(), on: true };
            let bumped = self.bump(Touched::Owner(owner.clone()));
            Ok(((), vec![Change::Agent(Box::new((*row).clone())), suspended, bumped]))
        })
        .await?;
        self.end_sessions_of(id, now).await?;
        self.agent(id)
    }

    /// Ends what is open of an owner's sessions.
    async fn end_sessions_of(&self, owner: &str, now: Timestamp) -> Result<(), Failure> {
        let open = |session: &crate::store::SessionRow| {
            session.owner == owner && session.end.is_none() && now < session.expires_at
        };
        let ids: Vec<SessionId> =
            self.book.sessions().iter().filter(|session| open(session)).map(|session| session.id).collect();
        for ids in ids.chunks(SLICE) {
            self.change(|| {
                let end = SessionEnd { at: now, revoked: true, reason: DEACTIVATED.to_owned() };
                let ended = ids.iter().filter_map(|id| self.end_in_memory(*id, end.clone())).collect();
                Ok(((), ended))
            })
            .await?;
        }
        Ok(())
    }

    /// How many agents there are.
    pub(crate) fn agent_count(&self) -> usize {
        self.book.agents().len()
    }

    fn show(&self, row: Arc<AgentRow>) -> Result<Agent, Failure> {
        let counts = self.archive.agent_counts(&self.id, std::slice::from_ref(&row.id))?;
        let is_active = self.book.agents().is_active(&row.id);
        let trust = self.trust(&row.id);
        Ok(Agent { row, is_active, counts: counts.first().copied().unwrap_or_default(), trust })
    }

    fn agent_row(&self, id: &str) -> Result<Arc<AgentRow>, Failure> {
        self.book.agents().get(id).cloned().ok_or(Failure::Unknown("agent"))
    }

    /// An agent that a caller may look into: an agent sees itself, and others look unknown to it.
    pub(super) fn looked_into(&self, caller: &Caller, id: &str) -> Result<Arc<AgentRow>, Failure> {
        let row = self.agent_row(id)?;
        let may = caller.kind != Kind::Agent || caller.owner == row.id;
        if may { Ok(row) } else { Err(Failure::Unknown("agent")) }
    }
}

fn agent_id() -> Result<Name, Failure> {
    let random =
        keys::letters(16).map_err(|error| Failure::Unavailable(format!("no randomness: {error}")))?;
    Ok(format!("agent_{random}").into())
}
