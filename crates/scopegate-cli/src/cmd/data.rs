//! The data folder of a plane, for what works beside it.

use std::path::PathBuf;

use scopegate_core::Timestamp;
use scopegate_engine::{Clock as _, SystemClock};
use scopegate_server::setup;
use scopegate_server::store::{SqliteArchive, SqliteStore};

use crate::exit::Failure;

/// Which plane.
#[derive(Debug, clap::Args)]
pub(crate) struct Data {
    /// The plane's data folder; made if it is not there
    #[arg(long, global = true, value_name = "DIR", default_value = "./scopegate-data")]
    pub(crate) data: PathBuf,
}

impl Data {
    /// The store beside its plane, with what every store has; and what time it is.
    pub(super) fn open(&self) -> Result<(SqliteStore, Timestamp), Failure> {
        let now = SystemClock::new().now();
        let mut store = SqliteStore::beside(&self.data).map_err(Failure::no_answer)?;
        setup::first_tenant(&mut store, now).map_err(Failure::no_answer)?;
        Ok((store, now))
    }

    /// For whoever only reads.
    pub(super) fn archive(&self) -> Result<SqliteArchive, Failure> {
        self.open()?.0.archive().map_err(Failure::no_answer)
    }
}
