//! A process group: a server and all it started.

use std::process::{Child, Command};

#[cfg(unix)]
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// A group that has the child's number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    #[cfg(unix)]
    leader: Option<Pid>,
}

/// The command will lead a group of its own.
pub(super) fn own(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

#[cfg(unix)]
impl Group {
    pub(super) fn of(child: &Child) -> Self {
        Self { leader: i32::try_from(child.id()).ok().and_then(Pid::from_raw) }
    }

    /// Whether the leader has ended. Its number stays taken until somebody waits for it.
    pub(super) fn leader_is_over(self) -> bool {
        let Some(leader) = self.leader else { return true };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(leader), look), Ok(None))
    }

    pub(super) fn ask(self) {
        self.signal(Signal::TERM);
    }

    pub(super) fn kill(self) {
        self.signal(Signal::KILL);
    }

    /// A group that is gone already is no error.
    fn signal(self, signal: Signal) {
        if let Some(leader) = self.leader {
            let _ = kill_process_group(leader, signal);
        }
    }
}

#[cfg(not(unix))]
impl Group {
    pub(super) fn of(_: &Child) -> Self {
        Self {}
    }

    pub(super) fn leader_is_over(self) -> bool {
        false
    }

    pub(super) fn ask(self) {}

    pub(super) fn kill(self) {}
}
