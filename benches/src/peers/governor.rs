//! governor: one check of a limiter keyed by session name, a thousand sessions in turn, none ever limited.

use std::num::NonZeroU32;
use std::time::Duration;

use ::governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::harness::Item;

const SESSIONS: usize = 1_000;

pub(super) fn items() -> Vec<Item> {
    let build = || {
        // A cell each nanosecond is more than a check can use up.
        let quota = Quota::with_period(Duration::from_nanos(1)).ok_or("a period of nothing")?;
        let limiter = RateLimiter::keyed(quota.allow_burst(NonZeroU32::MAX));
        let names: Vec<_> = (0..SESSIONS).map(|index| format!("sess-{index:06}")).collect();
        // A session's first check allocates its entry; those that are measured find it.
        names.iter().try_for_each(|name| limiter.check_key(name).map_err(|limited| limited.to_string()))?;
        Ok(Sessions { limiter, names, next: 0 })
    };
    vec![Item::new("governor/keyed", build, Sessions::check, |conforms| *conforms)]
}

struct Sessions {
    limiter: DefaultKeyedRateLimiter<String>,
    names: Vec<String>,
    next: usize,
}

impl Sessions {
    fn check(&mut self) -> bool {
        self.next = (self.next + 1) % SESSIONS;
        self.names.get(self.next).is_some_and(|name| self.limiter.check_key(name).is_ok())
    }
}
