//! The canonical form (RFC 8785) that digests are made over.

use std::borrow::Cow;
use std::io::Write as _;

use serde::Serialize;
use smallvec::SmallVec;

use super::object::write_text;
use super::value::{Json, JsonRef};

/// Canonical JSON of a value.
///
/// Safe to hash because every number in it passed the I-JSON check: a stock canonicaliser gives
/// 2^53 and 2^53+1 the same bytes. It sorts members itself, so it does not matter whether some
/// other crate switched `serde_json/preserve_order` on.
pub(crate) fn canonical(value: &impl Serialize) -> Option<Vec<u8>> {
    serde_json_canonicalizer::to_vec(value).ok()
}

impl JsonRef<'_> {
    /// Appends the same form, written from the index: every remote call and every approval is hashed.
    pub(crate) fn write_canonical(self, out: &mut Vec<u8>) {
        match self.get() {
            Json::Null => out.extend_from_slice(b"null"),
            Json::Bool(true) => out.extend_from_slice(b"true"),
            Json::Bool(false) => out.extend_from_slice(b"false"),
            Json::Number(number) => write_double(number, out),
            Json::String(text) => write_text(&text, out),
            Json::Array(elements) => list(b"[]", elements, out, JsonRef::write_canonical),
            Json::Object(members) => {
                let mut members: SmallVec<[(Cow<'_, str>, JsonRef<'_>); 8]> =
                    members.map(|member| (member.name(), member.value)).collect();
                // By UTF-16 code units, which is not the order of bytes beyond the basic plane.
                members.sort_unstable_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
                list(b"{}", members.into_iter(), out, |(name, value), out| {
                    write_text(&name, out);
                    out.push(b':');
                    value.write_canonical(out);
                });
            }
        }
    }
}

fn list<T>(
    &[open, close]: &[u8; 2],
    items: impl Iterator<Item = T>,
    out: &mut Vec<u8>,
    each: impl Fn(T, &mut Vec<u8>),
) {
    out.push(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        each(item, out);
    }
    out.push(close);
}

/// A number that was accepted: an integer is within 2^53, and written as it is.
fn write_double(number: f64, out: &mut Vec<u8>) {
    if number.fract() == 0.0 {
        // Writing to memory cannot fail.
        let _ = write!(out, "{}", number as i64);
    } else {
        out.extend(canonical(&number).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;

    #[test]
    fn the_same_bytes_as_a_stock_canonicaliser() {
        for text in [
            "{}",
            "[]",
            "null",
            r#"{"b":1,"a":[true,false,null,{}],"":"","A":"\u0001\b\t\n\f\r\"\\\/\u007f\u2028"}"#,
            // In UTF-16 the first of these begins with D83D, the second is FB33.
            r#"{"\ud83d\ude00":1,"\ufb33":2,"\u20ac":3,"\r":4,"1":5,"\u0080":6,"\u00f6":7,"</script>":8}"#,
            "[0,-1,9007199254740991,-9007199254740991,0.1,-0.5,1e-7,1.5e-9,1e15,123456789.25,4.5e-320,1.0,1e2]",
            r#"{"a":{"z":[[[1]]],"y":{"x":"ünïcödé","w":"\u00fc"}}}"#,
        ] {
            let mut ours = Vec::new();
            let document = Document::read(text).unwrap();
            document.root().write_canonical(&mut ours);
            let stock = canonical(&document.root().to_value()).unwrap();
            assert_eq!(String::from_utf8(ours).unwrap(), String::from_utf8(stock).unwrap(), "{text}");
        }
    }
}
