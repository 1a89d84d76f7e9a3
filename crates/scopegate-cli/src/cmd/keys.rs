//! `scopegate keys`: who may speak to a plane.

use std::path::PathBuf;

use scopegate_engine::{Clock as _, SystemClock};
use scopegate_server::keys::{Kind, Prefix};
use scopegate_server::setup::{self, KeyOrder};
use scopegate_server::store::{SqliteStore, Store, TenantId};
use serde_json::json;

use crate::exit::{Exit, Failure};
use crate::output::{self, Output};

/// Make, list and revoke the API keys of a plane
///
/// Works on the plane's data folder, whether the plane runs or not. A running plane takes up a new
/// key at once and a revoked one within a second.
#[derive(Debug, clap::Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key and print its secret, alone, on standard output
    ///
    /// The secret is shown once and kept nowhere. Kinds exclude each other, so that whoever acts
    /// cannot also agree; `dev` does everything, for development, and every record says so.
    #[command(after_help = "\
Examples:
  scopegate keys create --tenant default --kind agent --name invoice-bot
  export SCOPEBOUND_API_KEY=$(scopegate keys create --kind dev)")]
    Create(Create),
    /// List keys; secrets are not kept, so none is shown
    List(Place),
    /// End a key; its sessions end with it
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The plane's data folder; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "./scopegate-data")]
    data: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Create {
    #[command(flatten)]
    place: Place,
    /// Whose key
    #[arg(long, value_name = "NAME", default_value = "default")]
    tenant: String,
    /// What it may do
    #[arg(long, value_parser = ["agent", "admin", "approver", "auditor", "breakglass", "dev"])]
    kind: String,
    /// Who holds it; nobody decides on a held call of the same name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How the secret begins
    #[arg(long, default_value = "sb-", value_parser = ["sb-", "xb_"], allow_hyphen_values = true)]
    prefix: String,
}

#[derive(Debug, clap::Args)]
struct Revoke {
    #[command(flatten)]
    place: Place,
    /// The key's id: the 12 letters and digits in the middle of its secret
    id: String,
}

impl Keys {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            Action::Create(create) => create.run(output),
            Action::List(place) => list(&place, output),
            Action::Revoke(revoke) => revoke.run(),
        }
    }
}

impl Create {
    fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let mut store = open(&self.place)?;
        let order = KeyOrder {
            tenant: TenantId::parse(self.tenant).map_err(Failure::usage)?,
            kind: Kind::parse(&self.kind).ok_or_else(|| Failure::usage("unknown kind"))?,
            name: self.name,
            prefix: Prefix::parse(&self.prefix).unwrap_or_default(),
            expires_at: None,
        };
        let kind = order.kind;
        let key = setup::create_key(&mut store, order, SystemClock::new().now()).map_err(Failure::usage)?;
        if output.is_json() {
            output.json(&json!({ "id": key.id, "kind": kind.word(), "secret": key.secret }))?;
        } else {
            output.line(&key.secret)?;
            output::message(&format!("key {} of kind {kind}; its secret is not shown again", key.id));
        }
        Ok(Exit::Ok)
    }
}

impl Revoke {
    fn run(self) -> Result<Exit, Failure> {
        let mut store = open(&self.place)?;
        setup::revoke_key(&mut store, &self.id, SystemClock::new().now()).map_err(Failure::usage)?;
        output::message(&format!("key {} is revoked", self.id));
        Ok(Exit::Ok)
    }
}

fn list(place: &Place, output: &mut Output) -> Result<Exit, Failure> {
    let state = open(place)?.load().map_err(Failure::no_answer)?;
    let keys = state.tenants.iter().flat_map(|tenant| &tenant.keys);
    if output.is_json() {
        for key in keys {
            output.json(&json!({
                "id": key.id, "tenant": key.tenant, "kind": key.kind, "name": key.name,
                "created_at": key.created_at, "revoked_at": key.revoked_at,
            }))?;
        }
        return Ok(Exit::Ok);
    }
    for key in keys {
        let state = key.revoked_at.map_or_else(|| "good".to_owned(), |at| format!("revoked at {at}"));
        let name = key.name.as_deref().unwrap_or("-").escape_debug().to_string();
        output.line(format!(
            "{}  {:10}  {:10}  {name:20}  {state}",
            key.id,
            key.tenant.as_str(),
            key.kind
        ))?;
    }
    Ok(Exit::Ok)
}

/// The store beside its plane, with what every store has.
fn open(place: &Place) -> Result<SqliteStore, Failure> {
    open_at(&place.data)
}

pub(super) fn open_at(data: &std::path::Path) -> Result<SqliteStore, Failure> {
    let mut store = SqliteStore::beside(data).map_err(Failure::no_answer)?;
    setup::first_tenant(&mut store, SystemClock::new().now()).map_err(Failure::no_answer)?;
    Ok(store)
}
