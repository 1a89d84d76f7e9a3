//! Times and ratios that survive a machine whose speed drifts.

use super::{Item, Meter, Runner, Spread};
use crate::Result;

/// How much time is spent on a figure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How often each side runs.
    pub rounds: usize,
    /// How many milliseconds a run takes.
    pub ms: f64,
}

impl Default for Effort {
    fn default() -> Self {
        Self { rounds: 15, ms: 10.0 }
    }
}

/// Two operations, run alternately.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// Nanoseconds an operation of ours takes.
    pub ours: Spread,
    /// Nanoseconds an operation of the peer's takes.
    pub peer: Spread,
    /// Ours as a share of the peer's, taken round by round.
    pub ratio: Spread,
}

/// Into how many slices a run is cut when an operation and its base alternate within it.
const SLICES: usize = 9;

/// A set-up operation, how often it has to be done to fill a run or a slice, and its base.
struct Timer {
    runner: Runner,
    count: u64,
    base: Option<Box<Timer>>,
}

impl Timer {
    fn new(item: &Item, ms: f64) -> Result<Self> {
        let ms = if item.base.is_some() { ms / SLICES as f64 } else { ms };
        let mut runner = (item.setup)()?;
        let mut count = 1;
        let (mut took, wanted) = (0.0, ms * 1e6);
        while took < wanted / 4.0 && count < 1 << 34 {
            count *= 2;
            took = time(&mut runner, count);
        }
        let count = (count as f64 * wanted / took.max(1.0)).max(1.0) as u64;
        let base = item.base.as_deref().map(|base| Self::new(base, ms)).transpose()?;
        Ok(Self { runner, count, base: base.map(Box::new) })
    }

    /// Nanoseconds an operation, less those of its base: a difference is small, so its slices' middle counts.
    fn sample(&mut self) -> Result<f64> {
        let Self { runner, count, base } = self;
        let mut gross = || time(runner, *count) / *count as f64;
        let Some(base) = base else { return Ok(gross()) };
        let slices = (0..SLICES).map(|_| Ok(gross() - base.sample()?)).collect::<Result<_>>()?;
        Ok(Spread::of(slices)?.median)
    }
}

fn time(runner: &mut Runner, count: u64) -> f64 {
    let mut meter = Meter::timing();
    runner(count, &mut meter);
    meter.elapsed.as_nanos() as f64
}

/// Nanoseconds an operation.
pub fn alone(item: &Item, effort: Effort) -> Result<Spread> {
    let mut timer = Timer::new(item, effort.ms)?;
    Spread::of((0..effort.rounds).map(|_| timer.sample()).collect::<Result<_>>()?)
}

/// Both operations, alternately, and each of them first in every other round.
pub fn pair(ours: &Item, peer: &Item, effort: Effort) -> Result<Pair> {
    let (mut a, mut b) = (Timer::new(ours, effort.ms)?, Timer::new(peer, effort.ms)?);
    let mut rounds = Vec::with_capacity(effort.rounds);
    for round in 0..effort.rounds {
        let ours_first = round % 2 == 0;
        let first = if ours_first { a.sample()? } else { b.sample()? };
        let second = if ours_first { b.sample()? } else { a.sample()? };
        rounds.push(if ours_first { (first, second) } else { (second, first) });
    }
    Ok(Pair {
        ours: Spread::of(rounds.iter().map(|(ours, _)| *ours).collect())?,
        peer: Spread::of(rounds.iter().map(|(_, peer)| *peer).collect())?,
        ratio: Spread::of(rounds.iter().map(|(ours, peer)| ours / peer).collect())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_both_sides() -> Result<()> {
        let item = || Item::new("vector", || Ok(64_u8), |n| vec![*n; 64], |v| v.len() == 64);
        let Pair { ours, peer, ratio } = pair(&item(), &item(), Effort { rounds: 3, ms: 0.1 })?;
        assert!(ours.min > 0.0 && peer.min > 0.0);
        assert!(ratio.min <= ratio.median && ratio.median <= ratio.max);
        Ok(())
    }
}
