//! How much one decision may cost: counted in steps, because there is no clock here. The same call costs
//! the same steps everywhere, so an agent's process and a plane agree on what is too much.

use core::cell::Cell;

/// A step is about what looking at one byte takes, so that many of them take about 50 ms.
const STEPS: i64 = 10_000_000;
/// For each element that a `[*]` visits.
pub(crate) const ELEMENT: usize = 8;

/// What is left for one decision. Rules pay before they work; what cannot be paid for does not hold.
#[derive(Debug)]
pub(crate) struct Budget(Cell<i64>);

impl Budget {
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Self(Cell::new(STEPS))
    }

    /// Pays for so many steps; false once there are not enough, and from then on.
    #[inline(always)]
    pub(crate) fn pay(&self, steps: usize) -> bool {
        // More than all there is, and still far from what the counter can hold.
        const MOST: usize = u32::MAX as usize;
        let left = self.0.get() - steps.min(MOST) as i64;
        self.0.set(left);
        left >= 0
    }

    /// Whether something was not done for want of steps, so that nothing is known but this.
    #[inline(always)]
    pub(crate) fn is_used_up(&self) -> bool {
        self.0.get() < 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_up_stays_used_up() {
        let budget = Budget::new();
        assert!(budget.pay(STEPS as usize) && budget.pay(0) && !budget.is_used_up(), "to the last step");
        assert!(!budget.pay(1) && budget.is_used_up() && !budget.pay(0));
        assert!(!Budget::new().pay(i64::MAX as usize));
    }
}
