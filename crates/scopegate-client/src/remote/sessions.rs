//! Opening and ending sessions, and what is loaded for them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use scopegate_core::{
    Name, Principal, Provision, ProvisionError, Provisioned, SessionHandle, SessionId, SessionWatch,
    Sessions, Timestamp,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::lease::Moment;
use super::scope::{Left, Lent};
use super::seat::Seat;
use super::{Inner, RemoteEnforcer, lock};
use crate::error::ClientError;
use crate::routes;
use crate::wire::Token;

/// How long ending an enforcer may take.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long records may take to reach the journal before room is made in it.
const GATHER: Duration = Duration::from_millis(100);

#[derive(Deserialize)]
struct Opened {
    jwt: Token,
    session_id: String,
    expires_at: Timestamp,
    max_calls: Option<u64>,
    scope: Option<Value>,
}

#[derive(Deserialize)]
struct LentRate {
    calls: u64,
    version: u64,
}

impl Inner {
    /// Opens a session. What comes with it is taken up at once. Whoever holds its handle is told what became
    /// of it, however late.
    pub(super) async fn open_session(
        self: &Arc<Self>,
        order: &Provision,
        parent: Option<SessionId>,
    ) -> Result<(Arc<Seat>, SessionHandle), ProvisionError> {
        if self.is_closed() {
            return Err(closed());
        }
        let left = self.leaving();
        let opened: Opened = self.order(order, parent).await.map_err(|error| self.refused(order, error))?;
        let id = SessionId::parse(&opened.session_id).ok_or_else(|| {
            ProvisionError::Unavailable("the plane names a session in a way of its own".to_owned())
        })?;
        let (role, watch) = (order.role.clone(), SessionWatch::default());
        let (handle, lease) = (watch.handle(), self.lease.clone());
        let seat = Arc::new(Seat::new(id, opened.jwt, role, opened.expires_at, watch, lease));
        self.seats.put(seat.clone(), self.clocks.wall());
        if opened.max_calls != order.max_calls {
            let unlimited = "the plane opens no session with a budget of calls".to_owned();
            let _ = self.end(id).await;
            return Err(ProvisionError::Unavailable(unlimited));
        }
        if self.is_closed() {
            // Too late for `close` to see it.
            return self
                .end(id)
                .await
                .map_or_else(|error| Err(self.refused(order, error)), |()| Err(closed()));
        }
        if let Some(scope) = opened.scope {
            self.native.store(true, Ordering::Release);
            self.follow();
            if self.take_up(&seat, scope, left) && seat.wants_rate() {
                self.load_rate(&seat).await;
            }
        }
        Ok((seat, handle))
    }

    async fn order(&self, order: &Provision, parent: Option<SessionId>) -> Result<Opened, ClientError> {
        let mut body = Map::new();
        body.insert("role_id".to_owned(), json!(order.role));
        body.insert("requested_ttl".to_owned(), json!(order.ttl.map_or(0, |ttl| ttl.as_secs())));
        // Whoever holds the key owns the session; who acts in it is written beside that.
        body.insert("task_type".to_owned(), json!(order.owner));
        body.insert("framework".to_owned(), json!("scopegate"));
        body.insert("scope".to_owned(), json!(true));
        if let Some(max_calls) = order.max_calls {
            body.insert("max_calls".to_owned(), json!(max_calls));
        }
        if let Some(parent) = parent {
            body.insert("parent_session_id".to_owned(), json!(parent));
        }
        self.client.http.ask(&routes::PROVISION, &[])?.json(&body)?.told().await
    }

    /// Asks for what deciding a session's calls takes; whether it is lent then. Those who want it at
    /// once ask once.
    pub(super) async fn load(self: &Arc<Self>, seat: Arc<Seat>) -> bool {
        let id = seat.id;
        let loaded = self.loading.try_get_with(id, async {
            let left = self.leaving().asks_for(&seat);
            let name = id.to_string();
            let scope: Value = self.client.http.ask(&super::routes::SCOPE, &[&name])?.told().await?;
            Ok::<_, ClientError>(self.take_up(&seat, scope, left))
        });
        loaded.await.unwrap_or_else(|error| {
            tracing::debug!(session = %id, %error, "nothing was lent");
            self.not_lent(&seat, &error);
            false
        })
    }

    /// Only silence leaves what a session was lent as it was.
    fn not_lent(&self, seat: &Seat, error: &ClientError) {
        self.heed(error);
        if !error.is_outage() {
            seat.take_back();
        }
    }

    /// Asks for calls that are counted in advance.
    pub(super) async fn load_rate(&self, seat: &Seat) {
        let (left, name) = (Moment::now(&*self.clocks), seat.id.to_string());
        let asked = async {
            self.client.http.ask(&super::routes::RATE, &[&name])?.json(&json!({}))?.told::<LentRate>().await
        };
        match asked.await {
            Ok(lent) => seat.credit(lent.calls, lent.version, left),
            Err(error) => {
                tracing::debug!(session = %seat.id, %error, "no rate was lent");
                self.not_lent(seat, &error);
                seat.credit(0, 0, left);
            }
        }
    }

