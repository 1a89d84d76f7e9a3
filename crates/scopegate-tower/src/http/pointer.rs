//! JSON pointers into a hostile body.

use scopegate_core::json::{Json, JsonRef, fold_equal};

use crate::fault::Fault;

/// The value at a pointer (RFC 6901).
///
/// A member on the way whose name has a sibling that differs only in case is refused: a lenient
/// reader further on might take the other one.
pub(super) fn find<'d>(root: JsonRef<'d>, pointer: &str) -> Result<Option<JsonRef<'d>>, Fault> {
    let Some(path) = pointer.strip_prefix('/') else {
        return Ok(pointer.is_empty().then_some(root));
    };
    let mut value = root;
    for token in path.split('/') {
        let token = token.replace("~1", "/").replace("~0", "~");
        let next = match value.get() {
            Json::Object(_) => member(value, &token)?,
            Json::Array(mut elements) => token.parse().ok().and_then(|index| elements.nth(index)),
            _ => None,
        };
        let Some(next) = next else { return Ok(None) };
        value = next;
    }
    Ok(Some(value))
}

fn member<'d>(object: JsonRef<'d>, name: &str) -> Result<Option<JsonRef<'d>>, Fault> {
    let Json::Object(members) = object.get() else { return Ok(None) };
    let mut found = None;
    for member in members {
        if member.name() == name {
            found = Some(member.value);
        } else if fold_equal(&member.name(), name) {
            return Err(Fault::LookAlike(name.into()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use scopegate_core::json::Document;

    use super::*;

    fn check(text: &'static str, pointer: &str, expected: Result<Option<&str>, Fault>) {
        let document = Document::read(text).unwrap();
        let found = find(document.root(), pointer).map(|value| value.map(JsonRef::to_json));
        assert_eq!(found, expected.map(|value| value.map(str::to_owned)), "{text} {pointer}");
    }

    #[test]
    fn finds_members_and_elements() {
        check(r#"{"a":{"b":[1,2]}}"#, "", Ok(Some(r#"{"a":{"b":[1,2]}}"#)));
        check(r#"{"a":{"b":[1,2]}}"#, "/a/b/1", Ok(Some("2")));
        check(r#"{"a/b":1,"c~d":2}"#, "/a~1b", Ok(Some("1")));
        check(r#"{"a/b":1,"c~d":2}"#, "/c~0d", Ok(Some("2")));
        check(r#"{"a":1}"#, "/b", Ok(None));
        check(r#"{"a":1}"#, "/a/b", Ok(None));
        check(r#"{"a":1}"#, "a", Ok(None));
        check("[1]", "/a", Ok(None));
    }

    #[test]
    fn refuses_look_alikes() {
        check(r#"{"tool":"a","Tool":"b"}"#, "/tool", Err(Fault::LookAlike("tool".into())));
        check(r#"{"Tool":"b"}"#, "/tool", Err(Fault::LookAlike("tool".into())));
        check(r#"{"params":{},"paramſ":{}}"#, "/params", Err(Fault::LookAlike("params".into())));
        check(r#"{"p":{},"P":{"n":1}}"#, "/p/n", Err(Fault::LookAlike("p".into())));
    }
}
