//! One batch, one transaction.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Transaction, TransactionBehavior, params};
use scopegate_core::{SessionId, Tat, Timestamp};
use scopegate_engine::Durability;
use serde::Serialize;

use super::agents::{self, Counted};
use super::decisions::Noted;
use super::{SqliteStore, documents, integer, nanos, record_id, witness};
use crate::audit::Log;
use crate::store::{
    Change, DecisionRow, DeliveryRow, DeliveryState, Epoch, JournalRow, ReviewRow, StoreError, TenantId,
};

/// What a batch has changed so far. The logs are copies until the batch is committed, and words
/// that are written with every decision are written once a batch.
#[derive(Default)]
struct Draft<'a> {
    tenants: HashMap<&'a TenantId, (i64, Option<Log>)>,
    accounts: HashMap<(i64, &'a [u8]), Tat>,
    records: HashMap<(i64, SessionId), u64>,
    budgets: HashMap<(i64, SessionId), u64>,
    agents: Counted<'a>,
    decisions: Noted<'a>,
}

impl SqliteStore {
    pub(super) fn commit_batch(
        &mut self,
        batch: &[Change],
        durability: Durability,
    ) -> Result<(), StoreError> {
        self.set_durability(durability)?;
        let mut draft = Draft::default();
        for change in batch {
            let Change::Decision(row) = change else { continue };
            if self.lock.is_none() {
                return Err(StoreError::Conflict("only the plane itself records decisions".to_owned()));
            }
            if !draft.tenants.contains_key(&row.tenant) {
                let tenant = self.tenant(&row.tenant)?;
                draft.tenants.insert(&row.tenant, (tenant.no, Some(tenant.log.clone())));
            }
        }
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for change in batch {
            draft.apply(&transaction, change)?;
        }
        draft.write_words(&transaction)?;
        let mut signed = Vec::new();
        if durability == Durability::Durable {
            // A checkpoint must not be known before what it covers is on disk.
            for (tenant, (no, log)) in &mut draft.tenants {
                let Some(log) = log.as_mut().filter(|log| log.is_due(log.latest())) else { continue };
                let now = log.latest();
                signed.push(((*tenant).clone(), sign(&transaction, *no, log, &self.seed, now)?));
            }
        }
        transaction.commit()?;
        self.unsynced = durability == Durability::Buffered;
        for (id, (_, log)) in draft.tenants {
            if let Some((tenant, log)) = self.tenants.get_mut(id).zip(log) {
                tenant.log = log;
            }
        }
        signed.iter().try_for_each(|(tenant, note)| witness::append(&self.folder, tenant, note))
    }

    pub(super) fn sign_logs(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let unsigned = self.tenants.values().any(|tenant| tenant.log.is_unsigned());
        if self.lock.is_none() || !(unsigned || self.unsynced) {
            return Ok(());
        }
        self.set_durability(Durability::Durable)?;
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut signed = Vec::new();
        for (id, tenant) in self.tenants.iter_mut().filter(|(_, tenant)| tenant.log.is_unsigned()) {
            let note = sign(&transaction, tenant.no, &mut tenant.log, &self.seed, now)?;
            signed.push((id.clone(), note));
        }
        // Something must be written for the sync to happen.
        write_latest(&transaction, now)?;
        transaction.commit()?;
        self.unsynced = false;
        signed.iter().try_for_each(|(tenant, note)| witness::append(&self.folder, tenant, note))
    }
}

