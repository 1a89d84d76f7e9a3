//! Two threads that decide at the same time.

use std::sync::Barrier;
use std::time::Instant;

use scopegate_engine::RecordsSpec;

use super::agent::{self, Agent};
use crate::Result;
use crate::workload::{self, Case};

/// Calls a thread makes in a round: fewer than its agent may.
const CALLS: u32 = 50_000;

/// How many times as many calls two threads get answered as one does, each in a session of its own: the best
/// round of either.
pub fn gain(rounds: usize) -> Result<f64> {
    let enforcer = agent::enforcer([agent::role(0, 3)], RecordsSpec::None)?;
    let mut agents = [agent(&enforcer, 0)?, agent(&enforcer, 1)?];
    let (mut one, mut two) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..rounds {
        agents.iter_mut().for_each(Agent::replace);
        let [first, second] = &mut agents;
        one = one.min(ask(first));
        first.replace();
        let start = Barrier::new(2);
        let together = std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                start.wait();
                ask(second)
            });
            start.wait();
            let own = ask(first);
            own.max(other.join().unwrap_or(f64::INFINITY))
        });
        two = two.min(together);
    }
    Ok(2.0 * one / two)
}

fn agent(enforcer: &scopegate_engine::LocalEnforcer, number: u64) -> Result<Agent> {
    let mut agent = Agent::new(enforcer.clone(), workload::role(0), agent::call(Case::Allow))?;
    agent.number(2 + number);
    Ok(agent)
}

fn ask(agent: &mut Agent) -> f64 {
    let start = Instant::now();
    for _ in 0..CALLS {
        std::hint::black_box(agent.ask());
    }
    start.elapsed().as_secs_f64()
}
