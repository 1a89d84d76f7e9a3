//! The figures, as tables.

use crate::Result;
use crate::goals::{Bar, Row};
use crate::harness::{Effort, Item, Pair, Spread, allocations, alone, instructions, pair, valgrind};
use crate::ours::{Footprint, footprint, gain};

/// The readings of a ratio are too far apart to quote its median when their ends differ by this factor.
const NOISY: f64 = 1.3;

/// Prints the goals, each measured now. Where one side is missing, the other is measured alone.
pub fn goals(rows: &[&Row], items: &[Item], effort: Effort) -> Result<()> {
    println!(
        "{:<4} {:<39} {:<35} {:>9} {:>10} {:>7} {:>13} {:>9} {:>6} {:>7}  verdict",
        "goal", "what", "peer", "ours ns", "peer ns", "ratio", "spread", "best/best", "must", "stretch"
    );
    for row in rows {
        let (ours, peer) = (Item::find(items, row.ours), Item::find(items, row.peer));
        let figures = match (ours, peer) {
            (Some(ours), Some(peer)) => paired(row, pair(ours, peer, effort)?),
            (Some(ours), None) => unpaired(&nanoseconds(alone(ours, effort)?), "-", "no peer"),
            (None, Some(peer)) => unpaired("-", &nanoseconds(alone(peer, effort)?), "not ours yet"),
            (None, None) => unpaired("-", "-", "neither built"),
        };
        let [ours, peer, ratio, spread, best, verdict] = figures;
        let (must, stretch) = (share(row.must), row.stretch.map_or("-".into(), share));
        println!(
            "{:<4} {:<39} {:<35} {ours:>9} {peer:>10} {ratio:>7} {spread:>13} {best:>9} {must:>6} {stretch:>7}  {verdict}",
            row.number, row.goal, row.peer
        );
    }
    println!(
        "\nratio: median of ours / peer's, round by round. `~`: the spread passes {NOISY}x, read best/best."
    );
    Ok(())
}

/// Prints the goals that are figures on their own: two threads, memory, loading and publishing roles.
pub fn figures(items: &[Item], effort: Effort) -> Result<()> {
    println!("\n{:<4} {:<48} {:>12} {:>9} {:>9}  verdict", "goal", "what", "figure", "must", "stretch");
    let print = |number, what, unit, figure: f64, [must, stretch]: [f64; 2], more: bool| {
        let meets = |bar: f64| if more { figure >= bar } else { figure <= bar };
        let verdict = match () {
            () if meets(stretch) => "met, stretch too",
            () if meets(must) => "met",
            () => "NOT MET",
        };
        let [figure, must, stretch] = [figure, must, stretch].map(|figure| format!("{figure:.2}{unit}"));
        println!("{number:<4} {what:<48} {figure:>12} {must:>9} {stretch:>9}  {verdict}");
    };
    let threads = gain(effort.rounds)?;
    print("11", "two threads to one, best rounds", "x", threads, [1.2, 1.6], true);
    let Footprint { role, source, session, another, load } = footprint()?;
    print("12", "a role among 100,000, as decisions read it", " B", role, [512.0, 320.0], false);
    print("12", "a session, the first of its owner", " B", session, [160.0, 100.0], false);
    print("12", "one more session of an owner", " B", another, [160.0, 100.0], false);
    print("13", "compiling and loading 100,000 roles", " s", load.as_secs_f64(), [1.0, 0.1], false);
    if let Some(publish) = Item::find(items, "ours/roles/100000/publish") {
        let took = alone(publish, effort)?.median / 1e6;
        print("14", "publishing one role of 100,000", " ms", took, [1.0, 0.1], false);
    }
    println!("\nbeside each role the enforcer keeps its source, {source:.0} B here, to recompile its heirs");
    Ok(())
}

