//! One of several servers, and how long the others wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rmcp::service::{Peer, RoleServer};
use rmcp::{ErrorData, ServerHandler};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::handler::Proxy;

/// How long it is asked the same thing before it is asked anew.
const LONGEST: Duration = Duration::from_secs(30);

type Answer<T> = Result<T, ErrorData>;

/// A server among others.
#[derive(Clone, Debug)]
pub(super) struct Member {
    proxy: Arc<Proxy>,
    /// It has let others wait, and has not answered since.
    late: Arc<AtomicBool>,
    /// The client has begun to ask.
    ready: Arc<AtomicBool>,
}

impl Member {
    pub(super) fn new(proxy: Proxy) -> Self {
        Self { proxy: Arc::new(proxy), late: Arc::default(), ready: Arc::default() }
    }

    pub(super) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// The client may be asked by the server, also by one that is connected later.
    pub(super) fn is_ready(&self) {
        self.ready.store(true, Ordering::Release);
        self.proxy.is_ready();
    }

    /// What the server answers; `None` when it does not answer in time. It is waited for in the background
    /// then, others do not wait for it any more, and the client is told once there is an answer.
    pub(super) async fn in_time<T, F>(
        &self,
        patience: Duration,
        client: &Peer<RoleServer>,
        ask: impl FnOnce(Arc<Proxy>) -> F,
    ) -> Option<Answer<T>>
    where
        T: Send + 'static,
        F: Future<Output = Answer<T>> + Send + 'static,
    {
        if self.late.load(Ordering::Acquire) {
            return None;
        }
        let mut asked = tokio::spawn(ask(self.proxy.clone()));
        if let Ok(answer) = timeout(patience, &mut asked).await {
            return answer.ok();
        }
        match self.late.swap(true, Ordering::AcqRel) {
            // It is waited for already.
            true => asked.abort(),
            false => drop(tokio::spawn(self.clone().wait(patience, client.clone(), asked))),
        }
        None
    }

    async fn wait<T>(self, patience: Duration, client: Peer<RoleServer>, mut asked: JoinHandle<Answer<T>>) {
        self.proxy.say(&format!("does not answer in {patience:?}: what it offers is left out until it does"));
        let answer = timeout(LONGEST, &mut asked).await;
        asked.abort();
        if self.ready.load(Ordering::Acquire) {
            self.proxy.is_ready();
        }
        self.late.store(false, Ordering::Release);
        if let Ok(Ok(Ok(_))) = answer {
            self.proxy.say("answers: what it offers is shown again");
            let _ = client.notify_tool_list_changed().await;
            if self.proxy.get_info().capabilities.prompts.is_some() {
                let _ = client.notify_prompt_list_changed().await;
            }
        }
    }
}
