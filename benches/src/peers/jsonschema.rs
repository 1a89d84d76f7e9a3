//! jsonschema: the six conditions on the arguments alone, parsed JSON in.

use ::jsonschema::Validator;
use serde_json::{Value, json};

use crate::harness::Item;
use crate::workload::{self, Case};

pub(super) fn items() -> Vec<Item> {
    [Case::Allow, Case::DenyArg].map(check).into()
}

fn check(case: Case) -> Item {
    let build = move || Ok((::jsonschema::validator_for(&schema())?, workload::arguments(case)));
    let valid = |(validator, args): &mut (Validator, Value)| validator.is_valid(args);
    Item::new(format!("jsonschema/{}", case.name()), build, valid, move |valid| *valid == case.allowed())
}

fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["vendor_id", "amount", "currency", "method", "memo"],
        "properties": {
            "vendor_id": {"type": "string", "pattern": workload::VENDOR_PATTERN},
            "amount": {
                "type": "number",
                "exclusiveMinimum": workload::AMOUNT_ABOVE,
                "exclusiveMaximum": workload::AMOUNT_BELOW,
            },
            "currency": {"enum": workload::CURRENCIES},
            "method": {"const": workload::METHOD},
            "memo": {"type": "string", "pattern": workload::MEMO_PART},
        },
    })
}
