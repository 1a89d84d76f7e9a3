//! `scopegate tenants`: whose agents a plane decides for.

use std::path::PathBuf;

use scopegate_engine::{Clock as _, SystemClock};
use scopegate_server::setup;
use scopegate_server::store::{Store, TenantId};
use serde_json::json;

use super::keys::open_at;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};

/// Make and list the tenants of a plane
///
/// Nothing of one tenant is ever seen by another. Works on the plane's data folder, whether the
/// plane runs or not.
#[derive(Debug, clap::Args)]
pub(crate) struct Tenants {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a tenant
    #[command(after_help = "\
Examples:
  scopegate tenants create acme
  scopegate keys create --tenant acme --kind admin")]
    Create {
        /// 1 to 63 of a-z, 0-9, `-` and `_`
        name: String,
        /// The plane's data folder; made if it is not there
        #[arg(long, value_name = "DIR", default_value = "./scopegate-data")]
        data: PathBuf,
    },
    /// List tenants
    List {
        /// The plane's data folder; made if it is not there
        #[arg(long, value_name = "DIR", default_value = "./scopegate-data")]
        data: PathBuf,
    },
}

impl Tenants {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            Action::Create { name, data } => {
                let tenant = TenantId::parse(name).map_err(Failure::usage)?;
                let now = SystemClock::new().now();
                setup::create_tenant(&mut open_at(&data)?, tenant.clone(), now).map_err(Failure::usage)?;
                output::message(&format!(
                    "tenant `{tenant}`; `scopegate keys create --tenant {tenant}` makes its keys"
                ));
            }
            Action::List { data } => {
                for tenant in open_at(&data)?.load().map_err(Failure::no_answer)?.tenants {
                    let row = tenant.tenant;
                    if output.is_json() {
                        output.json(&json!({ "name": row.tenant, "created_at": row.created_at }))?;
                    } else {
                        output.line(format!("{:20}  since {}", row.tenant.as_str(), row.created_at))?;
                    }
                }
            }
        }
        Ok(Exit::Ok)
    }
}