    pub(super) fn take_up(&self, seat: &Arc<Seat>, scope: Value, left: Left) -> bool {
        let lent: Lent = match serde_json::from_value(scope) {
            Ok(lent) => lent,
            Err(error) => {
                tracing::warn!(%error, "a scope is not understood, so the plane decides every call");
                seat.take_back();
                return false;
            }
        };
        self.journal.version(seat.id, lent.version);
        let back = Moment::now(&*self.clocks);
        lock(&self.scopes).take_up(seat, lent, (left, back), self.open.as_ref())
    }

    pub(super) fn leaving(&self) -> Left {
        lock(&self.scopes).leaving(Moment::now(&*self.clocks))
    }

    fn refused(&self, order: &Provision, error: ClientError) -> ProvisionError {
        match error {
            ClientError::NotFound(_) => ProvisionError::UnknownRole(order.role.clone()),
            ClientError::Conflict(_) => ProvisionError::UnknownSession,
            ClientError::Forbidden(why) if why.contains("suspended") => {
                // Sessions of one key have one owner.
                lock(&self.scopes).shut();
                ProvisionError::Suspended(order.owner.clone())
            }
            error => {
                if matches!(error, ClientError::Unauthorized(_)) {
                    self.heed(&error);
                }
                ProvisionError::Unavailable(error.to_string())
            }
        }
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    async fn end(&self, session: SessionId) -> Result<(), ClientError> {
        if let Some(seat) = self.seats.find(session) {
            seat.end();
        }
        self.client.revoke(&session.to_string(), "MANUAL").await
    }
}

fn closed() -> ProvisionError {
    ProvisionError::Unavailable("the enforcer was closed".to_owned())
}

impl Seat {
    /// Who to present for this session here.
    pub(super) fn principal(&self) -> Principal {
        self.local().cloned().unwrap_or_else(|| Principal::token(self.token.reveal()))
    }

    fn provisioned(&self, handle: SessionHandle) -> Provisioned {
        let (session, principal) = (self.id, self.principal());
        Provisioned { session, principal, expires_at: self.expires_at, handle }
    }
}

#[async_trait]
impl Sessions for RemoteEnforcer {
    /// The owner is whoever holds the key; the one that is named here is written beside the session.
    /// The token that is returned means something in this process alone, unless the plane lends nothing.
    async fn provision(&self, request: Provision) -> Result<Provisioned, ProvisionError> {
        check_ttl(&request)?;
        let (seat, handle) = self.inner.open_session(&request, None).await?;
        Ok(seat.provisioned(handle))
    }

    /// The plane decides every call of a sub-agent.
    async fn child(&self, parent: &Principal, request: Provision) -> Result<Provisioned, ProvisionError> {
        check_ttl(&request)?;
        let parent = self.inner.session_of(parent.as_ref()).ok_or(ProvisionError::UnknownSession)?;
        let (seat, handle) = self.inner.open_session(&request, Some(parent)).await?;
        Ok(seat.provisioned(handle))
    }

    async fn revoke(&self, session: SessionId) -> Result<(), ProvisionError> {
        self.inner.end(session).await.map_err(|error| match error {
            ClientError::NotFound(_) => ProvisionError::UnknownSession,
            error => ProvisionError::Unavailable(error.to_string()),
        })
    }
}

fn check_ttl(request: &Provision) -> Result<(), ProvisionError> {
    match request.ttl {
        Some(ttl) if ttl < Duration::from_secs(1) => Err(ProvisionError::Ttl),
        _ => Ok(()),
    }
}

impl RemoteEnforcer {
    /// A principal that acts under a role: its session is opened when it first calls, and again when its
    /// time is over, but never after it was revoked. Good in this process alone.
    ///
    /// # Errors
    /// [`ProvisionError::Unavailable`] when the system has no randomness.
    pub fn agent(&self, role: impl Into<Name>, owner: impl Into<Name>) -> Result<Principal, ProvisionError> {
        self.inner.agents.make(Provision::new(role, owner))
    }

    /// Sends what was decided here so far; false when the plane cannot be told now.
    pub async fn flush(&self) -> bool {
        let inner = &self.inner;
        // What is recorded waits for room in a full journal.
        let mut told = loop {
            match tokio::time::timeout(GATHER, inner.local.flush()).await {
                Ok(kept) => break kept,
                Err(_) if !inner.ship().await => return false,
                Err(_) => {}
            }
        };
        if let Some(open) = &inner.open {
            told &= open.flush().await;
        }
        while told && !inner.journal.is_empty() {
            told = inner.ship().await;
        }
        told
    }

    /// Ends every session that was opened here, and sends what is left of the journal. From here on nothing
    /// is decided in this process, and no session is opened. Takes five seconds at most; false when the
    /// plane was not told everything by then.
    pub async fn close(&self) -> bool {
        let inner = &self.inner;
        inner.closed.store(true, Ordering::Release);
        lock(&inner.scopes).close();
        let farewell = async {
            let mut told = true;
            for seat in inner.seats.open(inner.clocks.wall()) {
                told &= inner.end(seat.id).await.is_ok();
            }
            self.flush().await && told
        };
        let told = tokio::time::timeout(FAREWELL, farewell).await.unwrap_or(false);
        if let (Some(open), true) = (&inner.open, told) {
            open.tidy_up(&inner.journal);
        }
        inner.journal.close();
        told
    }
}
