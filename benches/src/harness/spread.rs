//! What several readings of the same figure come to.

use crate::Result;

/// The middle and the ends of some readings.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The middle reading.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

impl Spread {
    /// The spread of some readings, of which there has to be one.
    pub fn of(mut readings: Vec<f64>) -> Result<Self> {
        readings.sort_by(f64::total_cmp);
        match (readings.first(), readings.get(readings.len() / 2), readings.last()) {
            (Some(&min), Some(&median), Some(&max)) => Ok(Self { median, min, max }),
            _ => Err("no rounds, so no figures".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_middle_and_the_ends() -> Result<()> {
        let spread = Spread::of(vec![3.0, 9.0, 1.0])?;
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 3.0, 9.0));
        assert!(Spread::of(vec![]).is_err());
        Ok(())
    }
}
