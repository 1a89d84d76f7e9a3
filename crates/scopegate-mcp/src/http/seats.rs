//! Whose a session of MCP is. Its id finds it; who asks is known from elsewhere, each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use scopegate_core::Principal;

/// How many are kept before those that are over are looked for.
const MANY: usize = 1024;

pub(super) struct Seats {
    sessions: Arc<LocalSessionManager>,
    taken: Mutex<Taken>,
}

struct Taken {
    owners: HashMap<String, Principal>,
    /// How many there may be before the next look.
    enough: usize,
}

impl Seats {
    pub(super) fn new(sessions: Arc<LocalSessionManager>) -> Self {
        Self { sessions, taken: Mutex::new(Taken { owners: HashMap::new(), enough: MANY }) }
    }

    /// Whether a session is this principal's, or nobody's: then there is none.
    pub(super) fn belongs(&self, session: &str, principal: &Principal) -> bool {
        self.taken().owners.get(session).is_none_or(|owner| owner == principal)
    }

    /// A session that was begun belongs to whoever began it.
    pub(super) async fn take(&self, session: Option<String>, owner: Principal) {
        let Some(session) = session else { return };
        let full = {
            let mut taken = self.taken();
            taken.owners.insert(session, owner);
            taken.owners.len() > taken.enough
        };
        if full {
            self.clear_up().await;
        }
    }

    pub(super) fn leave(&self, session: &str) {
        self.taken().owners.remove(session);
    }

    /// Forgets the sessions that are over.
    async fn clear_up(&self) {
        let known: Vec<String> = self.taken().owners.keys().cloned().collect();
        let mut over = Vec::new();
        for session in known {
            if !self.sessions.has_session(&session.as_str().into()).await.unwrap_or(true) {
                over.push(session);
            }
        }
        let mut taken = self.taken();
        for session in over {
            taken.owners.remove(&session);
        }
        taken.enough = MANY.max(taken.owners.len() * 2);
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Nothing here panics half-way.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
