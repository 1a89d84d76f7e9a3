//! Agents: sessions that are opened on first use, and again when their time is over.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use moka::future::Cache;
use scopegate_core::{EnforceError, Principal, Provision, ProvisionError, Timestamp};

use super::Inner;
use super::seat::Seat;
use crate::error::ClientError;
use crate::wire::SessionStatus;

/// How the tokens of agents begin. They mean something in this process alone.
const PREFIX: &str = "sga_";
/// Sessions of agents that are kept.
const MOST: u64 = 1_000_000;

/// All agents of this process.
pub(super) struct Agents {
    by_token: RwLock<HashMap<Arc<str>, Arc<Agent>>>,
    /// Whoever asks while a session is being opened gets the same one.
    opening: Cache<u64, Arc<Seat>>,
    next: AtomicU64,
}

/// An agent that acts under one role for as long as it is not revoked.
pub(super) struct Agent {
    number: u64,
    order: Provision,
    seat: RwLock<Option<Arc<Seat>>>,
}

impl Agents {
    pub(super) fn new() -> Self {
        let opening = Cache::builder().max_capacity(MOST).build();
        Self { by_token: RwLock::default(), opening, next: AtomicU64::new(0) }
    }

    /// A principal that acts under a role. Nothing is sent yet.
    pub(super) fn make(&self, order: Provision) -> Result<Principal, ProvisionError> {
        let mut bytes = [0; 24];
        getrandom::fill(&mut bytes)
            .map_err(|error| ProvisionError::Unavailable(format!("no randomness: {error}")))?;
        let token: Arc<str> =
            bytes.iter().fold(PREFIX.to_owned(), |text, byte| format!("{text}{byte:02x}")).into();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let agent = Arc::new(Agent { number, order, seat: RwLock::default() });
        self.by_token.write().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), agent);
        Ok(Principal::Token(token))
    }

    /// Whether a token has the shape of an agent's.
    pub(super) fn is_agents(token: &str) -> bool {
        token.starts_with(PREFIX)
    }

    pub(super) fn find(&self, token: &str) -> Option<Arc<Agent>> {
        self.by_token.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }
}

impl Agent {
    /// The session that it acts in now. One that was ended stays: nobody opens another in its place.
    pub(super) fn seat(&self, now: Timestamp) -> Option<Arc<Seat>> {
        let seat = self.seat.read().unwrap_or_else(PoisonError::into_inner);
        seat.clone().filter(|seat| seat.is_over() || now < seat.expires_at)
    }
}

impl Inner {
    /// The session of an agent, opened if it has none.
    pub(super) async fn seat_of(self: &Arc<Self>, agent: &Agent) -> Result<Arc<Seat>, EnforceError> {
        match agent.seat(self.clocks.wall()) {
            Some(seat) => Ok(seat),
            None => self.reopen(agent).await,
        }
    }

    /// Opens a session for an agent whose last one has expired; several who ask at once share it.
    pub(super) async fn reopen(self: &Arc<Self>, agent: &Agent) -> Result<Arc<Seat>, EnforceError> {
        let current = agent.seat.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let (Some(current), Some(kept)) = (&current, self.agents.opening.get(&agent.number).await)
            && Arc::ptr_eq(current, &kept)
        {
            self.agents.opening.invalidate(&agent.number).await;
        }
        let opening = self.agents.opening.try_get_with(agent.number, self.replace(current, &agent.order));
        let seat = opening.await.map_err(|error: Arc<ProvisionError>| match &*error {
            ProvisionError::Unavailable(why) => EnforceError::Unreachable(why.clone()),
            other => EnforceError::NoDecision(other.to_string()),
        })?;
        *agent.seat.write().unwrap_or_else(PoisonError::into_inner) = Some(seat.clone());
        Ok(seat)
    }

    /// Another session in the place of one whose time is over; the same one if it was ended.
    async fn replace(
        self: &Arc<Self>,
        current: Option<Arc<Seat>>,
        order: &Provision,
    ) -> Result<Arc<Seat>, ProvisionError> {
        match current {
            Some(seat) if self.was_ended(&seat).await? => {
                seat.end();
                Ok(seat)
            }
            _ => Ok(self.open_session(order, None).await?.0),
        }
    }

    /// Whether somebody ended a session, perhaps while nobody here heard of it. A plane that does not
    /// know it any more cannot tell.
    async fn was_ended(&self, seat: &Seat) -> Result<bool, ProvisionError> {
        if seat.is_over() || !self.is_native() {
            return Ok(seat.is_over());
        }
        match self.client.get_session(&seat.id.to_string()).await {
            Ok(view) => Ok(view.status == SessionStatus::Revoked),
            Err(ClientError::NotFound(_)) => Ok(false),
            Err(error) => {
                self.heed(&error);
                Err(ProvisionError::Unavailable(error.to_string()))
            }
        }
    }
}
