//! Everything that the plane holds in memory, read at the start.

use std::collections::HashMap;

use rusqlite::{OptionalExtension as _, Row, params};
use scopegate_core::{Name, SessionId, Timestamp};
use serde::de::DeserializeOwned;

use super::{SqliteStore, agents, decisions, documents, forget, natural, record_id, witness};
use crate::audit::{Checkpoint, Log, merkle::Frontier};
use crate::store::{
    AccountRow, Epoch, JournalRow, SessionRow, SigningKeyRow, State, StoreError, TenantId, TenantRow,
    TenantState,
};

/// How long after its end a session or review is still loaded: its end can be told from a forgery.
const REMEMBERED: u64 = 3_600_000_000_000;
/// The newest version of every role of a tenant.
pub(super) const NEWEST_ROLES: &str = "SELECT body FROM roles AS r WHERE tenant = ? AND version = \
     (SELECT max(version) FROM roles WHERE tenant = r.tenant AND id = r.id) ORDER BY id";

impl SqliteStore {
    pub(super) fn load_state(&mut self) -> Result<State, StoreError> {
        let tenants = tenants(&self.db)?;
        let mut latest = latest(&self.db)?;
        for (_, row) in &tenants {
            latest = latest.max(self.tenant(&row.tenant)?.log.latest());
        }
        let signing_keys: Vec<SigningKeyRow> =
            self.bodies("SELECT body FROM signing_keys ORDER BY id", [])?;
        let mut state = State { latest, signing_keys, tenants: Vec::with_capacity(tenants.len()) };
        for (no, row) in tenants {
            state.tenants.push(self.load_tenant(no, row, latest)?);
        }
        if self.lock.is_some() {
            // A full account that is in the past counts nothing any more.
            self.db.execute("DELETE FROM accounts WHERE tat <= ?", params![super::nanos(latest)])?;
        }
        Ok(state)
    }

    fn load_tenant(&self, no: i64, row: TenantRow, latest: Timestamp) -> Result<TenantState, StoreError> {
        let since = super::integer(latest.nanos().saturating_sub(REMEMBERED));
        let mut roles: Vec<crate::store::RoleRow> = self.bodies(NEWEST_ROLES, [no])?;
        roles.retain(|role| !role.ended);
        Ok(TenantState {
            keys: self.bodies("SELECT body FROM keys WHERE tenant = ? ORDER BY id", [no])?,
            roles,
            sessions: self.sessions(no, since)?,
            suspended: self.list(
                "SELECT owner FROM suspended WHERE tenant = ? ORDER BY owner",
                [no],
                |row| Ok(Name::from(row.get::<_, String>(0)?)),
            )?,
            reviews: self.bodies(
                "SELECT body FROM reviews WHERE tenant = ? AND expires_at > ? ORDER BY id",
                [no, since],
            )?,
            accounts: self.list(
                "SELECT account, tat FROM accounts WHERE tenant = ? AND tat > ? ORDER BY account",
                [no, super::nanos(latest)],
                |row| {
                    let account: Vec<u8> = row.get(0)?;
                    Ok(AccountRow { account: account.into(), tat: natural(row.get(1)?) })
                },
            )?,
            journals: self.list(
                "SELECT session, fail_open, batch, number FROM journals AS j JOIN sessions AS s \
                 ON s.tenant = j.tenant AND s.id = j.session WHERE j.tenant = ? AND s.expires_at > ?",
                [no, since],
                |row| {
                    let session = SessionId::from_bits(u128::from_be_bytes(row.get(0)?));
                    let (batch, number) = (natural(row.get(2)?), natural(row.get(3)?));
                    Ok(JournalRow { session, fail_open: row.get(1)?, batch, number })
                },
            )?,
            catalogues: self.bodies("SELECT body FROM catalogues WHERE tenant = ? ORDER BY server", [no])?,
            agents: self.bodies("SELECT body FROM agents WHERE tenant = ? ORDER BY no", [no])?,
            credentials: self.bodies(
                "SELECT body FROM credentials WHERE tenant = ? AND over_at > ? ORDER BY id",
                [no, super::nanos(forget::before(latest))],
            )?,
            assertions: self.list(
                "SELECT agent, name, until FROM assertions WHERE tenant = ? AND until > ?",
                [no, super::nanos(latest)],
                agents::read_assertion,
            )?,
            trust: decisions::trust(&self.db, no)?,
            documents: documents::load(&self.db, no, &row.tenant)?,
            deliveries: self.bodies(
                "SELECT body FROM deliveries WHERE tenant = ? AND waiting ORDER BY created_at, id",
                [no],
            )?,
            tenant: row,
        })
    }

