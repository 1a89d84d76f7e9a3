//! Cedar: three policies in all, and each role's limits on its entity. One policy a role would not scale.

use std::str::FromStr;
use std::sync::Arc;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
};
use serde_json::{Value, json};

use crate::Result;
use crate::harness::Item;
use crate::workload::{self, Call, Case};

pub(super) fn items() -> Vec<Item> {
    let holds = |case: Case| move |answer: &Result<bool>| matches!(answer, Ok(yes) if *yes == case.allowed());
    let prebuilt = |case: Case| {
        let build = move || {
            let cedar = Cedar::new()?;
            let request = cedar.request(workload::call(case))?;
            Ok((cedar, request))
        };
        let decide = |(cedar, request): &mut (Cedar, Request)| Ok(cedar.decide(request));
        Item::new(format!("cedar/prebuilt/{}", case.name()), build, decide, holds(case))
    };
    let from_json = |case: Case| {
        let build = move || Ok((Cedar::new()?, workload::call_json(case)?));
        let decide = |(cedar, call): &mut (Cedar, String)| cedar.decide_json(call);
        Item::new(format!("cedar/json/{}", case.name()), build, decide, holds(case))
    };
    Case::ALL.into_iter().map(prebuilt).chain([from_json(Case::Allow)]).collect()
}

/// Decides on the workload's call as it comes over HTTP.
///
/// # Errors
/// When the policies do not parse.
pub fn route() -> Result<axum::routing::MethodRouter> {
    let cedar = Arc::new(Cedar::new()?);
    Ok(axum::routing::post(move |call: String| {
        let allowed = cedar.decide_json(&call).unwrap_or(false);
        std::future::ready(axum::Json(json!({ "decision": if allowed { "allow" } else { "deny" } })))
    }))
}

struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    role: EntityTypeName,
    action: EntityTypeName,
    resource: EntityUid,
}

impl Cedar {
    fn new() -> Result<Self> {
        Ok(Self {
            authorizer: Authorizer::new(),
            policies: PolicySet::from_str(include_str!("gate.cedar"))?,
            entities: Entities::from_json_value(entities(), None)?,
            role: EntityTypeName::from_str("Role")?,
            action: EntityTypeName::from_str("Action")?,
            resource: EntityUid::from_str(r#"Server::"erp""#)?,
        })
    }

    fn request(&self, call: Call) -> Result<Request> {
        let context = json!({
            "env": call.env,
            "hour": call.hour,
            "dow": call.dow,
            "rows": call.rows,
            "approved": call.approved,
            "args": call.args,
        });
        let role = EntityUid::from_type_name_and_id(self.role.clone(), EntityId::new(call.role));
        let tool = EntityUid::from_type_name_and_id(self.action.clone(), EntityId::new(call.tool));
        let context = Context::from_json_value(context, None)?;
        Ok(Request::new(role, tool, self.resource.clone(), context, None)?)
    }

    fn decide(&self, request: &Request) -> bool {
        let answer = self.authorizer.is_authorized(request, &self.policies, &self.entities);
        answer.decision() == Decision::Allow
    }

    fn decide_json(&self, call: &str) -> Result<bool> {
        Ok(self.decide(&self.request(serde_json::from_str(call)?)?))
    }
}

/// The role, whose parent is the base role that it inherits from.
fn entities() -> Value {
    let base = json!({"type": "Role", "id": "base-agent"});
    let action = |tool: &str| json!({"__entity": {"type": "Action", "id": tool}});
    let limits = json!({
        "plain": [action(workload::PLAIN_TOOL)],
        "tools": workload::tools(3).iter().map(|tool| action(tool)).collect::<Vec<_>>(),
        "envs": workload::ENVIRONMENTS,
        "from": workload::HOURS.start,
        "to": workload::HOURS.end,
        "days": workload::DAYS.collect::<Vec<_>>(),
        "max_rows": workload::MAX_ROWS,
        "max_amount": workload::AMOUNT_BELOW,
        "currencies": workload::CURRENCIES,
        "method": workload::METHOD,
    });
    json!([
        {"uid": {"type": "Role", "id": workload::role(0)}, "attrs": limits, "parents": [base]},
        {"uid": base, "attrs": {}, "parents": []},
    ])
}
