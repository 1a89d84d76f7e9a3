//! regorus: Rego compiled for its virtual machine, once with the conditions written out and once as data.

use std::sync::Arc;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::RegoVM;
use regorus::{Engine, Value};
use serde_json::json;

use crate::Result;
use crate::harness::Item;
use crate::workload::{self, Case};

const ENTRY: &str = "data.gate.allow";

pub(super) fn items() -> Vec<Item> {
    let policies = [("fixed", include_str!("fixed.rego")), ("generic", include_str!("generic.rego"))];
    policies.into_iter().flat_map(|(name, policy)| variants(name, policy)).collect()
}

fn variants(name: &str, policy: &'static str) -> Vec<Item> {
    let holds = |case: Case| {
        let expected = Value::from(case.allowed());
        move |answer: &Result<Value>| matches!(answer, Ok(value) if *value == expected)
    };
    let prebuilt = |case: Case| {
        let build = move || Ok((machine(policy)?, Value::from_json_str(&workload::call_json(case)?)?));
        let decide = |(vm, input): &mut (RegoVM, Value)| decide(vm, input.clone());
        Item::new(format!("regorus/{name}/prebuilt/{}", case.name()), build, decide, holds(case))
    };
    let from_json = |case: Case| {
        let build = move || Ok((machine(policy)?, workload::call_json(case)?));
        let decide = |(vm, call): &mut (RegoVM, String)| decide(vm, Value::from_json_str(call)?);
        Item::new(format!("regorus/{name}/json/{}", case.name()), build, decide, holds(case))
    };
    Case::ALL.into_iter().map(prebuilt).chain([from_json(Case::Allow)]).collect()
}

fn decide(vm: &mut RegoVM, input: Value) -> Result<Value> {
    vm.set_input(input);
    Ok(vm.execute_entry_point_by_index(0)?)
}

/// A machine that has the policy and the role loaded.
fn machine(policy: &str) -> Result<RegoVM> {
    let data = Value::from_json_str(&data().to_string())?;
    let mut engine = Engine::new();
    engine.add_policy("gate.rego".into(), policy.into())?;
    engine.add_data(data.clone())?;
    let compiled = engine.compile_with_entrypoint(&Arc::from(ENTRY))?;
    let mut vm = RegoVM::new();
    vm.load_program(Compiler::compile_from_policy(&compiled, &[ENTRY])?);
    vm.set_data(data)?;
    Ok(vm)
}

/// The role. Sets are objects, and the days a list of flags, so that each test is a look-up.
fn data() -> serde_json::Value {
    fn set<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> serde_json::Value {
        keys.into_iter().map(|key| (key.into(), true.into())).collect::<serde_json::Map<_, _>>().into()
    }
    let role = json!({
        "tools": set(workload::tools(3)),
        "envs": set(workload::ENVIRONMENTS),
        "from": workload::HOURS.start,
        "to": workload::HOURS.end,
        "days": (0..7).map(|day| workload::DAYS.contains(&day)).collect::<Vec<_>>(),
        "max_rows": workload::MAX_ROWS,
        "max_amount": workload::AMOUNT_BELOW,
        "currencies": set(workload::CURRENCIES),
        "method": workload::METHOD,
        "approval": set([workload::APPROVAL_TOOL]),
        "constraints": {workload::CONSTRAINED_TOOL: [
            {"op": "gt", "field": "amount", "value": workload::AMOUNT_ABOVE},
            {"op": "lt", "field": "amount", "value": workload::AMOUNT_BELOW},
            {"op": "in", "field": "currency", "value": set(workload::CURRENCIES)},
            {"op": "eq", "field": "method", "value": workload::METHOD},
            {"op": "contains", "field": "memo", "value": workload::MEMO_PART},
            {"op": "regex", "field": "vendor_id", "value": workload::VENDOR_PATTERN},
        ]},
    });
    json!({"roles": {workload::role(0): role}})
}
