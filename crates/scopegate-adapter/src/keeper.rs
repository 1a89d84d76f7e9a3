//! A session that an adapter opens for itself: the lock around [`LazySession`].

use std::pin::Pin;
use std::sync::Arc;

use scopegate_core::{
    DenyCode, LazySession, Principal, Provision, ProvisionError, Provisioned, Sessions, Step, Unready,
};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use crate::caller::Caller;

/// Opens a session when it is first needed, and ends it when nobody needs it any more.
pub struct Keeper {
    sessions: Arc<dyn Sessions>,
    request: Provision,
    /// Whose sub-agent this is.
    parent: Option<Caller>,
    /// Held while a session is opened, so that calls that come together open one.
    session: Mutex<LazySession>,
}

impl Keeper {
    pub(crate) fn new(sessions: Arc<dyn Sessions>, request: Provision, parent: Option<Caller>) -> Self {
        Self { sessions, request, parent, session: Mutex::default() }
    }

    /// Boxed, because a parent may have a parent.
    pub(crate) fn who(&self) -> Pin<Box<dyn Future<Output = Result<Principal, Unready>> + Send + '_>> {
        Box::pin(async {
            let mut session = self.session.lock().await;
            let step = session.next();
            self.take(step, &mut session).await?.ok_or(Unready::Closed)
        })
    }

    pub(crate) async fn anew(&self, asked: &Principal, code: DenyCode) -> Result<Option<Principal>, Unready> {
        let mut session = self.session.lock().await;
        let step = session.denied(asked, code);
        self.take(step, &mut session).await
    }

    async fn take(&self, step: Step, session: &mut LazySession) -> Result<Option<Principal>, Unready> {
        match step {
            Step::Ask(principal) => Ok(Some(principal)),
            Step::Stop => Ok(None),
            Step::Open => {
                let opened = self.open().await?;
                let principal = opened.principal.clone();
                session.opened(opened);
                Ok(Some(principal))
            }
        }
    }

    async fn open(&self) -> Result<Provisioned, Unready> {
        let Some(parent) = &self.parent else {
            return Ok(self.sessions.provision(self.request.clone()).await?);
        };
        let parent = parent.who().await?;
        Ok(self.sessions.child(&parent, self.request.clone()).await?)
    }

    pub(crate) async fn close(&self) -> Result<(), ProvisionError> {
        let ended = self.session.lock().await.close();
        match ended {
            Some(session) => self.sessions.revoke(session).await,
            None => Ok(()),
        }
    }
}

/// Best effort: where a runtime runs, the session is ended soon. [`Caller::close`] waits for it.
impl Drop for Keeper {
    fn drop(&mut self) {
        let Some(session) = self.session.get_mut().close() else { return };
        let sessions = self.sessions.clone();
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { sessions.revoke(session).await });
        }
    }
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("request", &self.request).finish_non_exhaustive()
    }
}
