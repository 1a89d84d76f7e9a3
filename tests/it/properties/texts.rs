//! The strict reader, `serde_json` and the reference agree on what is JSON; ours refuses more.

use proptest::prelude::*;
use scopegate_core::Args;
use scopegate_core::json::{Document, JsonError};
use serde_json::Value;

use super::{arguments, cases, number, value};

/// Texts around JSON: whole, broken, and oddly spelled.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let member = (super::name(), prop_oneof![number(), value().prop_map(|v| v.to_string())]);
    let spelled = prop::collection::vec(member, 0..6).prop_map(|members| {
        let member =
            |(name, value): &(String, String)| format!(" {} :\t{value}\n", Value::from(name.as_str()));
        format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
    });
    prop_oneof![
        arguments().prop_map(|args| args.to_string().into_bytes()),
        value().prop_map(|value| format!("{value:#}").into_bytes()),
        spelled.prop_map(String::into_bytes),
        "[\\[\\]{}:,\"\\\\0-9eEu.+trufalsn \n-]{0,30}".prop_map(String::into_bytes),
        "\\{\"a\":-?[0-9]{1,20}(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?\\}".prop_map(String::into_bytes),
        "\\{\"a\":\"(\\\\u[0-9a-dA-D]{4}|\\\\[a-z/\\\\]|[ -!#-\\[\\]-\u{1f600}]){0,6}\"\\}"
            .prop_map(String::into_bytes),
        (arguments(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(args, at, byte)| {
            let mut bytes = args.to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
    ]
}

/// The same but for the last digit of a number: `serde_json` rounds some to a neighbour.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            a == b || (a - b).abs() <= a.abs() * 1e-15
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| alike(a, b)))
        }
        (a, b) => a == b,
    }
}

proptest! {
    #![proptest_config(cases(6000))]

    #[test]
    fn what_we_accept_is_json_and_what_is_not_json_we_call_so(text in text()) {
        let ours = Document::read(text.clone());
        let theirs = serde_json::from_slice::<Value>(&text);
        match (&ours, &theirs) {
            (Ok(document), Ok(value)) => {
                let read = document.root().to_value();
                prop_assert!(alike(&read, value), "we read {read}, they read {value}");
            }
            (Ok(_), Err(error)) => prop_assert!(false, "we accepted what is not JSON: {error}"),
            (Err(error), Ok(value)) => {
                let documented = !error.is_unreadable() && *error != JsonError::NotAnObject;
                prop_assert!(documented, "we said {error} of {value}");
            }
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn the_reference_reads_the_same_arguments(text in text()) {
        let ours = Args::parse(text.clone());
        let theirs = scopegate_reference::json::read_arguments(&text);
        prop_assert_eq!(ours.error().is_none(), theirs.is_ok(), "{:?} and {:?}", ours.error(), theirs.err());
    }

    #[test]
    fn what_was_judged_is_written_out_as_it_was_judged(text in text()) {
        let args = Args::parse(text);
        let Some(written) = args.to_json() else { return Ok(()) };
        let again = Args::parse(written.clone());
        prop_assert_eq!(again.error(), None, "{}", &written);
        prop_assert_eq!(args.to_value(), again.to_value(), "{}", &written);
        prop_assert_eq!(again.to_json(), Some(written.clone()), "writing is stable");
        prop_assert!(serde_json::from_str::<Value>(&written).is_ok(), "{}", &written);
    }
}
