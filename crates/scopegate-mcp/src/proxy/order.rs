//! What a server says before its answer is told before the answer.
//!
//! rmcp handles every notification in a task of its own, so an answer could overtake them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// A client that takes nothing in does not hold answers up for longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What may wait.
const WAITING: u64 = 1024;

/// Counts what came in and what was passed on.
#[derive(Debug, Default)]
pub(crate) struct Order {
    received: AtomicU64,
    relayed: AtomicU64,
    progress: Notify,
}

impl Order {
    pub(crate) fn received(&self) {
        self.received.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn relayed(&self) {
        self.relayed.fetch_add(1, Ordering::AcqRel);
        self.progress.notify_waiters();
    }

    /// Waits until all that has come in by now is passed on.
    pub(crate) async fn settled(&self) {
        self.until(self.received.load(Ordering::Acquire)).await;
    }

    /// Waits while much waits for a client that takes nothing in: the server has to wait, too.
    pub(crate) async fn room(&self) {
        self.until(self.received.load(Ordering::Acquire).saturating_sub(WAITING)).await;
    }

    async fn until(&self, until: u64) {
        if self.relayed.load(Ordering::Acquire) >= until {
            return;
        }
        let all = async {
            loop {
                let more = self.progress.notified();
                if self.relayed.load(Ordering::Acquire) >= until {
                    return;
                }
                more.await;
            }
        };
        let _ = timeout(PATIENCE, all).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn waits_for_what_came_before_and_for_nothing_that_comes_after() {
        let order = Arc::new(Order::default());
        order.settled().await;
        order.received();
        let waiting = tokio::spawn({
            let order = order.clone();
            async move { order.settled().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        order.received();
        order.relayed();
        timeout(Duration::from_secs(1), waiting).await.unwrap().unwrap();
    }
}
