//! Values written in a policy, compared with values that arrive in a call.

use serde_json::Value;

use super::value::{Json, JsonRef};

/// A JSON value of a policy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    /// Only inside arrays and objects: on its own, null is absent.
    Null,
    Bool(bool),
    Number(f64),
    String(Box<str>),
    Array(Box<[Literal]>),
    Object(Box<[(Box<str>, Literal)]>),
}

impl Literal {
    /// `None` for numbers outside I-JSON: they cannot be compared with.
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Number(n) => Self::Number(super::exact(&n.to_string())?),
            Value::String(s) => Self::String(s.as_str().into()),
            Value::Array(items) => Self::Array(items.iter().map(Self::from_value).collect::<Option<_>>()?),
            Value::Object(members) => Self::Object(
                members
                    .iter()
                    .map(|(k, v)| Some((k.as_str().into(), Self::from_value(v)?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }

    /// JSON equality: numbers by value, member order ignored.
    #[inline]
    pub(crate) fn equals(&self, value: &Json<'_>) -> bool {
        match (self, value) {
            (Self::Null, Json::Null) => true,
            (Self::Bool(a), Json::Bool(b)) => a == b,
            (Self::Number(a), Json::Number(b)) => a == b,
            (Self::String(a), Json::String(b)) => **a == **b,
            (Self::Array(a), Json::Array(b)) => {
                a.len() == b.clone().count() && a.iter().zip(b.clone()).all(|(x, y)| x.equals_ref(y))
            }
            (Self::Object(a), Json::Object(b)) => {
                a.len() == b.clone().count()
                    && b.clone().all(|m| {
                        let name = m.name();
                        a.iter().any(|(key, expected)| **key == *name && expected.equals_ref(m.value))
                    })
            }
            _ => false,
        }
    }

    /// Whether it is this string.
    #[inline]
    pub(crate) fn is_text(&self, text: &str) -> bool {
        matches!(self, Self::String(own) if **own == *text)
    }

    fn equals_ref(&self, value: JsonRef<'_>) -> bool {
        self.equals(&value.get())
    }
}
