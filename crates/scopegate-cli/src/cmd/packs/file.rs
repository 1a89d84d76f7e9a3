//! A pack as a file has it: in the words of policy files, or in those of Xybern's clients.

use std::path::Path;

use scopegate_client::xybern::{PackDraft, PolicyDraft};
use scopegate_core::PolicyPack;
use serde_json::Value;

use crate::exit::Failure;
use crate::reveal::reveal;

pub(super) fn read(file: &Path) -> Result<PackDraft, Failure> {
    let wrong = |why: &dyn std::fmt::Display| Failure::usage(reveal(&format!("{}: {why}", file.display())));
    let text = match file.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(file),
    };
    let text = text.map_err(|error| wrong(&error))?;
    parse(&text).map_err(|error| wrong(&error))
}

fn parse(text: &str) -> Result<PackDraft, String> {
    let options = || {
        serde_saphyr::options! {
            duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
            strict_booleans: true,
            with_snippet: false,
        }
    };
    let shape: Value =
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| error.to_string())?;
    if shape.get("policy_definitions").is_some() {
        return serde_saphyr::from_str_with_options(text, options()).map_err(|error| error.to_string());
    }
    let pack: PolicyPack =
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| error.to_string())?;
    if !pack.roles.is_empty() {
        let why = "packs of a plane have policies alone: write the roles with `scopegate roles apply`";
        return Err(why.to_owned());
    }
    let policies = pack.policies.iter().map(PolicyDraft::from).collect();
    let mut draft = PackDraft::new(pack.name.as_str(), pack.version.as_str(), policies);
    draft.description = Some(pack.description).filter(|text| !text.is_empty());
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_a_pack_are_read() {
        let ours =
            "name: p\nversion: '1'\npolicies:\n  - {name: a, policy_type: action_type, decision: deny}\n";
        let theirs = "name: p\nversion: '1'\npolicy_definitions:\n  - {name: An a, policy_type: action_type, \
                      decision: block}\n";
        for (text, name) in [(ours, "a"), (theirs, "An a")] {
            let pack = parse(text).unwrap();
            let [policy] = pack.policy_definitions.as_slice() else { panic!("{pack:?}") };
            assert_eq!(
                (pack.name.as_str(), policy.name.as_deref(), policy.decision.as_deref()),
                ("p", Some(name), Some("block"))
            );
        }
    }

    #[test]
    fn what_is_no_pack_is_refused() {
        for (bad, said) in [
            ("name: p\nversion: '1'\nroles: [{name: r}]\n", "packs of a plane have policies alone"),
            ("name: p\nname: q\nversion: '1'\n", "name"),
            ("name: p\n", "version"),
            ("name: p\nversion: '1'\npolicy: []\n", "policy"),
            ("[]", ""),
        ] {
            let why = parse(bad).unwrap_err();
            assert!(why.contains(said), "{why} of {bad}");
        }
    }
}
