//! Trust: how far an agent's calls have borne it out so far, from 0 to 100, in tenths.
//!
//! The ladder is fixed, so that whoever knows an agent's decisions knows its trust: [`Trust::START`], a
//! little more for every permit, less for a hold, much less for a denial.

use std::fmt;

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A level of trust: 0 to 100, in tenths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trust(u16);

/// What a decision does to the trust in whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the ladder has these steps")]
pub enum TrustStep {
    /// 0.2 up.
    Permitted,
    /// 0.5 down, once for each review that is opened: to ask again is no new hold.
    Held,
    /// 2 down.
    Denied,
}

/// What a decision read and did to the trust in whoever asked: the explanation that its record keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "an explanation is all of its parts")]
pub struct TrustMove {
    /// What the decision was made on.
    pub was: Trust,
    /// What it is since.
    pub is: Trust,
}

impl Trust {
    /// Where everyone starts.
    pub const START: Self = Self(500);
    /// The most there is.
    pub const MOST: Self = Self(1000);
    /// The least there is.
    pub const LEAST: Self = Self(0);

    /// So many tenths; `None` beyond 1000.
    pub const fn from_tenths(tenths: u16) -> Option<Self> {
        if tenths <= Self::MOST.0 { Some(Self(tenths)) } else { None }
    }

    /// A whole level; `None` beyond 100.
    pub fn from_whole(level: u64) -> Option<Self> {
        u16::try_from(level).ok().and_then(|level| level.checked_mul(10)).and_then(Self::from_tenths)
    }

    /// In tenths.
    pub const fn tenths(self) -> u16 {
        self.0
    }

    /// The trust after a decision.
    #[must_use]
    pub fn after(self, step: TrustStep) -> Self {
        match step {
            TrustStep::Permitted => Self(self.0.saturating_add(2).min(Self::MOST.0)),
            TrustStep::Held => Self(self.0.saturating_sub(5)),
            TrustStep::Denied => Self(self.0.saturating_sub(20)),
        }
    }

    /// A number as somebody wrote it; `None` outside 0 to 100, between two tenths, or when it is none.
    fn from_number(number: f64) -> Option<Self> {
        let tenths = (number * 10.0).round();
        let whole = (0.0..=1000.0).contains(&tenths) && tenths / 10.0 == number;
        // In range, so nothing is cut off.
        whole.then_some(Self(tenths as u16))
    }
}

impl TrustMove {
    /// A step from one level.
    pub fn from(was: Trust, step: TrustStep) -> Self {
        Self { was, is: was.after(step) }
    }
}

/// `50`, `49.8`: as canonical JSON has it too.
impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 10, self.0 % 10) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, tenth) => write!(f, "{whole}.{tenth}"),
        }
    }
}

impl Serialize for Trust {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 10 {
            0 => serializer.serialize_u16(self.0 / 10),
            _ => serializer.serialize_f64(f64::from(self.0) / 10.0),
        }
    }
}

/// A number, never a text that looks like one.
impl<'de> Deserialize<'de> for Trust {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Level)
    }
}

struct Level;

impl Visitor<'_> for Level {
    type Value = Trust;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from 0 to 100 with at most one decimal")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Trust, E> {
        Trust::from_whole(number).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Trust, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Trust, E> {
        Trust::from_number(number).ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }

    fn visit_unit<E: Error>(self) -> Result<Trust, E> {
        Err(E::invalid_type(Unexpected::Other("nothing"), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder() {
        let after = |trust: Trust, steps: &[TrustStep]| steps.iter().fold(trust, |t, step| t.after(*step));
        use TrustStep::{Denied, Held, Permitted};
        assert_eq!(after(Trust::START, &[Permitted, Held, Denied]).to_string(), "47.7");
        assert_eq!(after(Trust::START, &[Permitted; 250]), Trust::MOST);
        assert_eq!(after(Trust::START, &[Permitted; 251]), Trust::MOST);
        assert_eq!(after(Trust::START, &[Denied; 25]), Trust::LEAST);
        assert_eq!(after(Trust::START, &[Denied; 26]), Trust::LEAST);
        assert_eq!(after(Trust::START, &[Denied; 26]).after(Permitted).to_string(), "0.2");
    }

    #[test]
    fn only_numbers_in_tenths_are_levels() {
        let read = |text: &str| serde_json::from_str::<Trust>(text).ok().map(Trust::tenths);
        for (text, tenths) in
            [("0", 0), ("80", 800), ("72.5", 725), ("0.3", 3), ("1e2", 1000), ("100.0", 1000), ("-0.0", 0)]
        {
            assert_eq!(read(text), Some(tenths), "{text}");
        }
        for text in ["-1", "-0.1", "100.1", "101", "0.25", "1e300", "\"80\"", "null", "true", "[80]", "6554"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE] {
            assert_eq!(Trust::from_number(odd), None);
        }
        for tenths in 0..=1000 {
            let level = Trust::from_tenths(tenths).unwrap();
            let written = serde_json::to_string(&level).unwrap();
            assert_eq!((written.clone(), read(&written)), (level.to_string(), Some(tenths)));
        }
    }
}
