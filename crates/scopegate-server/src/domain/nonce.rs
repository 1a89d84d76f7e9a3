//! A decision that is asked for twice, because the answer was lost on its way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scopegate_core::{CallDigest, Decision, SessionId, Timestamp};
use tokio::sync::OnceCell;

use super::Failure;
use super::tenant::lock;

/// How long a decision is given again.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Decisions of one generation. What is forgotten early is decided anew: a permit whose answer was
/// lost stays lost then, and none is given twice.
const MOST: usize = 100_000;

/// Decisions by session and nonce.
#[derive(Default)]
pub(crate) struct Nonces(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    began: Timestamp,
    young: Seen,
    old: Seen,
}

type Seen = HashMap<(SessionId, Box<str>), Arc<Asked>>;

/// What was asked under a nonce and when, and what it came to once that is known.
struct Asked {
    at: Timestamp,
    digest: CallDigest,
    decision: OnceCell<Decision>,
}

impl Nonces {
    /// Decides once for a session, nonce and call; whoever asks again gets the same decision.
    pub(super) async fn once(
        &self,
        session: SessionId,
        nonce: &str,
        digest: CallDigest,
        now: Timestamp,
        decide: impl Future<Output = Result<Decision, Failure>>,
    ) -> Result<Decision, Failure> {
        let asked = lock(&self.0).find(session, nonce, digest, now);
        if asked.digest != digest {
            return Err(Failure::Conflict("`decision_nonce` was used for another call".to_owned()));
        }
        asked.decision.get_or_try_init(|| decide).await.cloned()
    }
}

impl Generations {
    fn find(&mut self, session: SessionId, nonce: &str, digest: CallDigest, now: Timestamp) -> Arc<Asked> {
        if self.began.until(now) >= REMEMBERED || self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
            self.began = now;
        }
        let key = (session, Box::from(nonce));
        let known = self.young.get(&key).or_else(|| self.old.get(&key));
        if let Some(asked) = known.filter(|asked| asked.at.until(now) < REMEMBERED) {
            return asked.clone();
        }
        let asked = Arc::new(Asked { at: now, digest, decision: OnceCell::new() });
        self.young.insert(key, asked.clone());
        asked
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use scopegate_core::{Args, Denial, DenyCode, ToolCall};

    use super::*;

    const T0: u64 = 1_000_000;

    async fn ask(
        nonces: &Nonces,
        session: u128,
        nonce: &str,
        tool: &str,
        at: u64,
        times: &AtomicUsize,
    ) -> String {
        let call = ToolCall::new(tool).with_args(Args::none());
        let session = SessionId::from_bits(session);
        let digest = CallDigest::of(session, &"o".into(), &"r".into(), &call).unwrap();
        let decide = async {
            times.fetch_add(1, Ordering::Relaxed);
            Ok(Decision::Deny(Denial::new(DenyCode::ScopeViolation)))
        };
        let at = Timestamp::from_secs(T0 + at);
        match nonces.once(session, nonce, digest, at, decide).await {
            Ok(_) => "decided".to_owned(),
            Err(failure) => failure.to_string(),
        }
    }

    #[tokio::test]
    async fn one_decision_for_one_session_nonce_and_call_for_a_minute() {
        let (nonces, times) = (Nonces::default(), AtomicUsize::new(0));
        for (session, nonce, tool, at, decided) in [
            (1, "n", "pay", 0, 1),
            (1, "n", "pay", 59, 1),
            (2, "n", "pay", 59, 2),
            (1, "m", "pay", 59, 3),
            (1, "n", "pay", 60, 4), // a minute later it is another question
            (2, "n", "pay", 118, 4),
        ] {
            assert_eq!(ask(&nonces, session, nonce, tool, at, &times).await, "decided");
            assert_eq!(times.load(Ordering::Relaxed), decided, "{session} {nonce} {tool} {at}");
        }
        let refused = ask(&nonces, 1, "n", "read", 119, &times).await;
        assert_eq!(refused, "`decision_nonce` was used for another call");
        assert_eq!(times.load(Ordering::Relaxed), 4);
    }
}