    /// Sessions, parents before their children.
    fn sessions(&self, no: i64, since: i64) -> Result<Vec<SessionRow>, StoreError> {
        let sql = "SELECT body, ended, records, spent FROM sessions LEFT JOIN session_records AS n \
                   ON n.tenant = sessions.tenant AND n.session = sessions.id \
                   WHERE sessions.tenant = ? AND expires_at > ? ORDER BY id";
        let rows =
            self.list(sql, [no, since], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        let rows: Result<Vec<SessionRow>, StoreError> = rows.into_iter().map(session).collect();
        let mut rows = rows?;
        let parents: HashMap<SessionId, Option<SessionId>> =
            rows.iter().map(|row| (row.id, row.parent)).collect();
        let depth = |row: &SessionRow| {
            // A chain of parents is short; a ring would be damage, and ends here.
            let parent = |id: &Option<SessionId>| id.and_then(|id| parents.get(&id).copied());
            std::iter::successors(Some(row.parent), parent).take(64).count()
        };
        rows.sort_by_cached_key(depth);
        Ok(rows)
    }

    /// The end of a tenant's log: from its last checkpoint, and the records after it. What the log
    /// says of itself is checked, so that a plane never goes on where something was changed.
    pub(super) fn load_log(&self, tenant: &TenantId, no: i64, chain: &str) -> Result<Log, StoreError> {
        let damaged = |why: &str| StoreError::Damaged(format!("the log of `{tenant}`: {why}"));
        let key = self.public_key(chain)?;
        let last =
            "SELECT size, at, note, subtrees FROM checkpoints WHERE tenant = ? ORDER BY size DESC LIMIT 1";
        let checkpoint = self
            .db
            .query_row(last, [no], |row| {
                let (size, at): (i64, i64) = (row.get(0)?, row.get(1)?);
                Ok((natural(size), natural(at), row.get::<_, String>(2)?, row.get::<_, Vec<u8>>(3)?))
            })
            .optional()?;
        let mut log = Log::new(chain);
        if let Some((size, at, note, subtrees)) = checkpoint {
            let roots: Result<Vec<_>, _> = subtrees.chunks(32).map(TryInto::try_into).collect();
            let tree = roots.ok().and_then(|roots| Frontier::resume(size, roots));
            let tree = tree.ok_or_else(|| damaged("its last checkpoint has another size"))?;
            let signed = Checkpoint::open(&note, &key).map_err(|error| damaged(&error.to_string()))?;
            if signed != Checkpoint::of(&signed.origin, &tree) {
                return Err(damaged("its last checkpoint says something else"));
            }
            let last = "SELECT at, hash FROM records WHERE id = ?";
            let last = self.db.query_row(last, [record_id(no, size.saturating_sub(1))], |row| {
                Ok((Timestamp::from_nanos(natural(row.get(0)?)), row.get(1)?))
            });
            let last = last.optional()?.ok_or_else(|| damaged("its last signed record is missing"))?;
            log = Log::resume(chain, tree, last, Timestamp::from_nanos(at));
        }
        let mut rows =
            self.db.prepare("SELECT at, body, hash FROM records WHERE id >= ? AND id < ? ORDER BY id")?;
        let mut rows = rows.query([record_id(no, log.len()), record_id(no + 1, 0)])?;
        while let Some(row) = rows.next()? {
            let at = Timestamp::from_nanos(natural(row.get(0)?));
            let (body, hash): (String, [u8; 32]) = (row.get(1)?, row.get(2)?);
            if !log.follow(at, body.as_bytes(), &hash) {
                return Err(damaged(&format!("record {} does not continue it", log.len() - 1)));
            }
        }
        let promised = witness::promised(&self.folder, tenant, &key)?;
        if log.len() < promised {
            return Err(damaged(&format!(
                "it has {} records, and a checkpoint says there were {promised}: this is an older copy of \
                 the database",
                log.len()
            )));
        }
        Ok(log)
    }

    fn list<T>(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.db.prepare(sql)?;
        let rows = statement.query_map(parameters, read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn bodies<T: DeserializeOwned>(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<T>, StoreError> {
        let bodies = self.list(sql, parameters, |row| row.get::<_, String>(0))?;
        bodies.iter().map(|body| Ok(serde_json::from_str(body)?)).collect()
    }
}

/// A session from its body, its end, the count of its records, and what of its budget is spent.
pub(super) fn session(
    (body, ended, records, spent): (String, Option<String>, Option<i64>, Option<i64>),
) -> Result<SessionRow, StoreError> {
    let mut row: SessionRow = serde_json::from_str(&body)?;
    if let Some(ended) = ended {
        row.end = Some(serde_json::from_str(&ended)?);
    }
    row.records = records.map_or(0, natural);
    row.spent = spent.map_or(0, natural);
    Ok(row)
}

/// All tenants and their numbers.
pub(super) fn tenants(db: &rusqlite::Connection) -> Result<Vec<(i64, TenantRow)>, StoreError> {
    let sql = "SELECT no, tenant, chain, incarnation, counter, created_at FROM tenants ORDER BY no";
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut tenants = Vec::new();
    while let Some(row) = rows.next()? {
        let tenant = TenantId::parse(row.get::<_, String>(1)?);
        let tenant = tenant.map_err(|error| StoreError::Damaged(error.to_string()))?;
        let epoch = Epoch { incarnation: natural(row.get(3)?), counter: natural(row.get(4)?) };
        let created_at = Timestamp::from_nanos(natural(row.get(5)?));
        let chain = row.get::<_, String>(2)?.into();
        tenants.push((row.get(0)?, TenantRow { tenant, chain, epoch, created_at }));
    }
    Ok(tenants)
}

fn latest(db: &rusqlite::Connection) -> Result<Timestamp, StoreError> {
    let sql = "SELECT value FROM facts WHERE name = 'latest'";
    let latest: Option<i64> = db.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(Timestamp::from_nanos(latest.map_or(0, natural)))
}
