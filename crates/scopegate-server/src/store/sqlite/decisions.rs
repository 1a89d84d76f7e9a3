//! Decisions as people look for them, what agents said to each other, and trust: written with a batch, read
//! beside the writer.

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params, params_from_iter};
use scopegate_core::{Name, PermitId, Timestamp, Trust};

use super::commit::cached;
use super::{integer, nanos_of, natural, record_id};
use crate::store::{DecisionCounts, DecisionRow, RecordRow, StoreError, Verdict, Wanted};

/// Longer names of agents and actions are looked for by their beginning.
const MAX_NAME: usize = 128;

/// What a batch adds to counts, and the trust that it leaves.
#[derive(Default)]
pub(super) struct Noted<'a> {
    counts: HashMap<(i64, Verdict), u64>,
    trust: HashMap<(i64, &'a str), Trust>,
}

impl<'a> Noted<'a> {
    /// Notes a decision and where it stands; `of_agent` says that its owner is a registered agent.
    pub(super) fn note(
        &mut self,
        to: &Transaction<'_>,
        tenant: i64,
        row: &'a DecisionRow,
        (seq, of_agent): (u64, bool),
    ) -> Result<(), StoreError> {
        let (record, about) = (&row.record, &row.circumstances);
        if let (Some(owner), Some(moved)) = (&record.owner, record.trust) {
            self.trust.insert((tenant, owner), moved.is);
        }
        let Some(verdict) = Verdict::of(record.event).filter(|_| of_agent || about.asked.is_some()) else {
            return Ok(());
        };
        let owner = record.owner.as_deref().filter(|_| of_agent);
        let agent = owner.or(about.claimed.as_deref()).map(cut).unwrap_or_default();
        let sql = "INSERT INTO decisions (tenant, seq, session, number, verdict, agent, action, key) \
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
        cached(to, sql)?.execute(params![
            tenant,
            integer(seq),
            record.id.session.bits().to_be_bytes(),
            integer(record.id.number),
            verdict.number(),
            agent,
            record.tool.as_deref().map(cut).unwrap_or_default(),
            about.key.as_deref().unwrap_or_default(),
        ])?;
        *self.counts.entry((tenant, verdict)).or_default() += 1;
        if let Some(told) = &about.to {
            let sql = "INSERT OR IGNORE INTO communications (tenant, agent, seq) VALUES (?, ?, ?)";
            for agent in [agent, cut(told)].into_iter().filter(|agent| !agent.is_empty()) {
                cached(to, sql)?.execute(params![tenant, agent, integer(seq)])?;
            }
        }
        Ok(())
    }

    pub(super) fn write(&self, to: &Transaction<'_>) -> Result<(), StoreError> {
        let sql = "INSERT INTO decision_counts (tenant, verdict, decisions) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (tenant, verdict) DO UPDATE SET decisions = decisions + excluded.decisions";
        for ((tenant, verdict), more) in &self.counts {
            cached(to, sql)?.execute(params![tenant, verdict.number(), integer(*more)])?;
        }
        let sql = "INSERT OR REPLACE INTO trust (tenant, owner, tenths) VALUES (?, ?, ?)";
        for ((tenant, owner), trust) in &self.trust {
            cached(to, sql)?.execute(params![tenant, owner, trust.tenths()])?;
        }
        Ok(())
    }
}

/// How far owners were trusted at last.
pub(super) fn trust(db: &Connection, tenant: i64) -> Result<Vec<(Name, Trust)>, StoreError> {
    let mut statement = db.prepare("SELECT owner, tenths FROM trust WHERE tenant = ? ORDER BY owner")?;
    let mut rows = statement.query([tenant])?;
    let mut trust = Vec::new();
    while let Some(row) = rows.next()? {
        let (owner, tenths): (String, u16) = (row.get(0)?, row.get(1)?);
        let level = Trust::from_tenths(tenths)
            .ok_or_else(|| StoreError::Damaged(format!("the trust in `{owner}` is {tenths} tenths")))?;
        trust.push((owner.into(), level));
    }
    Ok(trust)
}

/// How many decisions came to what.
pub(super) fn counts(db: &Connection, tenant: i64) -> Result<DecisionCounts, StoreError> {
    let mut counts = DecisionCounts::default();
    let mut statement =
        db.prepare_cached("SELECT decisions FROM decision_counts WHERE tenant = ? AND verdict = ?")?;
    for verdict in Verdict::ALL {
        let count: Option<i64> =
            statement.query_row(params![tenant, verdict.number()], |row| row.get(0)).optional()?;
        *counts.of(verdict) = count.map_or(0, natural);
    }
    Ok(counts)
}

