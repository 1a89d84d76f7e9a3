//! Numbers and truth values as documents hold them: `10`, not `"10"`.
//!
//! YAML readers turn a quoted text into a number for whoever asks for one, so a policy would be
//! read that its JSON Schema refuses. For `#[serde(deserialize_with = "…")]`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

use serde_json::{Map, Value};

use crate::id::Name;

/// A whole number of at least 0.
pub fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Whole::deserialize(from).map(|Whole(number)| number)
}

/// A whole number of at least 0, or none.
pub fn maybe_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<Whole>::deserialize(from)?.map(|Whole(number)| number))
}

/// The same where `null` is no way to say none.
pub fn some_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    number(from).map(Some)
}

/// A whole number, also one below 0.
pub fn integer<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    from.deserialize_any(Integer)
}

/// A list of whole numbers of at least 0.
pub fn numbers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
    Ok(Vec::<Whole>::deserialize(from)?.into_iter().map(|Whole(number)| number).collect())
}

/// Whole numbers of at least 0, by name.
pub fn numbers_by_name<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<Name, u64>, D::Error> {
    let numbers = BTreeMap::<Name, Whole>::deserialize(from)?;
    Ok(numbers.into_iter().map(|(name, Whole(number))| (name, number)).collect())
}

/// An object, which null is not. Absence is for `#[serde(default)]`.
pub fn object<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Map<String, Value>>, D::Error> {
    let other = match Value::deserialize(from)? {
        Value::Object(members) => return Ok(Some(members)),
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
    };
    Err(D::Error::invalid_type(Unexpected::Other(other), &"an object"))
}

/// A text, which a number or a truth value is not: YAML turns `on`, `1e3` and `007` into something else, so
/// whoever means the text has to say so.
pub fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Name, D::Error> {
    Text::deserialize(from).map(|Text(text)| text)
}

/// A list of texts.
pub fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Name>, D::Error> {
    Ok(Vec::<Text>::deserialize(from)?.into_iter().map(|Text(text)| text).collect())
}

/// A list of texts, which null is not. Absence is for `#[serde(default)]`.
pub fn maybe_texts<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Name>>, D::Error> {
    texts(from).map(Some)
}

/// Lists of texts, by name.
pub fn texts_by_name<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<Name, Vec<Name>>, D::Error> {
    let lists = BTreeMap::<Name, Vec<Text>>::deserialize(from)?;
    let texts = |list: Vec<Text>| list.into_iter().map(|Text(text)| text).collect();
    Ok(lists.into_iter().map(|(name, list)| (name, texts(list))).collect())
}

/// True or false.
pub fn truth<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    from.deserialize_any(Truth)
}

struct Whole(u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Number).map(Self)
    }
}

struct Text(Name);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Words).map(Self)
    }
}

struct Words;

impl Visitor<'_> for Words {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text; put it in quotes")
    }

    fn visit_str<E>(self, text: &str) -> Result<Name, E> {
        Ok(text.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Name, E> {
        Err(E::invalid_type(Unexpected::Other("nothing"), &self))
    }
}

struct Number;

impl Visitor<'_> for Number {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of at least 0")
    }

    fn visit_u64<E>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_unit<E: Error>(self) -> Result<u64, E> {
        Err(E::invalid_type(Unexpected::Other("nothing"), &self))
    }
}

struct Integer;

impl Visitor<'_> for Integer {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_unit<E: Error>(self) -> Result<i64, E> {
        Err(E::invalid_type(Unexpected::Other("nothing"), &self))
    }
}

struct Truth;

impl Visitor<'_> for Truth {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<bool, E> {
        Ok(truth)
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Err(E::invalid_type(Unexpected::Other("nothing"), &self))
    }
}
