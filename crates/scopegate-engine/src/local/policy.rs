//! Changing the policy while calls are decided, and looking at it.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use scopegate_core::{ChainedRecord, Name, PolicyError, PolicyRule, Role, ScopeView, ToolView};

use super::{Inner, LocalEnforcer};
use crate::policy::{Policy, PolicyFileError};
use crate::snapshot::Publisher;

/// Why a role was not removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoveRoleError {
    /// There is no such role.
    #[error("unknown role `{0}`")]
    Unknown(Name),
    /// It changes with its pack.
    #[error("role `{role}` is of pack `{pack}`; deploy another version of that")]
    OfPack {
        /// The role that was to be removed.
        role: Name,
        /// Its pack.
        pack: Name,
    },
    /// Another role inherits from it.
    #[error("role `{heir}` inherits from `{role}`; change it first")]
    Inherited {
        /// The role that was to be removed.
        role: Name,
        /// A role that inherits from it.
        heir: Name,
    },
}

impl LocalEnforcer {
    /// Replaces every role at once. Decisions already begun finish with the old policy; sessions
    /// of roles that are gone are over. Where records go does not change, nor does what was registered
    /// of MCP servers beside the policy.
    ///
    /// # Errors
    /// [`PolicyError`]; the old policy stays in force.
    pub fn reload(&self, policy: &Policy) -> Result<(), PolicyError> {
        let mut publisher = self.inner.publisher();
        let before = publisher.policies().to_vec();
        let next = publisher.replace(policy)?;
        self.inner.policy.store(next);
        // What was counted for another rule says nothing of this one.
        let rule = |rules: &[PolicyRule], name: &Name| rules.iter().find(|rule| rule.name == *name).cloned();
        self.inner.shadow().retain(|name| rule(&before, name) == rule(publisher.policies(), name));
        Ok(())
    }

    /// Replaces every role at once from a policy file.
    ///
    /// # Errors
    /// [`PolicyFileError`] with file, line and column; the old policy stays in force.
    pub fn reload_file(&self, path: impl AsRef<Path>) -> Result<(), PolicyFileError> {
        let policy = Policy::from_file(path)?;
        // The file was checked as a whole, so nothing is left to go wrong.
        self.reload(&policy).map_err(|error| PolicyFileError::new(&error.to_string()))
    }

    /// Adds or replaces one role, and whatever inherits from it.
    ///
    /// # Errors
    /// [`PolicyError`]; nothing changed.
    pub fn put_role(&self, role: Role) -> Result<(), PolicyError> {
        let mut publisher = self.inner.publisher();
        let next = publisher.put(role)?;
        self.inner.policy.store(next);
        Ok(())
    }

    /// Removes a role. Its sessions are over.
    ///
    /// # Errors
    /// [`RemoveRoleError`]; nothing changed.
    pub fn remove_role(&self, role: &str) -> Result<(), RemoveRoleError> {
        let mut publisher = self.inner.publisher();
        if let Some(pack) = publisher.pack_of(role) {
            return Err(RemoveRoleError::OfPack { role: role.into(), pack: pack.clone() });
        }
        let next = match publisher.remove(role) {
            None => return Err(RemoveRoleError::Unknown(role.into())),
            Some(Err(heir)) => return Err(RemoveRoleError::Inherited { role: role.into(), heir }),
            Some(Ok(next)) => next,
        };
        self.inner.policy.store(next);
        Ok(())
    }

    /// What sessions of a role may do, after inheritance; `None` when there is no such role.
    pub fn explain(&self, role: &str) -> Option<ScopeView> {
        let slot = self.inner.publisher().find(role)?;
        let guard = self.inner.read();
        let snapshot = self.inner.policy.load(&guard);
        Some(snapshot.scope(slot)?.view(&snapshot.tools))
    }

    /// One tool of a role, at this MCP server or at none, listed or granted by a pattern; `None` when nothing
    /// grants it there.
    pub fn explain_tool(&self, role: &str, tool: &Name, server: Option<&Name>) -> Option<ToolView> {
        let slot = self.inner.publisher().find(role)?;
        let guard = self.inner.read();
        let snapshot = self.inner.policy.load(&guard);
        snapshot.scope(slot)?.view_tool(&snapshot.tools, tool, server)
    }

    /// The names of all roles.
    pub fn roles(&self) -> Vec<Name> {
        self.inner.publisher().roles().keys().cloned().collect()
    }