/// Checks instructions and allocations. The answer is whether every must is met.
pub fn bars(bars: &[Bar], items: &[Item]) -> Result<bool> {
    const OPERATIONS: u64 = 1_000;
    let counts = valgrind();
    if !counts {
        println!("valgrind is not on PATH: instructions are skipped, allocations are checked\n");
    }
    println!(
        "{:<4} {:<34} {:>12} {:>8} {:>8} {:>7}  verdict",
        "goal", "item", "instructions", "must", "stretch", "allocs"
    );
    let mut all = true;
    for Bar { number, item: name, must, stretch } in bars {
        let item = Item::find(items, name).ok_or_else(|| format!("no item is named {name}"))?;
        let allocations = allocations(item)?;
        let count = if counts { Some(instructions(item, OPERATIONS)?) } else { None };
        let below = |bar: &Option<f64>| count.zip(*bar).is_none_or(|(count, bar)| count <= bar);
        let met = allocations == 0.0 && below(must);
        let verdict = match () {
            () if !met => "NOT MET",
            () if count.is_some() && stretch.is_some() && below(stretch) => "met, stretch too",
            () => "met",
        };
        let [count, must, stretch] =
            [count, *must, *stretch].map(|n| n.map_or("-".into(), |n| format!("{n:.0}")));
        println!("{number:<4} {name:<34} {count:>12} {must:>8} {stretch:>8} {allocations:>7.1}  {verdict}");
        all &= met;
    }
    Ok(all)
}

/// Prints each item alone; counting instructions takes valgrind, and `operations` runs under it.
pub fn items(items: &[&Item], effort: Effort, operations: Option<u64>) -> Result<()> {
    println!(
        "{:<38} {:>10} {:>10} {:>10} {:>7} {:>12}",
        "item", "median ns", "min ns", "max ns", "allocs", "instructions"
    );
    for item in items {
        let Spread { median, min, max } = alone(item, effort)?;
        let allocations = allocations(item)?;
        let count = operations.map(|operations| instructions(item, operations)).transpose()?;
        let count = count.map_or("-".into(), |count| format!("{count:.0}"));
        println!("{:<38} {median:>10.1} {min:>10.1} {max:>10.1} {allocations:>7.1} {count:>12}", item.name);
    }
    Ok(())
}

fn paired(row: &Row, Pair { ours, peer, ratio }: Pair) -> [String; 6] {
    let noisy = if ratio.max > ratio.min * NOISY { "~" } else { "" };
    let verdict = match ratio.median {
        median if row.stretch.is_some_and(|stretch| median <= stretch) => "met, stretch too",
        median if median <= row.must => "met",
        _ => "NOT MET",
    };
    [
        nanoseconds(ours),
        nanoseconds(peer),
        format!("{noisy}{}", share(ratio.median)),
        format!("{}..{}", share(ratio.min), share(ratio.max)),
        share(ours.min / peer.min),
        verdict.into(),
    ]
}

fn unpaired(ours: &str, peer: &str, verdict: &str) -> [String; 6] {
    [ours, peer, "-", "-", "-", verdict].map(String::from)
}

fn nanoseconds(spread: Spread) -> String {
    format!("{:.1}", spread.median)
}

/// A ratio as people say it: `1/25`, or `0.90x`.
fn share(ratio: f64) -> String {
    if ratio > 0.0 && ratio < 0.5 {
        format!("1/{}", (10.0 / ratio).round() / 10.0)
    } else {
        format!("{ratio:.2}x")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_decides() {
        let row = Row { number: "0", goal: "", ours: "", peer: "", must: 0.5, stretch: Some(0.25) };
        let verdict = |median| {
            let spread = Spread { median, min: median, max: median };
            let [.., verdict] = paired(&row, Pair { ours: spread, peer: spread, ratio: spread });
            verdict
        };
        assert_eq!([0.2, 0.4, 0.6].map(verdict), ["met, stretch too", "met", "NOT MET"]);
    }

    #[test]
    fn shares_read_as_fractions_or_factors() {
        assert_eq!([1.0 / 25.0, 0.9, 1.8].map(share), ["1/25", "0.90x", "1.80x"]);
    }
}
