//! `scopegate audit key`: what verifies a plane's log.

use scopegate_server::store::{Archive as _, TenantId};
use serde_json::json;

use crate::cmd::data::Data;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Print the public key that verifies a tenant's log
///
/// Whoever verifies exports keeps it, from the time the plane was set up, somewhere that whoever runs the plane
/// cannot write.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  scopegate audit key > log.key
  scopegate audit verify log.jsonl --key log.key")]
pub(super) struct Key {
    #[command(flatten)]
    data: Data,
    /// Whose log
    #[arg(long, value_name = "NAME", default_value = "default")]
    tenant: String,
}

impl Key {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let tenant = TenantId::parse(self.tenant).map_err(Failure::usage)?;
        let archive = self.data.archive()?;
        let tenants = archive.access().map_err(Failure::no_answer)?.tenants;
        let row = tenants.into_iter().find(|row| row.tenant == tenant);
        let row = row.ok_or_else(|| {
            Failure::usage(format!("no tenant `{tenant}`; `scopegate tenants list` shows them"))
        })?;
        let key = archive.public_key(&row.chain).map_err(Failure::no_answer)?;
        match output.is_json() {
            true => output.json(&json!({ "tenant": tenant, "chain": row.chain, "key": key.to_string() }))?,
            false => output.line(key)?,
        }
        Ok(Exit::Ok)
    }
}
