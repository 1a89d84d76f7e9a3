//! `scopegate schema`: what a policy file may hold.

use schemars::schema_for;
use scopegate_engine::{Policy, SCHEMA_LINE};

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Print the JSON Schema of policy files
///
/// Editors complete and check policies with it. Name it on the first line of a policy:
///
///   # yaml-language-server: $schema=./scopegate.schema.json
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  scopegate schema > scopegate.schema.json")]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let mut schema = schema_for!(Policy);
        schema.insert("title".to_owned(), "Scopegate policy".into());
        schema.insert("$comment".to_owned(), format!("First line of a policy: {SCHEMA_LINE}").into());
        if output.is_json() {
            output.json(&schema)?;
        } else {
            let text = serde_json::to_string_pretty(&schema).map_err(Failure::no_answer)?;
            output.line(text)?;
        }
        Ok(Exit::Ok)
    }
}
