//! Nothing that comes from outside makes the engine panic.

use proptest::prelude::*;
use scopegate_core::{Args, Principal, ToolCall};
use scopegate_engine::Policy;
use scopegate_reference::Gen;
use scopegate_reference::generate::TOOLS;

use super::{arguments, cases, generated_policy, role_names, world};
use crate::engine::word;

/// Bytes that are, or nearly are, JSON.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "[\\[\\]{}:,\"\\\\0-9eEu.+a-f \n-]{0,80}".prop_map(String::into_bytes),
        (arguments(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(args, at, byte)| {
            let mut bytes = args.to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        (arguments(), any::<prop::sample::Index>()).prop_map(|(args, at)| {
            let mut bytes = args.to_string().into_bytes();
            bytes.truncate(at.index(bytes.len()));
            bytes
        }),
    ]
}

fn tool() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(TOOLS.to_vec()).prop_map(str::to_owned),
        any::<String>(),
        prop::collection::vec(any::<char>(), 0..300).prop_map(String::from_iter),
    ]
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn any_call_gets_an_answer(
        seed: u64,
        calls in prop::collection::vec((tool(), bytes(), any::<Option<String>>(), any::<Option<String>>()), 1..8),
        token: String,
    ) {
        let mut random = Gen::new(seed);
        let policy = generated_policy(&mut random);
        let world = world(&policy);
        let session = world.open(&role_names(&policy)[0], "ann");
        for (tool, args, action, env) in calls {
            let mut call = ToolCall::new(tool).with_args(Args::parse(args));
            call.action = action.map(Into::into);
            call.env = env.map(Into::into);
            // Patterns of the generated roles grant any name, and nothing else.
            let named = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/-".contains(&byte);
            let known = (1..=128).contains(&call.tool.len()) && call.tool.bytes().all(named);
            let answer = world.ask(&session, &call);
            prop_assert!(known || answer != "PERMIT", "{:?} was permitted", call.tool);
            prop_assert_eq!(word(&world.decide(&Principal::token(token.as_str()), &call)), "JWT_INVALID");
        }
    }

    #[test]
    fn any_text_is_a_policy_or_an_error(
        seed: u64,
        text in prop_oneof![any::<String>(), "[\\[\\]{}:,&*!|>'\"#\\-a-c0-9 \n]{0,100}"],
        at: prop::sample::Index,
    ) {
        let whole = Gen::new(seed).policy();
        let at = at.index(whole.len());
        let (head, tail) = whole.split_at(whole.floor_char_boundary(at));
        for text in [text.clone(), format!("version: 1\nroles:\n{text}"), format!("{head}{text}{tail}"), head.to_owned()] {
            if let Err(error) = Policy::from_text(&text, "p.yaml") {
                prop_assert!(error.line >= 1 && error.column >= 1, "{error}");
                let lines = text.lines().count() as u64;
                prop_assert!(error.line <= lines + 1, "{error}, in {lines} lines");
            }
        }
    }
}
