//! What roles and sessions take, and how long many roles take to compile.

use std::time::{Duration, Instant};

use scopegate_core::{Provision, Role};
use scopegate_engine::RecordsSpec;

use super::agent;
use super::scale::MANY;
use crate::Result;
use crate::harness::kept;
use crate::workload;

/// Bytes and time of many roles, and of as many sessions.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// Bytes a role takes that decisions read.
    pub role: f64,
    /// Bytes its source takes, which an enforcer keeps beside it, to recompile heirs.
    pub source: f64,
    /// Bytes the first session of an owner takes, with the owner and its rate accounts.
    pub session: f64,
    /// Bytes one more session of an owner takes, in the same role.
    pub another: f64,
    /// How long compiling all the roles takes and putting them in force.
    pub load: Duration,
}

/// Measures them.
pub fn footprint() -> Result<Footprint> {
    let fresh: Vec<Role> = (0..MANY).map(|index| agent::role(index, 3)).collect();
    // A copy has no room to spare, and neither have the copies that the enforcer makes of it.
    let (source, roles) = kept(|| fresh.clone());
    let start = Instant::now();
    let (compiled, enforcer) = kept(|| agent::enforcer(roles, RecordsSpec::None));
    let load = start.elapsed();
    let enforcer = enforcer?;
    drop(fresh); // not earlier: copies share its long names, which would be counted as given back
    // The roles that went in are given back within, after the enforcer has copied them: they cancel out.
    let open_all = || {
        let mut names =
            (0..MANY).map(|index| Provision::new(workload::role(index), format!("agent-{index}")));
        names.try_for_each(|request| enforcer.open(request).map(drop))
    };
    let (sessions, opened) = kept(open_all);
    opened?;
    let (others, opened) = kept(open_all);
    opened?;
    let each = |bytes: i64| bytes as f64 / MANY as f64;
    Ok(Footprint {
        role: each(compiled),
        source: each(source),
        session: each(sessions),
        another: each(others),
        load,
    })
}
