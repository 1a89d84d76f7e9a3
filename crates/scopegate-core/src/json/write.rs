//! Writing a judged value out again: what was judged is what runs.

use serde_json::Value;

use super::value::{Json, JsonRef};

impl JsonRef<'_> {
    /// The value as compact JSON, written from the index and never copied from the wire.
    pub fn to_json(self) -> String {
        let mut out = String::new();
        write(self, &mut out);
        out
    }

    /// The value as a `serde_json` tree.
    pub fn to_value(self) -> Value {
        match self.get() {
            Json::Null => Value::Null,
            Json::Bool(b) => Value::Bool(b),
            Json::Number(n) => number(n),
            Json::String(s) => Value::String(s.into_owned()),
            Json::Array(elements) => elements.map(JsonRef::to_value).collect(),
            Json::Object(members) => {
                Value::Object(members.map(|m| (m.name().into_owned(), m.value.to_value())).collect())
            }
        }
    }
}

fn write(value: JsonRef<'_>, out: &mut String) {
    match value.get() {
        Json::Array(elements) => {
            list(out, ['[', ']'], elements, |element, out| write(element, out));
        }
        Json::Object(members) => list(out, ['{', '}'], members, |member, out| {
            string(&member.name(), out);
            out.push(':');
            write(member.value, out);
        }),
        Json::String(s) => string(&s, out),
        // Numbers keep their spelling: `1.0` stays a float for a typed reader.
        _ => out.push_str(value.written().unwrap_or("null")),
    }
}

fn list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    each: impl Fn(T, &mut String),
) {
    out.push(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        each(item, out);
    }
    out.push(close);
}

fn string(text: &str, out: &mut String) {
    // serde_json escapes exactly what JSON requires; a String always serialises.
    out.push_str(&serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()));
}

fn number(value: f64) -> Value {
    if value.fract() == 0.0 {
        Value::from(value as i64) // accepted numbers are within 2^53
    } else {
        serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
    }
}
