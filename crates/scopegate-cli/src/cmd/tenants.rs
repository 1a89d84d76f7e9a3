//! `scopegate tenants`: whose agents a plane decides for.

use scopegate_server::setup::{self, BASELINE, Dialect};
use scopegate_server::store::{Archive as _, TenantId};
use serde_json::json;

use super::data::Data;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output, listing};

/// Make and list the tenants of a plane
///
/// Nothing of one tenant is ever seen by another. Works on the plane's data folder, whether the
/// plane runs or not.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  scopegate tenants create acme
  scopegate tenants create agents --dialect xybern
  scopegate keys create --tenant acme --kind admin
  scopegate tenants list")]
pub(crate) struct Tenants {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a tenant
    Create {
        /// 1 to 63 of a-z, 0-9, `-` and `_`
        name: String,
        /// Whose clients it is for; with `xybern` its agents may do whatever nobody forbids, by a role
        /// `xybern-baseline` that you can change or delete
        #[arg(long, value_parser = ["scopebound", "xybern"], default_value = "scopebound")]
        dialect: String,
    },
    /// List tenants
    List,
}

impl Tenants {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            Action::Create { name, dialect } => {
                let tenant = TenantId::parse(name).map_err(Failure::usage)?;
                let (mut store, now) = self.data.open()?;
                let dialect = dialect_of(&dialect);
                setup::create_tenant(&mut store, tenant.clone(), dialect, now).map_err(Failure::usage)?;
                if dialect == Dialect::Xybern {
                    output::message(&format!("role `{BASELINE}` lets its agents do whatever nobody forbids"));
                }
                output::message(&format!(
                    "tenant `{tenant}`; `scopegate keys create --tenant {tenant}` makes its keys"
                ));
            }
            Action::List => list(&self.data, output)?,
        }
        Ok(Exit::Ok)
    }
}

/// The dialect of its name.
pub(super) fn dialect_of(name: &str) -> Dialect {
    if name == "xybern" { Dialect::Xybern } else { Dialect::Scopebound }
}

fn list(data: &Data, output: &mut Output) -> Result<(), Failure> {
    let tenants = data.archive()?.access().map_err(Failure::no_answer)?.tenants;
    let mut table = listing(["tenant", "since"]);
    for row in tenants {
        if output.is_json() {
            output.json(&json!({ "name": row.tenant, "created_at": row.created_at }))?;
        } else {
            table.add_row([row.tenant.to_string(), row.created_at.to_string()]);
        }
    }
    if output.is_json() { Ok(()) } else { output.page(table) }
}
