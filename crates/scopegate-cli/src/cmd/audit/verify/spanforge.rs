//! Signed records in SpanForge's form: their signatures, and the links that its own verifier does not follow.

use scopegate_engine::spanforge::{SigningKey, verify_records};
use serde::Serialize;

use super::{Verify, broken};
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};

/// What is told of a chain that holds.
#[derive(Serialize)]
struct Holds<'a> {
    ok: bool,
    records: u64,
    head: &'a str,
}

impl Verify {
    pub(super) fn spanforge(self, output: &mut Output) -> Result<Exit, Failure> {
        let key = SigningKey::from_env().map_err(Failure::usage)?;
        let text = std::fs::read_to_string(&self.path)
            .map_err(|error| Failure::usage(format!("{}: {error}", self.path.display())))?;
        let kept = self.expect_head.map(|head| format!("hmac-sha256:{head}"));
        let lines = text.split_terminator('\n');
        let head = match verify_records(&key, lines, kept.as_deref()) {
            Ok(head) => head,
            Err(tampered) => return broken(&tampered.to_string(), Some(tampered.at), output),
        };
        let hash = head.hmac.trim_start_matches("hmac-sha256:");
        if output.is_json() {
            output.json(&Holds { ok: true, records: head.records, head: hash })?;
        } else {
            output.line(format!("ok\n  records  {}\n  head     {hash}", head.records))?;
        }
        if kept.is_none() {
            output::message("note: whether records are missing at its end is known with --expect-head");
        }
        Ok(Exit::Ok)
    }
}
