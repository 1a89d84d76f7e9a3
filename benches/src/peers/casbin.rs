//! casbin's cached enforcer, asked what it has been asked before: its fastest answer.
//!
//! Days, rows, approvals and rate limits are left out of the request, in its favour.

use casbin::{CachedEnforcer, CoreApi, DefaultModel, MemoryAdapter, MgmtApi};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::harness::Item;
use crate::workload::{self, Call, Case};

const PAYMENT: &str = r#"r.args.amount > 0 && r.args.amount < 10000
    && (r.args.currency == "USD" || r.args.currency == "EUR" || r.args.currency == "GBP")
    && r.args.method == "sepa" && regexMatch(r.args.memo, "invoice")
    && regexMatch(r.args.vendor_id, "^VND-[0-9]{6}$")"#;

pub(super) fn items() -> Vec<Item> {
    let case = Case::Allow;
    let build = move || {
        let call = workload::call(case);
        let args = Args::deserialize(&call.args)?;
        Ok((enforcer()?, call, args))
    };
    let enforce = |(enforcer, call, args): &mut (CachedEnforcer, Call, Args)| {
        enforcer.enforce((call.role.as_str(), call.tool.as_str(), call.env.as_str(), call.hour, &*args))
    };
    let holds = move |answer: &casbin::Result<bool>| matches!(answer, Ok(yes) if *yes == case.allowed());
    vec![Item::new(format!("casbin/cached/{}", case.name()), build, enforce, holds)]
}

/// The arguments as a type, because casbin hashes what it caches.
#[derive(Clone, Debug, Hash, Serialize, Deserialize)]
struct Args {
    vendor_id: String,
    amount: i64,
    currency: String,
    method: String,
    memo: String,
}

fn enforcer() -> Result<CachedEnforcer> {
    let rule = |tool: &str| match tool {
        workload::CONSTRAINED_TOOL => PAYMENT,
        workload::APPROVAL_TOOL => "false",
        _ => "true",
    };
    let granted = |tool: String| {
        let rule = rule(&tool).into();
        vec![workload::role(0), tool, rule]
    };
    let rules = workload::tools(3).into_iter().map(granted).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let model = DefaultModel::from_str(include_str!("casbin.conf")).await?;
        let mut enforcer = CachedEnforcer::new(model, MemoryAdapter::default()).await?;
        enforcer.add_policies(rules).await?;
        Ok(enforcer)
    })
}
