//! A session that a guard opens for itself: the lock around [`LazySession`].

use std::sync::Arc;

use scopegate_core::{DenyCode, LazySession, Principal, Provision, ProvisionError, Sessions, Step, Unready};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

/// Opens a session when it is first needed, and ends it when nobody needs it any more.
pub(crate) struct Keeper {
    sessions: Arc<dyn Sessions>,
    request: Provision,
    /// Held while a session is opened, so that calls that come together open one.
    session: Mutex<LazySession>,
}

impl Keeper {
    pub(crate) fn new(sessions: Arc<dyn Sessions>, request: Provision) -> Self {
        Self { sessions, request, session: Mutex::default() }
    }

    pub(crate) async fn who(&self) -> Result<Principal, Unready> {
        let mut session = self.session.lock().await;
        let step = session.next();
        self.take(step, &mut session).await?.ok_or(Unready::Closed)
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
                let opened = self.sessions.provision(self.request.clone()).await?;
                let principal = opened.principal.clone();
                session.opened(opened);
                Ok(Some(principal))
            }
        }
    }

    pub(crate) async fn close(&self) -> Result<(), ProvisionError> {
        let ended = self.session.lock().await.close();
        match ended {
            Some(session) => self.sessions.revoke(session).await,
            None => Ok(()),
        }
    }
}

/// Best effort: where a runtime runs, the session is ended soon. [`Guard::close`](crate::Guard::close)
/// waits for it.
impl Drop for Keeper {
    fn drop(&mut self) {
        let Some(session) = self.session.get_mut().close() else { return };
        let sessions = self.sessions.clone();
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { sessions.revoke(session).await });
        }
    }
}
