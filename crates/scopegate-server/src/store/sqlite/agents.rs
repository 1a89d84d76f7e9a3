//! Agents in tables: written with a batch, counted beside its records, read back.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use scopegate_core::{DecisionRecord, Event, Name, Timestamp};

use super::commit::{body, cached, one};
use super::{integer, nanos, natural, record_id};
use crate::store::{AgentCounts, AgentRow, AssertionRow, CredentialRow, RecordRow, StoreError};

/// No count goes beyond what every reader of JSON takes for the same number.
const MOST: u64 = (1 << 53) - 1;

/// What a batch decided for agents. Most owners are none, and are looked for once a batch.
#[derive(Default)]
pub(super) struct Counted<'a>(HashMap<(i64, &'a str), Option<(i64, AgentCounts)>>);

impl<'a> Counted<'a> {
    /// Counts a decision, and remembers which record it is. Whether it is an agent's.
    pub(super) fn note(
        &mut self,
        to: &Transaction<'_>,
        tenant: i64,
        record: &'a DecisionRecord,
        (seq, count): (u64, u64),
    ) -> Result<bool, StoreError> {
        let Some(owner) = record.owner.as_deref() else { return Ok(false) };
        let known = match self.0.get_mut(&(tenant, owner)) {
            Some(known) => known,
            None => {
                let found = number(to, tenant, owner)?.map(|no| (no, AgentCounts::default()));
                self.0.entry((tenant, owner)).or_insert(found)
            }
        };
        let Some((no, counts)) = known else { return Ok(false) };
        match record.event {
            Event::Permit => counts.permits += 1,
            Event::Hold => counts.holds += 1,
            // How many a client counted is the client's word.
            Event::Deny(_) => counts.denials = counts.denials.saturating_add(count),
            _ => return Ok(true),
        }
        counts.records += 1;
        counts.last_seen = counts.last_seen.max(Some(record.at));
        let sql = "INSERT INTO agent_records (agent, seq) VALUES (?, ?)";
        cached(to, sql)?.execute(params![*no, integer(seq)])?;
        Ok(true)
    }

    pub(super) fn write(&self, to: &Transaction<'_>) -> Result<(), StoreError> {
        let sql = "UPDATE agents SET permits = min(permits + ?2, ?7), denials = min(denials + ?3, ?7), \
                   holds = min(holds + ?4, ?7), records = min(records + ?5, ?7), \
                   last_seen = max(coalesce(last_seen, 0), ?6) WHERE no = ?1";
        for (no, counts) in self.0.values().flatten() {
            let Some(seen) = counts.last_seen else { continue };
            let AgentCounts { permits, denials, holds, records, .. } = *counts;
            let [permits, denials, holds, records] =
                [permits, denials, holds, records].map(|count| integer(count.min(MOST)));
            let values = params![no, permits, denials, holds, records, nanos(seen), integer(MOST)];
            cached(to, sql)?.execute(values)?;
        }
        Ok(())
    }
}

pub(super) fn write_agent(to: &Transaction<'_>, tenant: i64, row: &AgentRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO agents (tenant, id, body) VALUES (?, ?, ?) \
               ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body";
    cached(to, sql)?.execute(params![tenant, row.id.as_str(), body(row)?])?;
    Ok(())
}

pub(super) fn write_credential(
    to: &Transaction<'_>,
    tenant: i64,
    row: &CredentialRow,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO credentials (id, tenant, over_at, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE \
               SET over_at = excluded.over_at, body = excluded.body WHERE tenant = excluded.tenant";
    let values = params![row.id.as_str(), tenant, nanos(row.over_at()), body(row)?];
    one(cached(to, sql)?.execute(values)?, "the credential of another tenant")
}

pub(super) fn write_assertion(
    to: &Transaction<'_>,
    tenant: i64,
    row: &AssertionRow,
) -> Result<(), StoreError> {
    // Whether it is the first use was decided before.
    let sql = "INSERT OR IGNORE INTO assertions (tenant, agent, name, until) VALUES (?, ?, ?, ?)";
    cached(to, sql)?.execute(params![tenant, row.agent.as_str(), row.name, nanos(row.until)])?;
    Ok(())
}

pub(super) fn read_assertion(row: &rusqlite::Row<'_>) -> rusqlite::Result<AssertionRow> {
    let agent = Name::from(row.get::<_, String>(0)?);
    Ok(AssertionRow { agent, name: row.get(1)?, until: Timestamp::from_nanos(natural(row.get(2)?)) })
}

/// What was decided for an agent so far.
pub(super) fn counts(db: &Connection, tenant: i64, agent: &str) -> Result<AgentCounts, StoreError> {
    let sql = "SELECT permits, denials, holds, records, last_seen FROM agents WHERE tenant = ? AND id = ?";
    let counts = db.prepare_cached(sql)?.query_row(params![tenant, agent], |row| {
        let last_seen: Option<i64> = row.get(4)?;
        Ok(AgentCounts {
            permits: natural(row.get(0)?),
            denials: natural(row.get(1)?),
            holds: natural(row.get(2)?),
            records: natural(row.get(3)?),
            last_seen: last_seen.map(|at| Timestamp::from_nanos(natural(at))),
        })
    });
    Ok(counts.optional()?.unwrap_or_default())
}

/// Records of an agent's decisions, newest first. The hash of the record before is not among what is read.
pub(super) fn records(
    db: &Connection,
    tenant: i64,
    agent: &str,
    (skip, most): (u64, usize),
) -> Result<Vec<RecordRow>, StoreError> {
    let Some(no) = number(db, tenant, agent)? else { return Ok(Vec::new()) };
    let sql = "SELECT id, at, body, hash FROM records WHERE id IN \
               (SELECT seq + ?2 FROM agent_records WHERE agent = ?1 ORDER BY seq DESC LIMIT ?4 OFFSET ?3) \
               ORDER BY id DESC";
    let mut statement = db.prepare_cached(sql)?;
    let first = record_id(tenant, 0);
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![no, first, integer(skip), most], |row| {
        let at = Timestamp::from_nanos(natural(row.get(1)?));
        let seq = natural(row.get::<_, i64>(0)? - first);
        Ok(RecordRow { seq, at, body: row.get(2)?, prev: [0; 32], hash: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn number(db: &Connection, tenant: i64, agent: &str) -> Result<Option<i64>, StoreError> {
    let mut statement = db.prepare_cached("SELECT no FROM agents WHERE tenant = ? AND id = ?")?;
    Ok(statement.query_row(params![tenant, agent], |row| row.get(0)).optional()?)
}
