//! The breaker, under any interleaving of calls that begin and end.

use std::time::Duration;

use proptest::prelude::*;
use scopegate_core::{Attempt, Breaker, Ended};

use super::cases;

/// After so many milliseconds: begin a call, or end one of those that are out.
type Step = (u64, Option<(usize, Ended)>);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ended = prop::sample::select(vec![
        Ended::Unreachable,
        Ended::Unreachable,
        Ended::Unreachable,
        Ended::Answered,
        Ended::Abandoned,
    ]);
    let pause = prop_oneof![5 => 0..500u64, 1 => 25_000..40_000u64];
    prop::collection::vec((pause, prop::option::weighted(0.6, (any::<usize>(), ended))), 1..200)
}

/// Ends one of the calls that are out.
fn end(breaker: &mut Breaker, out: &mut Vec<Attempt>, which: usize, how: Ended, now: Duration) -> bool {
    if out.is_empty() {
        return false;
    }
    let which = which % out.len();
    breaker.end(out.swap_remove(which), how, now);
    true
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn open_means_no_call(steps in steps()) {
        let (mut breaker, mut out, mut now) = (Breaker::new(), Vec::new(), Duration::ZERO);
        // Until when no call may go out, as far as was told; and failures since anything else.
        let (mut closed_until, mut failures) = (Duration::ZERO, 0);
        for (later, step) in steps {
            now += Duration::from_millis(later);
            match step {
                None => match breaker.begin(now) {
                    Ok(attempt) => {
                        prop_assert!(now >= closed_until, "a call went out while the breaker was open");
                        out.push(attempt);
                    }
                    Err(open) => {
                        prop_assert!(now < open.until && open.until <= now + Breaker::PAUSE);
                        prop_assert!(failures >= Breaker::FAILURES, "open after {} failures", failures);
                        // A probe that is given up frees the way early; nothing else does.
                        closed_until = open.until;
                    }
                },
                Some((which, how)) => {
                    if end(&mut breaker, &mut out, which, how, now) && how == Ended::Unreachable {
                        failures += 1;
                    } else {
                        closed_until = Duration::ZERO;
                    }
                }
            }
        }
        // It never stays open without a failure of its own.
        let later = now + Breaker::PAUSE;
        let probe = breaker.begin(later);
        prop_assert!(probe.is_ok());
        breaker.end(probe.expect("a probe"), Ended::Answered, later);
        prop_assert!(breaker.begin(later).is_ok() && breaker.begin(later).is_ok());
    }

    #[test]
    fn whatever_was_before_five_failures_open_it(steps in steps()) {
        let (mut breaker, mut out, mut now) = (Breaker::new(), Vec::new(), Duration::ZERO);
        for (later, step) in steps {
            now += Duration::from_millis(later);
            match step {
                None => out.extend(breaker.begin(now)),
                Some((which, how)) => drop(end(&mut breaker, &mut out, which, how, now)),
            }
        }
        now += Breaker::PAUSE;
        let began = (0..Breaker::FAILURES)
            .map_while(|_| breaker.begin(now).ok().map(|call| breaker.end(call, Ended::Unreachable, now)))
            .count();
        prop_assert!(began >= 1, "it was stuck");
        let open = breaker.begin(now);
        prop_assert_eq!(open.map_err(|open| open.until), Err(now + Breaker::PAUSE));
    }

    /// One probe at a time: until it has ended or its time is over, no other call goes out.
    #[test]
    fn one_probe_at_a_time(waits in prop::collection::vec(0..29_999u64, 0..20)) {
        let (mut breaker, mut now) = (Breaker::new(), Duration::ZERO);
        for _ in 0..Breaker::FAILURES {
            let call = breaker.begin(now).expect("closed");
            breaker.end(call, Ended::Unreachable, now);
        }
        now += Breaker::PAUSE;
        let probe = breaker.begin(now).expect("a probe");
        for wait in waits {
            prop_assert!(breaker.begin(now + Duration::from_millis(wait)).is_err());
        }
        breaker.end(probe, Ended::Unreachable, now);
        prop_assert!(breaker.begin(now + Duration::from_millis(29_999)).is_err());
    }
}
