//! Several ways for the same call, taken in turn.

use std::time::Instant;

use scopegate_benches::Result;

/// A way, and what it took: the median call of each round.
pub(crate) struct Way<C> {
    pub(crate) name: &'static str,
    pub(crate) connection: C,
    medians: Vec<f64>,
    worst: Vec<f64>,
}

/// Something that answers calls.
pub(crate) trait Calls {
    fn call(&mut self, number: usize) -> Result<()>;
}

impl<C: Calls> Way<C> {
    pub(crate) fn new(name: &'static str, connection: C) -> Self {
        Self { name, connection, medians: Vec::new(), worst: Vec::new() }
    }

    fn round(&mut self, calls: usize) -> Result<()> {
        let mut took = Vec::with_capacity(calls);
        for number in 0..calls {
            let begun = Instant::now();
            self.connection.call(number)?;
            took.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        took.sort_by(f64::total_cmp);
        self.medians.push(at(&took, 0.5));
        self.worst.push(at(&took, 0.99));
        Ok(())
    }
}

/// Takes all ways in turn, the first round for nothing.
pub(crate) fn run<C: Calls>(ways: &mut [Way<C>], rounds: usize, calls: usize) -> Result<()> {
    for round in 0..=rounds {
        for way in &mut *ways {
            way.round(calls)?;
            if round == 0 {
                way.medians.clear();
                way.worst.clear();
            }
        }
    }
    for way in &*ways {
        println!("  {:<22} p50 {:>8.1}   p99 {:>8.1}", way.name, middle(&way.medians), middle(&way.worst));
    }
    Ok(())
}

/// How much more one way takes than another: the median over rounds of the difference and the ratio.
pub(crate) fn compare<C>(slower: &Way<C>, faster: &Way<C>) {
    let pairs = || slower.medians.iter().zip(&faster.medians);
    let more: Vec<_> = pairs().map(|(slow, fast)| slow - fast).collect();
    let ratio: Vec<_> = pairs().map(|(slow, fast)| slow / fast).collect();
    println!("  {} - {}: +{:.1} µs, {:.2}x", slower.name, faster.name, middle(&more), middle(&ratio));
}

fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    at(&sorted, 0.5)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a place in a short list"
)]
fn at(sorted: &[f64], part: f64) -> f64 {
    let place = (sorted.len().saturating_sub(1) as f64 * part).round() as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}
