//! What a record holds beside a decision: what shadow policies would have said, and what became of trust.

use std::sync::PoisonError;

use scopegate_core::{
    Answered, Asked, DenyCode, Link, Policies, ShadowExample, Shadowed, TrustMove, TrustStep, TrustUse,
    shadow,
};

use super::step::{Step, is_about_the_session};

/// What few records have: only where policies ask for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    pub(crate) shadow: Option<Shadowed>,
    pub(crate) trust: Option<TrustMove>,
}

/// An answer that stands, and is about to be recorded.
#[derive(Clone, Copy)]
pub(super) enum Given {
    Permit {
        /// A reviewer had agreed.
        agreed: bool,
    },
    Hold {
        /// A review was opened for it.
        opened: bool,
    },
    Deny(DenyCode),
}

impl Step<'_> {
    /// Looks at what was answered with the policies that cannot change it, and moves trust.
    #[inline(always)]
    pub(super) fn beside(&self, given: Given) -> Option<Box<Beside>> {
        let looked_at = self.snapshot.policies.as_deref().is_some_and(Policies::has_shadow);
        if looked_at || self.trust.is_some() { self.look(looked_at, given) } else { None }
    }

    #[inline(never)]
    fn look(&self, looked_at: bool, given: Given) -> Option<Box<Beside>> {
        // Nothing was judged but the session.
        if let Given::Deny(code) = given
            && is_about_the_session(code)
        {
            return self.still().map(|trust| Box::new(Beside { shadow: None, trust: Some(trust) }));
        }
        let shadow = if looked_at { self.shadow(given) } else { None };
        let beside = Beside { shadow, trust: self.move_trust(given) };
        (beside.shadow.is_some() || beside.trust.is_some()).then(|| Box::new(beside))
    }

    fn shadow(&self, given: Given) -> Option<Shadowed> {
        let links: Vec<Link<'_>> =
            self.place.session.chain().map(|session| session.link(self.snapshot)).collect();
        let call = self.request.call;
        let pass = shadow(&self.facts(&links, &[], Asked::NotLoaded, &[]), call, self.now, given.answered())?;
        let (at, owner, tool) = (self.now, self.place.session.owner().clone(), call.tool.clone());
        let example = ShadowExample { at, session: self.place.session.id, owner, tool };
        let report = self.inner.shadow.lock();
        report.unwrap_or_else(PoisonError::into_inner).add(&pass, &example);
        pass.record()
    }

    /// Trust as it is and stays, for whoever wants it told.
    fn still(&self) -> Option<TrustMove> {
        let level = self.trust.filter(|_| self.request.trust != TrustUse::WhereRead)?.get();
        Some(TrustMove { was: level, is: level })
    }

    fn move_trust(&self, given: Given) -> Option<TrustMove> {
        let account = self.trust?;
        if self.request.trust == TrustUse::Still {
            return self.still();
        }
        let step = match given {
            Given::Permit { .. } => TrustStep::Permitted,
            Given::Hold { opened: true } => TrustStep::Held,
            // To ask again, and what went wrong inside, says nothing of the agent.
            Given::Hold { opened: false } | Given::Deny(DenyCode::PolicyError) => return self.still(),
            Given::Deny(_) => TrustStep::Denied,
        };
        let moved = TrustMove::from(account.get(), step);
        account.set(moved.is);
        Some(moved)
    }
}

impl Given {
    fn answered(self) -> Answered {
        match self {
            Self::Permit { agreed: true } => Answered::Agreed,
            Self::Permit { agreed: false } => Answered::Permitted,
            Self::Hold { .. } => Answered::Held,
            Self::Deny(_) => Answered::Denied,
        }
    }
}
