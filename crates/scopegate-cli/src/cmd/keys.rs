//! `scopegate keys`: who may speak to a plane.

use scopegate_core::Timestamp;
use scopegate_server::keys::{Kind, Prefix};
use scopegate_server::setup::{self, KeyOrder};
use scopegate_server::store::{Archive as _, KeyRow, TenantId};
use serde_json::json;

use super::data::Data;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output, listing};
use crate::reveal::reveal;
use crate::when::When;

/// Make, list and revoke the API keys of a plane
///
/// Works on the plane's data folder, whether the plane runs or not. A running plane takes up a new
/// key at once and a revoked one within a second.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  scopegate keys create --kind agent --name invoice-bot --expires 90d
  scopegate keys list
  scopegate keys revoke 3hTq0ZkV9aXc
  scopegate keys rotate-signing")]
pub(crate) struct Keys {
    #[command(flatten)]
    data: Data,
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
    List {
        /// Only those of this tenant
        #[arg(long, value_name = "NAME")]
        tenant: Option<String>,
    },
    /// End a key; its sessions end with it
    Revoke {
        /// The key's id: the 12 letters and digits in the middle of its secret
        id: String,
    },
    /// Make the next key that signs session tokens, before the month of the last one is over
    ///
    /// It is published at /.well-known/jwks.json at once and signs after ten minutes, so that whoever
    /// verifies tokens knows it by then. Tokens of the keys before stay good until they expire.
    RotateSigning,
}

#[derive(Debug, clap::Args)]
struct Create {
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
    /// When it ends by itself: after a length (90d, 12h) or at a date (2027-01-31, UTC); never unless
    /// given
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    expires: Option<When>,
}

impl Keys {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            Action::Create(create) => create.run(&self.data, output),
            Action::List { tenant } => list(&self.data, tenant.as_deref(), output),
            Action::Revoke { id } => {
                let (mut store, now) = self.data.open()?;
                setup::revoke_key(&mut store, &id, now).map_err(Failure::usage)?;
                output::message(&format!("key {id} is revoked"));
                Ok(Exit::Ok)
            }
            Action::RotateSigning => rotate_signing(&self.data, output),
        }
    }
}

impl Create {
    fn run(self, data: &Data, output: &mut Output) -> Result<Exit, Failure> {
        let (mut store, now) = data.open()?;
        let expires_at = match self.expires {
            None => None,
            Some(when) => Some(when.from(now).ok_or_else(|| Failure::usage("--expires lies in the past"))?),
        };
        let order = KeyOrder {
            tenant: TenantId::parse(self.tenant).map_err(Failure::usage)?,
            kind: Kind::parse(&self.kind).ok_or_else(|| Failure::usage("unknown kind"))?,
            name: self.name,
            prefix: Prefix::parse(&self.prefix).unwrap_or_default(),
            expires_at,
        };
        let kind = order.kind;
        let key = setup::create_key(&mut store, order, now).map_err(Failure::usage)?;
        if output.is_json() {
            output.json(&json!({
                "id": key.id, "kind": kind.word(), "secret": key.secret, "expires_at": expires_at,
            }))?;
        } else {
            output.line(&key.secret)?;
            let end = expires_at.map(|at| format!(", good until {at}")).unwrap_or_default();
            output::message(&format!("key {} of kind {kind}{end}; its secret is not shown again", key.id));
        }
        Ok(Exit::Ok)
    }
}

fn rotate_signing(data: &Data, output: &mut Output) -> Result<Exit, Failure> {
    let (mut store, now) = data.open()?;
    let next = setup::rotate_signing_key(&mut store, now).map_err(Failure::usage)?;
    if output.is_json() {
        output.json(&json!({ "id": next.id, "signs_from": next.signs_from }))?;
    } else {
        output.line(&next.id)?;
        output::message(&format!("key {} signs session tokens from {} on", next.id, next.signs_from));
    }
    Ok(Exit::Ok)
}

fn list(data: &Data, tenant: Option<&str>, output: &mut Output) -> Result<Exit, Failure> {
    let (store, now) = data.open()?;
    let mut keys = store.archive().and_then(|archive| archive.access()).map_err(Failure::no_answer)?.keys;
    keys.retain(|key| tenant.is_none_or(|tenant| key.tenant.as_str() == tenant));
    keys.sort_by(|a, b| (&a.tenant, a.created_at).cmp(&(&b.tenant, b.created_at)));
    let mut table = listing(["key", "tenant", "kind", "name", "made", "state"]);
    for key in &keys {
        match output.is_json() {
            true => output.json(&json!({
                "id": key.id, "tenant": key.tenant, "kind": key.kind, "name": key.name,
                "created_at": key.created_at, "expires_at": key.expires_at, "revoked_at": key.revoked_at,
            }))?,
            false => drop(table.add_row(row(key, now))),
        }
    }
    if !output.is_json() {
        output.page(table)?;
    }
    Ok(Exit::Ok)
}

fn row(key: &KeyRow, now: Timestamp) -> [String; 6] {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked at {at}"),
        (None, Some(end)) if end <= now => format!("expired at {end}"),
        (None, Some(end)) => format!("good until {end}"),
        (None, None) => "good".to_owned(),
    };
    let name = reveal(key.name.as_deref().unwrap_or("-"));
    let (id, tenant, kind) = (key.id.to_string(), key.tenant.to_string(), key.kind.to_string());
    [id, tenant, kind, name, key.created_at.to_string(), state]
}