/// Decisions, newest first, without the first `skip`; and how many there are.
pub(super) fn find(
    db: &Connection,
    tenant: i64,
    wanted: &Wanted,
    (skip, most): (u64, usize),
) -> Result<(Vec<RecordRow>, u64), StoreError> {
    let (filter, values) = filter(tenant, wanted);
    let total = match wanted == &Wanted::default() {
        true => counts(db, tenant)?.total(),
        false => {
            let mut statement =
                db.prepare_cached(&format!("SELECT count(*) FROM decisions WHERE {filter}"))?;
            natural(statement.query_row(params_from_iter(&values), |row| row.get(0))?)
        }
    };
    let found = format!("SELECT seq FROM decisions WHERE {filter} ORDER BY seq DESC");
    Ok((page(db, tenant, (&found, values), total, (skip, most))?, total))
}

/// What agents said to an agent, and it to them.
pub(super) fn communications(
    db: &Connection,
    tenant: i64,
    agent: &str,
    slice: (u64, usize),
) -> Result<(Vec<RecordRow>, u64), StoreError> {
    let values = vec![Value::from(tenant), Value::from(cut(agent).to_owned())];
    let sql = "SELECT count(*) FROM communications WHERE tenant = ? AND agent = ?";
    let total = db.prepare_cached(sql)?.query_row(params_from_iter(&values), |row| row.get(0))?;
    let found = "SELECT seq FROM communications WHERE tenant = ? AND agent = ? ORDER BY seq DESC";
    Ok((page(db, tenant, (found, values), natural(total), slice)?, natural(total)))
}

/// One decision; the first of those that share an id, as counted denials of a client do.
pub(super) fn one(db: &Connection, tenant: i64, id: PermitId) -> Result<Option<RecordRow>, StoreError> {
    let found = "SELECT seq FROM decisions WHERE tenant = ? AND session = ? AND number = ? ORDER BY seq";
    let session = Value::Blob(id.session.bits().to_be_bytes().into());
    let values = vec![Value::from(tenant), session, Value::from(integer(id.number))];
    Ok(page(db, tenant, (found, values), u64::MAX, (0, 1))?.pop())
}

fn filter(tenant: i64, wanted: &Wanted) -> (String, Vec<Value>) {
    let (mut sql, mut values) = ("tenant = ?".to_owned(), vec![Value::from(tenant)]);
    let Wanted { verdict, action, agent, owner, key } = wanted;
    let texts = [("action", action), ("agent", agent), ("agent", owner), ("key", key)];
    for (column, text) in texts {
        if let Some(text) = text {
            sql.push_str(&format!(" AND {column} = ?"));
            values.push(Value::from(cut(text).to_owned()));
        }
    }
    if let Some(verdict) = verdict {
        sql.push_str(" AND verdict = ?");
        values.push(Value::from(i64::from(verdict.number())));
    }
    (sql, values)
}

/// The records that a look found, in its order. A page beyond the end is not looked for.
fn page(
    db: &Connection,
    tenant: i64,
    (found, mut values): (&str, Vec<Value>),
    total: u64,
    (skip, most): (u64, usize),
) -> Result<Vec<RecordRow>, StoreError> {
    if skip >= total {
        return Ok(Vec::new());
    }
    values.push(Value::from(i64::try_from(most).unwrap_or(i64::MAX)));
    values.push(Value::from(integer(skip)));
    let mut statement = db.prepare_cached(&format!("{found} LIMIT ? OFFSET ?"))?;
    let seqs = statement.query_map(params_from_iter(values), |row| row.get::<_, i64>(0))?;
    let seqs: Vec<i64> = seqs.collect::<Result<_, _>>()?;
    let mut statement = db.prepare_cached("SELECT at, body, hash FROM records WHERE id = ?")?;
    let record = |seq: i64| {
        let row = statement.query_row([record_id(tenant, natural(seq))], |row| {
            let at: Timestamp = nanos_of(row.get(0)?);
            Ok(RecordRow { seq: natural(seq), at, body: row.get(1)?, prev: [0; 32], hash: row.get(2)? })
        });
        Ok(row?)
    };
    seqs.into_iter().map(record).collect()
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_NAME)).unwrap_or_default()
}
