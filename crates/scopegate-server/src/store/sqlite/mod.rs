//! SQLite: one file, one writer, group commit.

mod agents;
mod archive;
mod commit;
mod decisions;
mod documents;
mod forget;
mod load;
mod open;
mod schema;
mod witness;

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension as _, params};
use scopegate_core::Timestamp;
use scopegate_engine::Durability;

pub use self::archive::SqliteArchive;
use super::{Access, Change, State, Store, StoreError, TenantId};
use crate::audit::Log;

/// The store of a plane, in a folder of its own.
pub struct SqliteStore {
    db: Connection,
    folder: PathBuf,
    /// Held while this is the plane's own store; without it nothing is recorded.
    lock: Option<File>,
    seed: [u8; 32],
    tenants: HashMap<TenantId, Tenant>,
    /// What the connection is set to.
    durability: Durability,
    /// Whether something was committed that is not synced.
    unsynced: bool,
    /// SQLite's count of what others wrote.
    seen: i64,
}

/// A tenant's number in the tables, and the end of its log.
#[derive(Debug)]
struct Tenant {
    no: i64,
    log: Log,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Store for SqliteStore {
    fn load(&mut self) -> Result<State, StoreError> {
        self.load_state()
    }

    fn access(&mut self) -> Result<Access, StoreError> {
        archive::access(&self.db)
    }

    fn commit(&mut self, batch: &[Change], durability: Durability) -> Result<(), StoreError> {
        self.commit_batch(batch, durability)
    }

    fn checkpoint(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.sign_logs(now)
    }

    fn forget(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        self.forget_old(now)
    }

    fn changed_elsewhere(&mut self) -> Result<bool, StoreError> {
        let now = self.db.query_row("PRAGMA data_version", [], |row| row.get(0))?;
        Ok(std::mem::replace(&mut self.seen, now) != now)
    }
}

impl SqliteStore {
    /// Sets when commits reach the disk.
    fn set_durability(&mut self, durability: Durability) -> Result<(), StoreError> {
        if self.durability != durability {
            let level = match durability {
                Durability::Durable => "FULL",
                Durability::Buffered => "NORMAL",
            };
            self.db.pragma_update(None, "synchronous", level)?;
            self.durability = durability;
        }
        Ok(())
    }

    /// A tenant, also one that another process made since the start.
    fn tenant(&mut self, id: &TenantId) -> Result<&mut Tenant, StoreError> {
        if !self.tenants.contains_key(id) {
            let row = self
                .db
                .query_row("SELECT no, chain FROM tenants WHERE tenant = ?", params![id.as_str()], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
                })
                .optional()?;
            let (no, chain) = row.ok_or_else(|| StoreError::UnknownTenant(id.clone()))?;
            let log = self.load_log(id, no, &chain)?;
            self.tenants.insert(id.clone(), Tenant { no, log });
        }
        self.tenants.get_mut(id).ok_or_else(|| StoreError::UnknownTenant(id.clone()))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::ConstraintViolation) => Self::Conflict(error.to_string()),
            _ => Self::Database(Box::new(error)),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Times as SQLite has them; later than its largest number is as late as it goes.
fn nanos(time: Timestamp) -> i64 {
    integer(time.nanos())
}

/// A number as SQLite has it; too large ones become its largest.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as it was stored.
fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A time as it was stored.
fn nanos_of(number: i64) -> Timestamp {
    Timestamp::from_nanos(natural(number))
}

/// The number of a record in the table: the tenant's, then the place in its chain.
fn record_id(tenant: i64, seq: u64) -> i64 {
    (tenant << 40) | integer(seq)
}