impl<'a> Draft<'a> {
    fn apply(&mut self, to: &Transaction<'_>, change: &'a Change) -> Result<(), StoreError> {
        match change {
            Change::Tenant(row) => {
                let sql = "INSERT INTO tenants (tenant, chain, incarnation, counter, created_at) \
                           VALUES (?, ?, ?, ?, ?)";
                let Epoch { incarnation, counter } = row.epoch;
                let epoch = (integer(incarnation), integer(counter));
                let (tenant, chain) = (row.tenant.as_str(), row.chain.as_str());
                to.execute(sql, params![tenant, chain, epoch.0, epoch.1, nanos(row.created_at)])?;
            }
            Change::Key(row) => {
                let sql = "INSERT INTO keys (id, tenant, body) VALUES (?, ?, ?) \
                           ON CONFLICT (id) DO UPDATE SET body = excluded.body WHERE tenant = excluded.tenant";
                let tenant = self.tenant(to, &row.tenant)?;
                one(
                    to.execute(sql, params![row.id.as_str(), tenant, body(row)?])?,
                    "the key of another tenant",
                )?;
            }
            Change::SigningKey(row) => {
                let sql = "INSERT OR REPLACE INTO signing_keys (id, body) VALUES (?, ?)";
                to.execute(sql, params![row.id.as_str(), body(row)?])?;
            }
            Change::Role(row) => {
                // The next version of what is there, and nothing else.
                let sql = "INSERT INTO roles (tenant, id, version, body) SELECT ?1, ?2, ?3, ?4 WHERE ?3 = 1 + \
                           coalesce((SELECT max(version) FROM roles WHERE tenant = ?1 AND id = ?2), 0)";
                let tenant = self.tenant(to, &row.tenant)?;
                let values = params![tenant, row.id.as_str(), integer(row.version), body(row)?];
                one(to.execute(sql, values)?, "a role's versions have no gaps")?;
            }
            Change::Session(row) => {
                let sql = "INSERT INTO sessions (tenant, id, expires_at, body) VALUES (?, ?, ?, ?)";
                let tenant = self.tenant(to, &row.tenant)?;
                cached(to, sql)?.execute(params![tenant, blob(row.id), nanos(row.expires_at), body(row)?])?;
            }
            Change::SessionEnded { tenant, session, end } => {
                // The first end is the end.
                let sql = "UPDATE sessions SET ended = coalesce(ended, ?) WHERE tenant = ? AND id = ?";
                let tenant = self.tenant(to, tenant)?;
                one(
                    cached(to, sql)?.execute(params![body(end)?, tenant, blob(*session)])?,
                    "no such session",
                )?;
            }
            Change::Suspended { tenant, owner, on } => {
                let sql = if *on {
                    "INSERT OR IGNORE INTO suspended (tenant, owner) VALUES (?, ?)"
                } else {
                    "DELETE FROM suspended WHERE tenant = ? AND owner = ?"
                };
                to.execute(sql, params![self.tenant(to, tenant)?, owner.as_str()])?;
            }
            Change::Decision(row) => self.decision(to, row)?,
            Change::Accounts { tenant, accounts } => {
                let tenant = self.tenant(to, tenant)?;
                for row in accounts {
                    self.accounts.insert((tenant, &row.account), row.tat);
                }
            }
            Change::Journal { tenant, journal } => {
                let sql = "INSERT OR REPLACE INTO journals (tenant, session, fail_open, batch, number) \
                           VALUES (?, ?, ?, ?, ?)";
                let JournalRow { session, fail_open, batch, number } = *journal;
                let tenant = self.tenant(to, tenant)?;
                let values = params![tenant, blob(session), fail_open, integer(batch), integer(number)];
                cached(to, sql)?.execute(values)?;
            }
            Change::Review(row) => self.review(to, row)?,
            Change::Agent(row) => agents::write_agent(to, self.tenant(to, &row.tenant)?, row)?,
            Change::Credential(row) => agents::write_credential(to, self.tenant(to, &row.tenant)?, row)?,
            Change::Assertion { tenant, assertion } => {
                agents::write_assertion(to, self.tenant(to, tenant)?, assertion)?;
            }
            Change::Document(row) => documents::write(to, self.tenant(to, &row.tenant)?, row)?,
            Change::Catalogue(row) => {
                let sql = "INSERT OR REPLACE INTO catalogues (tenant, server, body) VALUES (?, ?, ?)";
                to.execute(sql, params![self.tenant(to, &row.tenant)?, row.server.as_str(), body(row)?])?;
            }
            Change::CatalogueEnded { tenant, server } => {
                let sql = "DELETE FROM catalogues WHERE tenant = ? AND server = ?";
                let tenant = self.tenant(to, tenant)?;
                one(to.execute(sql, params![tenant, server.as_str()])?, "no such MCP server")?;
            }
            Change::Delivery(row) => self.delivery(to, row)?,
            Change::Documents { rows, epoch } => {
                for row in rows {
                    let tenant = self.tenant(to, &row.tenant)?;
                    documents::write(to, tenant, row)?;
                    write_epoch(to, tenant, epoch)?;
                }
            }
            Change::Epoch { tenant, epoch } => write_epoch(to, self.tenant(to, tenant)?, epoch)?,
            Change::HighWater(latest) => write_latest(to, *latest)?,
        }
        Ok(())
    }

