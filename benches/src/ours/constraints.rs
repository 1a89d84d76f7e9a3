//! The six constraints alone, on arguments that have been read.

use scopegate_core::Args;
use scopegate_core::constraint::Program;
use scopegate_core::json::{Json, JsonRef};

use super::agent;
use crate::harness::Item;
use crate::workload::{self, Case};

pub(super) fn items() -> Vec<Item> {
    [Case::Allow, Case::DenyArg].map(check).into()
}

fn check(case: Case) -> Item {
    let build = move || {
        let role = agent::role(0, 3);
        let constraints = role.parameter_constraints.get(workload::CONSTRAINED_TOOL);
        let program = Program::compile(constraints.ok_or("a payment without constraints")?)?;
        Ok((program, agent::call(case).args))
    };
    let holds = |(program, args): &mut (Program, Args)| match args.get().map(JsonRef::get) {
        Some(Json::Object(members)) => program.check(&members).is_ok(),
        _ => false,
    };
    let name = format!("ours/constraints/{}", case.name());
    Item::new(name, build, holds, move |holds| *holds == case.allowed())
}
