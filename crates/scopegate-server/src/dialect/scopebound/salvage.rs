//! What can still be told of a call that the strict reader refuses.

use std::borrow::Cow;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// The members that a denial is recorded under, as far as they stood before the body broke.
/// Nothing of them is judged.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Salvaged {
    pub(super) token: Option<String>,
    pub(super) tool: Option<String>,
    pub(super) server: Option<String>,
    pub(super) call_id: Option<String>,
}

/// Other members are skipped without being understood: any depth, any number, any bytes in texts.
pub(super) fn salvage(body: &[u8]) -> Salvaged {
    let mut salvaged = Salvaged::default();
    // An error says where the body breaks, which is known already.
    let _ = serde_json::Deserializer::from_slice(body).deserialize_map(&mut salvaged);
    salvaged
}

impl<'de> Visitor<'de> for &mut Salvaged {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a call")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            let slot = match &*name {
                "jwt" => &mut self.token,
                "tool_name" => &mut self.tool,
                "mcp_server" => &mut self.server,
                "call_id" => &mut self.call_id,
                _ => {
                    members.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if let (Value::String(text), None) = (members.next_value()?, slot.as_ref()) {
                *slot = Some(text);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[u8], later: bool) {
        let body =
            [&br#"{"jwt":"t","tool_name":"pay","call_args":"#[..], arguments, br#","call_id":"c"}"#].concat();
        let expected = Salvaged {
            token: Some("t".to_owned()),
            tool: Some("pay".to_owned()),
            server: None,
            call_id: later.then(|| "c".to_owned()),
        };
        assert_eq!(salvage(&body), expected, "{}", String::from_utf8_lossy(arguments));
    }

    #[test]
    fn what_is_hostile_is_skipped() {
        check(br#"{"a":1,"a":2}"#, true);
        check(b"1e400", true);
        check(br#""\ud800""#, true);
        check(b"\"\xff\xfe\"", true);
        check(&[b"[".repeat(100_000), b"]".repeat(100_000)].concat(), true);
    }

    #[test]
    fn what_stood_before_the_break_is_kept() {
        check(b"NaN", false);
        check(br#"{"a":1,}"#, false);
        check(b"{/* no */}", false);
        check(b"\"unfinished", false);
    }

    #[test]
    fn the_first_of_two_counts_and_other_kinds_are_nothing() {
        assert_eq!(salvage(br#"{"jwt":"a","jwt":"b"}"#).token.as_deref(), Some("a"));
        for body in ["", "[]", "7", "{", r#"{"jwt":7}"#, r#"{"jwt":["t"]}"#] {
            assert_eq!(salvage(body.as_bytes()), Salvaged::default(), "{body}");
        }
    }
}