    /// A decision and all that it changed.
    fn decision(&mut self, to: &Transaction<'_>, row: &'a DecisionRow) -> Result<(), StoreError> {
        let unknown = || StoreError::UnknownTenant(row.tenant.clone());
        let (tenant, log) = self.tenants.get_mut(&row.tenant).ok_or_else(unknown)?;
        let (tenant, log) = (*tenant, log.as_mut().ok_or_else(unknown)?);
        let made = log.append(row);
        let text = std::str::from_utf8(&made.body).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let sql = "INSERT INTO records (id, at, body, hash) VALUES (?, ?, ?, ?)";
        cached(to, sql)?.execute(params![record_id(tenant, made.seq), nanos(made.at), text, made.hash])?;
        let count = row.circumstances.count.unwrap_or(1);
        let of_agent = self.agents.note(to, tenant, &row.record, (made.seq, count))?;
        self.decisions.note(to, tenant, row, (made.seq, of_agent))?;
        // A client numbers its own decisions apart.
        if row.circumstances.source.is_none() {
            let records = self.records.entry((tenant, row.record.id.session)).or_default();
            *records = row.record.id.number.max(*records);
        }
        for spent in &row.accounts {
            self.accounts.insert((tenant, &spent.account), spent.tat);
        }
        for (session, spent) in &row.budgets {
            let stands = self.budgets.entry((tenant, *session)).or_default();
            *stands = (*stands).max(*spent);
        }
        row.review.iter().try_for_each(|review| self.review(to, review))?;
        row.documents.iter().try_for_each(|document| documents::write(to, tenant, document))?;
        row.delivery.iter().try_for_each(|delivery| self.delivery(to, delivery))
    }

