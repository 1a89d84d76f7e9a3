//! A limit of N per window admits at most N + N·t/window calls over any span t, and no fewer than
//! it promises.

use proptest::prelude::*;
use scopegate_core::{Quota, Timestamp, Window};

use super::cases;
use crate::engine::{NOON, World, call};

fn window() -> impl Strategy<Value = (Window, u64)> {
    prop_oneof![Just((Window::Minute, 60_000_000_000)), Just((Window::Hour, 3_600_000_000_000))]
}

/// Gaps between calls: none, a nanosecond, around an interval, or anything.
fn gaps(limit: u64, window: u64) -> impl Strategy<Value = Vec<u64>> {
    let interval = window.div_ceil(limit);
    let gap = prop_oneof![
        4 => Just(0_u64),
        1 => Just(1_u64),
        2 => interval - 1..=interval + 1,
        1 => 0..=window,
        1 => 0..=3 * interval,
    ];
    prop::collection::vec(gap, 1..150)
}

fn limited() -> impl Strategy<Value = (u64, (Window, u64), Vec<u64>)> {
    let limit = prop_oneof![1_u64..=5, 1_u64..=60, Just(7_u64), Just(999_983_u64), Just(1_000_000_u64)];
    (limit, window()).prop_flat_map(|(limit, window)| (Just(limit), Just(window), gaps(limit, window.1)))
}

/// The bound, over every span between two admitted calls, in exact integers.
fn check(admitted: &[u64], limit: u64, window: u64) -> Result<(), TestCaseError> {
    for (from, first) in admitted.iter().enumerate() {
        for (count, last) in (1_u128..).zip(&admitted[from..]) {
            let more = count.saturating_sub(u128::from(limit)) * u128::from(window);
            let allowed = u128::from(limit) * u128::from(last - first);
            prop_assert!(more <= allowed, "{count} calls in {} ns of {limit} per {window} ns", last - first);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn never_more_than_the_bound((limit, (kind, window), gaps) in limited()) {
        let quota = Quota::new(limit, kind).expect("a limit above zero");
        let (mut account, mut now, mut admitted) = (0, NOON.nanos(), Vec::new());
        for gap in gaps {
            now += gap;
            match quota.spend(account, Timestamp::from_nanos(now)) {
                Ok(next) => {
                    account = next;
                    admitted.push(now);
                }
                Err(until) => {
                    prop_assert!(until.nanos() > now, "a refusal ends later than now");
                    prop_assert!(quota.spend(account, until).is_ok(), "and then there is room");
                    let early = Timestamp::from_nanos(until.nanos() - 1);
                    prop_assert!(quota.spend(account, early).is_err(), "and not before");
                }
            }
        }
        check(&admitted, limit, window)?;
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn the_engine_keeps_the_bound_even_when_its_clock_steps_back(
        minute in 1_u64..20, hour in 1_u64..60, by_session: bool,
        steps in prop::collection::vec((0_u64..20_000_000_000, any::<bool>(), 0_usize..3), 1..120),
    ) {
        let scope = if by_session { "session" } else { "key" };
        let world = World::new(&format!(
            "{{version: 1, records: none, roles: [{{name: r, allowed_tools: [t], rate_scope: {scope}, \
             rate_limit_per_minute: {minute}, rate_limit_per_hour: {hour}, default_ttl_seconds: 864000}}]}}"
        ));
        let sessions = [(); 3].map(|()| world.open("r", "ann"));
        let mut admitted = vec![Vec::new(); 3];
        let (mut now, mut latest) = (NOON.nanos(), NOON.nanos());
        for (gap, back, session) in steps {
            now = if back && gap % 5 == 0 { now.saturating_sub(gap) } else { now + gap };
            latest = latest.max(now);
            world.clock.set(Timestamp::from_nanos(now));
            if world.ask(&sessions[session], &call("t", "{}")) == "PERMIT" {
                admitted[session].push(latest);
            }
        }
        let mut all: Vec<u64> = admitted.iter().flatten().copied().collect();
        all.sort_unstable();
        let factor = if by_session { 10 } else { 1 };
        for (limit, window) in [(minute, 60_000_000_000), (hour, 3_600_000_000_000)] {
            check(&all, limit * factor, window)?;
            for of_session in &admitted {
                check(of_session, limit, window)?;
            }
        }
    }
}
