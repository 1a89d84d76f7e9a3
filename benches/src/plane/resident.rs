//! How much memory a plane holds that has much to remember.

use super::servers::{Plane, role};
use crate::Result;

const ROLES: usize = 1_000;
const SESSIONS: usize = 100_000;
/// Callers that open sessions at a time.
const CALLERS: usize = 16;

/// MiB, with 1,000 roles and 100,000 sessions; and with nothing.
pub(super) fn resident() -> Result<(f64, f64)> {
    let plane = Plane::start("buffered")?;
    let empty = plane.server.resident();
    for index in 1..ROLES {
        plane.ask("/mgmt/v1/roles", &role(index), 201)?;
    }
    std::thread::scope(|scope| {
        let open = |caller: usize| {
            let mut mine = (caller..SESSIONS).step_by(CALLERS);
            mine.try_for_each(|n| plane.provision(n % ROLES).map(drop))
        };
        let callers: Vec<_> = (0..CALLERS).map(|caller| scope.spawn(move || open(caller))).collect();
        callers.into_iter().try_for_each(|caller| caller.join().map_err(|_| "a caller panicked")?)
    })?;
    Ok((plane.server.resident(), empty))
}
