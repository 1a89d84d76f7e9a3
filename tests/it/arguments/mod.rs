//! Hostile arguments, through the whole engine: what is missing, malformed or merely odd is refused.

mod fields;
mod hosts;
mod names;
mod operators;
mod paths;
mod reader;

use serde_json::{Value, json};

use crate::engine::{World, call};

/// An enforcer whose one role allows `t` under these constraints.
fn guarded(constraints: Value) -> World {
    role(json!({"parameter_constraints": {"t": constraints}}))
}

/// An enforcer whose one role allows `t`, with these fields besides.
fn role(mut fields: Value) -> World {
    fields["name"] = json!("r");
    fields["allowed_tools"] = json!(["t"]);
    World::new(&json!({"version": 1, "roles": [fields]}).to_string())
}

/// What a call of `t` gets.
fn ask(world: &World, args: impl Into<bytes::Bytes>) -> &'static str {
    let session = world.open("r", "ann");
    world.ask(&session, &call("t", args))
}
