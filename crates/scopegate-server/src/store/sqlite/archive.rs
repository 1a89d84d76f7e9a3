//! Reads beside the writer. Each is short, so that none keeps the write-ahead log from shrinking.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, params};
use scopegate_core::{Name, PermitId, ReviewId, SessionId, Timestamp};
use serde::de::DeserializeOwned;

use super::{agents, decisions, integer, load, nanos, natural, record_id};
use crate::audit::{self, NoteKey};
use crate::store::{
    Access, AgentCounts, Archive, CheckpointRow, DecisionCounts, DeliveryRow, KeyRow, RecordRow, ReviewRow,
    RoleRow, SessionRow, StoreError, TenantId, Wanted,
};

/// Reads a store through a connection of its own.
#[derive(Debug)]
pub struct SqliteArchive {
    db: Mutex<Connection>,
}

impl SqliteArchive {
    pub(super) fn new(db: Connection) -> Self {
        Self { db: Mutex::new(db) }
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Archive for SqliteArchive {
    fn access(&self) -> Result<Access, StoreError> {
        access(&self.db())
    }

    fn public_key(&self, chain: &str) -> Result<NoteKey, StoreError> {
        let sql = "SELECT value FROM facts WHERE name = 'signer'";
        let public: [u8; 32] = self.db().query_row(sql, [], |row| row.get(0))?;
        audit::note_key(chain, &public).map_err(|error| StoreError::Damaged(error.to_string()))
    }

    fn key(&self, id: &str) -> Result<Option<KeyRow>, StoreError> {
        Ok(bodies(&self.db(), "SELECT body FROM keys WHERE id = ?", [id])?.pop())
    }

    fn roles(&self, tenant: &TenantId) -> Result<Vec<RoleRow>, StoreError> {
        let db = self.db();
        let mut roles: Vec<RoleRow> = bodies(&db, load::NEWEST_ROLES, [number(&db, tenant)?])?;
        roles.retain(|role| !role.ended);
        Ok(roles)
    }

    fn count(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let db = self.db();
        count(&db, number(&db, tenant)?)
    }

    fn records(&self, tenant: &TenantId, from: u64, limit: usize) -> Result<Vec<RecordRow>, StoreError> {
        let db = self.db();
        let no = number(&db, tenant)?;
        // One record earlier, for the hash before the first.
        let first = record_id(no, from.saturating_sub(1));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(i64::from(from > 0));
        let sql = "SELECT id, at, body, hash FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?";
        let mut statement = db.prepare_cached(sql)?;
        let mut rows = statement.query(params![first, record_id(no + 1, 0), limit])?;
        let (mut records, mut prev) = (Vec::new(), [0; 32]);
        while let Some(row) = rows.next()? {
            let seq = natural(row.get::<_, i64>(0)? - record_id(no, 0));
            let hash = row.get(3)?;
            if seq >= from {
                let at = Timestamp::from_nanos(natural(row.get(1)?));
                records.push(RecordRow { seq, at, body: row.get(2)?, prev, hash });
            }
            prev = hash;
        }
        Ok(records)
    }

    fn first_since(&self, tenant: &TenantId, at: Timestamp) -> Result<u64, StoreError> {
        let db = self.db();
        let no = number(&db, tenant)?;
        let (mut from, mut to) = (0, count(&db, no)?);
        let mut statement = db.prepare_cached("SELECT at FROM records WHERE id = ?")?;
        while from < to {
            let middle = from + (to - from) / 2;
            let then: i64 = statement.query_row([record_id(no, middle)], |row| row.get(0))?;
            if then < nanos(at) { from = middle + 1 } else { to = middle }
        }
        Ok(from)
    }

    fn checkpoints(
        &self,
        tenant: &TenantId,
        size: u64,
        limit: usize,
    ) -> Result<Vec<CheckpointRow>, StoreError> {
        let db = self.db();
        let no = number(&db, tenant)?;
        let sql =
            "SELECT size, at, note FROM checkpoints WHERE tenant = ? AND size > ? ORDER BY size LIMIT ?";
        let mut statement = db.prepare_cached(sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![no, integer(size), limit], |row| {
            let at = Timestamp::from_nanos(natural(row.get(1)?));
            Ok(CheckpointRow { size: natural(row.get(0)?), at, note: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn session(&self, tenant: &TenantId, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
        let db = self.db();
        let sql = "SELECT body, ended, records, spent FROM sessions LEFT JOIN session_records AS n \
                   ON n.tenant = sessions.tenant AND n.session = sessions.id \
                   WHERE sessions.tenant = ?1 AND id = ?2";
        let values = params![number(&db, tenant)?, id.bits().to_be_bytes()];
        let row = db.query_row(sql, values, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
        let row = row.optional()?;
        row.map(load::session).transpose()
    }

    fn review(&self, tenant: &TenantId, id: ReviewId) -> Result<Option<ReviewRow>, StoreError> {
        let db = self.db();
        let values = params![number(&db, tenant)?, id.bits().to_be_bytes()];
        Ok(bodies(&db, "SELECT body FROM reviews WHERE tenant = ? AND id = ?", values)?.pop())
    }

    fn agent_counts(&self, tenant: &TenantId, agents: &[Name]) -> Result<Vec<AgentCounts>, StoreError> {
        let db = self.db();
        let no = number(&db, tenant)?;
        agents.iter().map(|agent| agents::counts(&db, no, agent)).collect()
    }

    fn agent_records(
        &self,
        tenant: &TenantId,
        agent: &str,
        skip: u64,
        most: usize,
    ) -> Result<Vec<RecordRow>, StoreError> {
        let db = self.db();
        agents::records(&db, number(&db, tenant)?, agent, (skip, most))
    }

    fn decisions(
        &self,
        tenant: &TenantId,
        wanted: &Wanted,
        skip: u64,
        most: usize,
    ) -> Result<(Vec<RecordRow>, u64), StoreError> {
        let db = self.db();
        decisions::find(&db, number(&db, tenant)?, wanted, (skip, most))
    }

    fn decision(&self, tenant: &TenantId, id: PermitId) -> Result<Option<RecordRow>, StoreError> {
        let db = self.db();
        decisions::one(&db, number(&db, tenant)?, id)
    }

    fn decision_counts(&self, tenant: &TenantId) -> Result<DecisionCounts, StoreError> {
        let db = self.db();
        decisions::counts(&db, number(&db, tenant)?)
    }

    fn communications(
        &self,
        tenant: &TenantId,
        agent: &str,
        skip: u64,
        most: usize,
    ) -> Result<(Vec<RecordRow>, u64), StoreError> {
        let db = self.db();
        decisions::communications(&db, number(&db, tenant)?, agent, (skip, most))
    }

    fn deliveries(&self, tenant: &TenantId, limit: usize) -> Result<Vec<DeliveryRow>, StoreError> {
        let db = self.db();
        let sql = "SELECT body FROM deliveries WHERE tenant = ? ORDER BY created_at DESC, id LIMIT ?";
        bodies(&db, sql, params![number(&db, tenant)?, i64::try_from(limit).unwrap_or(i64::MAX)])
    }
}

fn number(db: &Connection, tenant: &TenantId) -> Result<i64, StoreError> {
    let mut statement = db.prepare_cached("SELECT no FROM tenants WHERE tenant = ?")?;
    let no = statement.query_row([tenant.as_str()], |row| row.get(0)).optional()?;
    no.ok_or_else(|| StoreError::UnknownTenant(tenant.clone()))
}

fn count(db: &Connection, no: i64) -> Result<u64, StoreError> {
    let mut statement = db.prepare_cached("SELECT max(id) FROM records WHERE id >= ? AND id < ?")?;
    let (first, end) = (record_id(no, 0), record_id(no + 1, 0));
    let last: Option<i64> = statement.query_row([first, end], |row| row.get(0))?;
    Ok(last.map_or(0, |last| natural(last - first) + 1))
}

/// All tenants and keys.
pub(super) fn access(db: &Connection) -> Result<Access, StoreError> {
    Ok(Access {
        tenants: load::tenants(db)?.into_iter().map(|(_, tenant)| tenant).collect(),
        keys: bodies(db, "SELECT body FROM keys ORDER BY id", [])?,
        signing_keys: bodies(db, "SELECT body FROM signing_keys ORDER BY id", [])?,
    })
}

fn bodies<T: DeserializeOwned>(
    db: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<T>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let bodies =
        statement.query_map(values, |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    bodies.iter().map(|body| Ok(serde_json::from_str(body)?)).collect()
}