    /// The last records, when they are kept in memory. The writer may be some milliseconds behind:
    /// [`flush`](Self::flush) first.
    pub fn records(&self) -> Vec<ChainedRecord> {
        self.inner.memory.as_ref().map(crate::records::MemorySink::records).unwrap_or_default()
    }

    /// Waits until every decision so far is recorded; false when records cannot be kept.
    pub async fn flush(&self) -> bool {
        self.inner.journal.flush().await
    }

    /// Why records cannot be kept, if so: then nothing is permitted.
    pub fn record_failure(&self) -> Option<String> {
        self.inner.journal.failure()
    }

    /// Outcomes that were not recorded because the queue was full.
    pub fn lost_outcomes(&self) -> usize {
        self.inner.journal.lost_outcomes()
    }

    /// Reloads the policy file whenever its content changes, looking every `interval`. `report`
    /// hears of every new policy, and why one was refused. A file that is wrong, or missing, keeps the old policy.
    ///
    /// A change is taken up when two looks in a row find the same content, so that a file which is
    /// just being written is not read half: half a policy can be valid, and wider. Writing beside
    /// it and renaming is safer still.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn watch(
        &self,
        path: impl Into<PathBuf>,
        interval: Duration,
        mut report: impl FnMut(Result<(), PolicyFileError>) + Send + 'static,
    ) -> std::io::Result<Watch> {
        let (mut watched, enforcer) = (Watched::new(path.into()), self.clone());
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::Builder::new().name("scopegate-policy".to_owned()).spawn(move || {
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                if let Some(outcome) = watched.look().and_then(|found| enforcer.take_up(found, &watched.path))
                {
                    if let Err(error) = &outcome {
                        tracing::warn!(%error, "the old policy stays in force");
                    }
                    report(outcome);
                }
            }
        })?;
        Ok(Watch { stop: Some(stop), thread: Some(thread) })
    }

    /// Reloads what was found; `None` when it is the policy in force already.
    fn take_up(&self, found: Found, path: &Path) -> Option<Result<(), PolicyFileError>> {
        let file = path.display().to_string();
        let read = found.map_err(|error| PolicyFileError::unreadable(&file, &error.to_string()));
        let policy = match read.and_then(|text| Policy::from_text(&text, &file)) {
            Ok(policy) => policy,
            Err(error) => return Some(Err(error)),
        };
        if self.inner.publisher().holds(&policy) {
            return None;
        }
        Some(self.reload(&policy).map_err(|error| PolicyFileError::new(&error.to_string())))
    }
}

/// What a look at the file found.
type Found = Result<String, std::io::Error>;

/// A file, and what the last look at it found.
struct Watched {
    path: PathBuf,
    last: Option<String>,
    /// What was taken up; `None` before the first time.
    taken: Option<Option<String>>,
}

impl Watched {
    fn new(path: PathBuf) -> Self {
        Self { path, last: None, taken: None }
    }

    /// The content, once it is new and two looks agree on it.
    fn look(&mut self) -> Option<Found> {
        let found = std::fs::read_to_string(&self.path);
        let text = found.as_ref().ok().cloned();
        let settled = text == self.last;
        self.last = text;
        if !settled || self.taken.as_ref() == Some(&self.last) {
            return None;
        }
        self.taken = Some(self.last.clone());
        Some(found)
    }
}

/// Watches a policy file until it is dropped.
#[must_use = "the file is watched only while this is kept"]
#[derive(Debug)]
pub struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop = None; // hangs up: the thread ends
        if let Some(thread) = self.thread.take() {
            // A panic in `report` has been printed by the thread itself.
            let _ = thread.join();
        }
    }
}

impl Inner {
    pub(super) fn publisher(&self) -> MutexGuard<'_, Publisher> {
        // The publisher changes its state last in every step, so a panic leaves it whole.
        self.publisher.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Watched;

    #[test]
    fn takes_up_what_two_looks_agree_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        let mut watched = Watched::new(path.clone());
        let mut look = |write: Option<&str>| {
            write.iter().for_each(|text| std::fs::write(&path, text).unwrap());
            watched.look().map(Result::unwrap)
        };
        assert_eq!(look(Some("half")), None);
        assert_eq!(look(Some("half, and the rest")), None);
        assert_eq!(look(None).as_deref(), Some("half, and the rest"));
        assert_eq!(look(None), None, "once is enough");
        assert_eq!(look(Some("next")), None);
        assert_eq!(look(None).as_deref(), Some("next"));
    }
}
