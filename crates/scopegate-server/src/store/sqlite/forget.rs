//! What the store does not keep for ever. Records and checkpoints it does.

use rusqlite::{Transaction, TransactionBehavior, params};
use scopegate_core::Timestamp;

use super::{SqliteStore, nanos};
use crate::store::StoreError;
use crate::token;

/// How long a session, a review or a delivery is kept once it is over: 30 days.
const KEPT: u64 = 30 * 24 * 3_600 * 1_000_000_000;
/// Rows of one kind that are forgotten at a time: whoever waits for a commit should not notice.
const SLICE: i64 = 500;

/// Rows of a tenant that were over at a time, oldest first.
const OVER: &[&str] = &[
    // Before the sessions, because those tell which.
    "DELETE FROM session_records WHERE tenant = ?1 AND session IN \
     (SELECT id FROM sessions WHERE tenant = ?1 AND expires_at < ?2 ORDER BY expires_at, id LIMIT ?3)",
    "DELETE FROM journals WHERE tenant = ?1 AND session IN \
     (SELECT id FROM sessions WHERE tenant = ?1 AND expires_at < ?2 ORDER BY expires_at, id LIMIT ?3)",
    "DELETE FROM sessions WHERE tenant = ?1 AND id IN \
     (SELECT id FROM sessions WHERE tenant = ?1 AND expires_at < ?2 ORDER BY expires_at, id LIMIT ?3)",
    "DELETE FROM reviews WHERE tenant = ?1 AND id IN \
     (SELECT id FROM reviews WHERE tenant = ?1 AND expires_at < ?2 ORDER BY expires_at, id LIMIT ?3)",
    "DELETE FROM credentials WHERE tenant = ?1 AND id IN \
     (SELECT id FROM credentials WHERE tenant = ?1 AND over_at < ?2 ORDER BY over_at, id LIMIT ?3)",
    "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries \
     WHERE tenant = ?1 AND created_at < ?2 AND NOT waiting ORDER BY created_at, id LIMIT ?3)",
];

/// A full account that is in the past counts nothing any more.
const IDLE: &str = "DELETE FROM accounts WHERE (tenant, account) IN \
                    (SELECT tenant, account FROM accounts WHERE tat <= ?1 LIMIT ?2)";

/// Assertions that are too old to be used again.
const USED: &str = "DELETE FROM assertions WHERE (tenant, agent, name) IN \
                    (SELECT tenant, agent, name FROM assertions WHERE tenant = ?1 AND until <= ?2 LIMIT ?3)";

/// What was over by then is forgotten.
pub(super) fn before(now: Timestamp) -> Timestamp {
    Timestamp::from_nanos(now.nanos().saturating_sub(KEPT))
}

impl SqliteStore {
    pub(super) fn forget_old(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        if self.lock.is_none() {
            return Ok(false);
        }
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut most = transaction.prepare_cached(IDLE)?.execute(params![nanos(now), SLICE])?;
        let before = nanos(before(now));
        for tenant in self.tenants.values() {
            for sql in OVER {
                let gone = transaction.prepare_cached(sql)?.execute(params![tenant.no, before, SLICE])?;
                most = most.max(gone);
            }
            let used = transaction.prepare_cached(USED)?.execute(params![tenant.no, nanos(now), SLICE])?;
            most = most.max(used);
        }
        forget_signing_keys(&transaction, now)?;
        transaction.commit()?;
        Ok(super::integer(most as u64) >= SLICE)
    }
}

/// Keys whose last token has expired.
fn forget_signing_keys(transaction: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached("SELECT body FROM signing_keys")?;
    let bodies = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut rows = Vec::new();
    for body in bodies {
        rows.push(serde_json::from_str(&body?)?);
    }
    for id in token::outlived(&rows, now) {
        transaction.execute("DELETE FROM signing_keys WHERE id = ?", params![id.as_str()])?;
    }
    Ok(())
}
