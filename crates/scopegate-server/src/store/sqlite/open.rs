//! Opening a data folder, as its plane or beside it.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use scopegate_engine::Durability;

use super::{SqliteStore, schema};
use crate::audit;
use crate::store::StoreError;
use crate::store::files::{self, private};

const FILE: &str = "scopegate.db";
/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(5);

impl SqliteStore {
    /// Opens a data folder as its plane, and makes it if it is not there.
    ///
    /// # Errors
    /// [`StoreError`]: another plane has it, a newer program wrote it, or it cannot be used.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        files::make_folder(folder.as_ref())?;
        let lock = files::lock(folder.as_ref())?;
        Self::with(folder.as_ref(), Some(lock))
    }

    /// Opens a data folder beside its plane, whether that runs or not, and makes it if it is not
    /// there: for tenants and keys. Decisions are only recorded by the plane.
    ///
    /// # Errors
    /// As for `open`; also when a plane of an older version is running.
    pub fn beside(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        files::make_folder(folder.as_ref())?;
        Self::with(folder.as_ref(), None)
    }

    fn with(folder: &Path, lock: Option<File>) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        let io = |error| StoreError::Io(path.clone(), error);
        // SQLite gives its other files the permissions of this one.
        private(OpenOptions::new().create(true).truncate(false).write(true)).open(&path).map_err(io)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut db = Connection::open_with_flags(&path, flags)?;
        db.busy_timeout(PATIENCE)?;
        refuse_foreign(&db, &path)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", true)?;
        db.set_prepared_statement_cache_capacity(64);
        if schema::version(&db)? != Some(schema::newest()) {
            // Two processes may start at once; only one of them changes tables, and no plane runs.
            let held = if lock.is_none() { Some(files::lock(folder)?) } else { None };
            schema::migrate(&mut db)?;
            drop(held);
        }
        files::sync_folder(folder).map_err(|error| StoreError::Io(folder.to_path_buf(), error))?;
        let seed = seed(folder, &db)?;
        let seen = db.query_row("PRAGMA data_version", [], |row| row.get(0))?;
        Ok(Self {
            db,
            folder: folder.to_path_buf(),
            lock,
            seed,
            tenants: std::collections::HashMap::new(),
            durability: Durability::Durable,
            unsynced: false,
            seen,
        })
    }

    /// The public key that verifies the checkpoints of a chain.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the chain has no name that can stand in a checkpoint.
    pub fn public_key(&self, chain: &str) -> Result<audit::NoteKey, StoreError> {
        audit::public_key(chain, &self.seed).map_err(|error| StoreError::Damaged(error.to_string()))
    }

    /// Reads beside the writer, through a connection of its own.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be opened again.
    pub fn archive(&self) -> Result<super::SqliteArchive, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(self.folder.join(FILE), flags)?;
        db.busy_timeout(PATIENCE)?;
        Ok(super::SqliteArchive::new(db))
    }
}

fn refuse_foreign(db: &Connection, path: &Path) -> Result<(), StoreError> {
    match schema::version(db) {
        Ok(Some(version)) if version > schema::newest() => Err(StoreError::Newer(version, schema::newest())),
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(StoreError::Foreign(path.to_path_buf())),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            Err(StoreError::Foreign(path.to_path_buf()))
        }
        Err(error) => Err(error.into()),
    }
}

/// The checkpoint key. The store remembers its public half, so that a lost key file does not
/// silently become another key.
fn seed(folder: &Path, db: &Connection) -> Result<[u8; 32], StoreError> {
    let known: Option<Vec<u8>> =
        db.query_row("SELECT value FROM facts WHERE name = 'signer'", [], |row| row.get(0)).optional()?;
    let path = folder.join("checkpoint.key");
    if known.is_some() && !path.exists() {
        return Err(StoreError::Damaged(format!("{} is missing: put it back", path.display())));
    }
    let seed = audit::seed(folder).map_err(|error| StoreError::Io(path.clone(), error))?;
    let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes();
    match known {
        Some(known) if known != public => {
            Err(StoreError::Damaged(format!("{} is not the key that signed so far", path.display())))
        }
        Some(_) => Ok(seed),
        None => {
            db.execute("INSERT INTO facts (name, value) VALUES ('signer', ?)", params![public])?;
            Ok(seed)
        }
    }
}
