//! Digests are equal exactly when the values are: spelling never matters, and a value always does.

use proptest::prelude::*;
use proptest::sample::Index;
use scopegate_core::{Args, CallDigest, SessionId, ToolCall};
use serde_json::Value;

use super::{arguments, cases, value};

fn digest(args: &str) -> Option<[CallDigest; 2]> {
    let call = ToolCall::new("t").with_args(Args::parse(args.to_owned()));
    let whole = CallDigest::of(SessionId::from_bits(1), &"ann".into(), &"r".into(), &call)?;
    Some([whole, CallDigest::of_args(&call)?])
}

fn read(args: &str) -> Option<Value> {
    Args::parse(args.to_owned()).to_value()
}

/// Another spelling of the same value: members turned round, spaces, escapes, other numbers.
fn spell(value: &Value, odd: bool) -> String {
    let text = |text: &str| match odd {
        true => {
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
            format!("\"{}\"", units.collect::<String>())
        }
        false => Value::from(text).to_string(),
    };
    match value {
        Value::String(s) => text(s),
        Value::Number(n) => match (odd, n.to_string()) {
            (true, plain) if plain.contains(['.', 'e']) => plain,
            (true, whole) => format!("{whole}.0e0"),
            (false, plain) => plain,
        },
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| spell(item, odd)).collect();
            format!("[ {} ]", items.join(" ,\n"))
        }
        Value::Object(members) => {
            let mut members: Vec<_> =
                members.iter().map(|(name, value)| format!("{}:{}", text(name), spell(value, odd))).collect();
            if odd {
                members.reverse();
            }
            format!("{{\t{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

/// Every place in a value.
fn places(value: &Value, here: &str, into: &mut Vec<String>) {
    into.push(here.to_owned());
    let step = |name: &str| format!("{here}/{}", name.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, v)| places(v, &step(&at.to_string()), into))
        }
        Value::Object(members) => members.iter().for_each(|(name, v)| places(v, &step(name), into)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn spelling_does_not_matter(args in arguments()) {
        let plain = digest(&args.to_string());
        prop_assert!(plain.is_some(), "{args}");
        prop_assert_eq!(&plain, &digest(&spell(&args, false)), "{}", &args);
        prop_assert_eq!(&plain, &digest(&spell(&args, true)), "{}", spell(&args, true));
    }

    #[test]
    fn one_other_value_is_another_digest(args in arguments(), other in value(), at: Index) {
        let mut all = Vec::new();
        places(&args, "", &mut all);
        let mut changed = args.clone();
        *changed.pointer_mut(&all[at.index(all.len())]).expect("a place") = other;
        let (a, b) = (args.to_string(), changed.to_string());
        let equal = read(&a) == read(&b);
        for (one, two) in digest(&a).into_iter().flatten().zip(digest(&b).into_iter().flatten()) {
            prop_assert_eq!(one == two, equal, "{} and {}", &a, &b);
        }
    }

    #[test]
    fn any_two_arguments_are_told_apart(a in arguments(), b in arguments()) {
        let (a, b) = (a.to_string(), b.to_string());
        prop_assert_eq!(digest(&a) == digest(&b), read(&a) == read(&b), "{} and {}", &a, &b);
    }
}
