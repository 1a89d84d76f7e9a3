//! The embedded enforcer: decides in this process, with a policy file and no network.

mod advance;
mod beside;
mod books;
mod budgets;
mod builder;
mod catalogues;
#[cfg(test)]
mod duties;
mod enforce;
mod grants;
mod manifests;
mod packs;
#[cfg(test)]
mod patterns;
mod policies;
mod policy;
mod redeem;
mod reviews;
mod sessions;
mod step;
mod under_grant;
mod verdict;

use std::sync::{Arc, Mutex};

use scopegate_core::{Name, ShadowReport, Timestamp};
use seize::{Collector, LocalGuard};

pub(crate) use self::beside::Beside;
pub use self::builder::{BuildError, LocalBuilder};
pub use self::packs::PackView;
pub use self::policies::PromoteError;
pub use self::policy::{RemoveRoleError, Watch};
pub use self::sessions::{CallBudget, SessionView};
use crate::clock::Monotone;
use crate::credentials::CredentialSource;
use crate::grants::GrantBook;
use crate::records::{Journal, MemorySink};
use crate::reviews::ReviewBook;
use crate::session::SessionBook;
use crate::snapshot::{Published, Publisher};
use crate::trust::TrustBook;

/// Decides in this process. Cheap to clone; clones share everything.
///
/// # Examples
/// ```
/// use scopegate_core::{AccessRequest, Args, Decision, Enforcer, Provision, Quick, Role, ToolCall};
/// use scopegate_engine::{LocalEnforcer, Policy};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let enforcer = LocalEnforcer::new(Policy::new([Role::new("reader").allow(["read_file"])]))?;
/// let session = enforcer.open(Provision::new("reader", "agent-7"))?;
///
/// let call = ToolCall::new("read_file").with_args(Args::parse(r#"{"path": "/tmp/a"}"#));
/// let answer = enforcer.try_enforce(&AccessRequest::new(session.principal.as_ref(), &call));
/// assert!(matches!(answer, Quick::Decided(Decision::Permit(_))));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct LocalEnforcer {
    inner: Arc<Inner>,
}

struct Inner {
    /// Keeps what readers find alive until they are done.
    collector: Arc<Collector>,
    policy: Published,
    publisher: Mutex<Publisher>,
    sessions: SessionBook,
    reviews: ReviewBook,
    grants: GrantBook,
    trust: TrustBook,
    /// What policies in the shadow would have done.
    shadow: Mutex<ShadowReport>,
    journal: Journal,
    memory: Option<MemorySink>,
    clock: Monotone,
    env: Option<Name>,
    credentials: Arc<dyn CredentialSource>,
}

impl Inner {
    #[inline]
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whoever looks at sessions or the policy holds this meanwhile.
    #[inline]
    fn read(&self) -> LocalGuard<'_> {
        self.collector.enter()
    }
}

impl std::fmt::Debug for LocalEnforcer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalEnforcer").field("env", &self.inner.env).finish_non_exhaustive()
    }
}