    fn review(&mut self, to: &Transaction<'_>, row: &'a ReviewRow) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO reviews (tenant, id, expires_at, body) VALUES (?, ?, ?, ?)";
        let tenant = self.tenant(to, &row.tenant)?;
        let id = row.review.id.bits().to_be_bytes();
        cached(to, sql)?.execute(params![tenant, id, nanos(row.review.expires_at), body(row)?])?;
        Ok(())
    }

    fn delivery(&mut self, to: &Transaction<'_>, row: &'a DeliveryRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO deliveries (id, tenant, waiting, created_at, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT \
                   (id) DO UPDATE SET waiting = excluded.waiting, body = excluded.body WHERE tenant = excluded.tenant";
        let tenant = self.tenant(to, &row.tenant)?;
        let waiting = row.state == DeliveryState::Waiting;
        let values = params![row.id.as_str(), tenant, waiting, nanos(row.created_at), body(row)?];
        one(cached(to, sql)?.execute(values)?, "the delivery of another tenant")
    }

    /// The words that were written with decisions.
    fn write_words(&self, to: &Transaction<'_>) -> Result<(), StoreError> {
        let mut accounts =
            cached(to, "INSERT OR REPLACE INTO accounts (tenant, account, tat) VALUES (?, ?, ?)")?;
        for ((tenant, account), tat) in &self.accounts {
            accounts.execute(params![tenant, account, integer(*tat)])?;
        }
        let sql = "INSERT INTO session_records (tenant, session, records) VALUES (?, ?, ?) \
                   ON CONFLICT (tenant, session) DO UPDATE SET records = max(records, excluded.records)";
        let mut records = cached(to, sql)?;
        for ((tenant, session), count) in &self.records {
            records.execute(params![tenant, blob(*session), integer(*count)])?;
        }
        let sql = "INSERT INTO session_records (tenant, session, records, spent) VALUES (?, ?, 0, ?) \
                   ON CONFLICT (tenant, session) DO UPDATE SET spent = max(spent, excluded.spent)";
        let mut budgets = cached(to, sql)?;
        for ((tenant, session), spent) in &self.budgets {
            budgets.execute(params![tenant, blob(*session), integer(*spent)])?;
        }
        self.decisions.write(to)?;
        self.agents.write(to)
    }

    /// The number of a tenant, which may have been made in this very batch.
    fn tenant(&mut self, to: &Transaction<'_>, id: &'a TenantId) -> Result<i64, StoreError> {
        if let Some((no, _)) = self.tenants.get(id) {
            return Ok(*no);
        }
        let mut statement = cached(to, "SELECT no FROM tenants WHERE tenant = ?")?;
        match statement.query_row([id.as_str()], |row| row.get(0)) {
            Ok(no) => {
                self.tenants.insert(id, (no, None));
                Ok(no)
            }
            Err(rusqlite::Error::QueryReturnedNoRows) => Err(StoreError::UnknownTenant(id.clone())),
            Err(error) => Err(error.into()),
        }
    }
}

/// Signs a log inside a transaction; the note.
fn sign(
    to: &Transaction<'_>,
    tenant: i64,
    log: &mut Log,
    seed: &[u8; 32],
    now: Timestamp,
) -> Result<String, StoreError> {
    let note = log.sign(seed, now).map_err(|error| StoreError::Damaged(error.to_string()))?;
    let sql = "INSERT INTO checkpoints (tenant, size, at, note, subtrees) VALUES (?, ?, ?, ?, ?)";
    let subtrees = log.tree().roots().concat();
    cached(to, sql)?.execute(params![tenant, integer(log.len()), nanos(now), note, subtrees])?;
    Ok(note)
}

/// Another process may have counted further.
fn write_epoch(to: &Transaction<'_>, tenant: i64, epoch: &Epoch) -> Result<(), StoreError> {
    let sql = "UPDATE tenants SET incarnation = ?1, counter = \
               CASE incarnation WHEN ?1 THEN max(counter, ?2) ELSE ?2 END WHERE no = ?3";
    to.execute(sql, params![integer(epoch.incarnation), integer(epoch.counter), tenant])?;
    Ok(())
}

fn write_latest(to: &Transaction<'_>, latest: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO facts (name, value) VALUES ('latest', ?) \
               ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)";
    cached(to, sql)?.execute(params![nanos(latest)])?;
    Ok(())
}

pub(super) fn cached<'t>(to: &'t Transaction<'_>, sql: &str) -> Result<CachedStatement<'t>, StoreError> {
    Ok(to.prepare_cached(sql)?)
}

pub(super) fn one(changed: usize, otherwise: &str) -> Result<(), StoreError> {
    if changed == 1 { Ok(()) } else { Err(StoreError::Conflict(otherwise.to_owned())) }
}

pub(super) fn body(row: &impl Serialize) -> Result<String, StoreError> {
    Ok(serde_json::to_string(row)?)
}

fn blob(id: SessionId) -> [u8; 16] {
    id.bits().to_be_bytes()
}
