//! Exit codes: the one place where outcomes become numbers. They are API and never change.

use std::fmt;
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The call is permitted; or all is well.
    Ok = 0,
    /// The call is denied; or what was looked at is not as it should be.
    Denied = 1,
    /// The command cannot be carried out as it was given.
    Usage = 2,
    /// A person has to agree to the call.
    Held = 3,
    /// There is no answer, or it could not be delivered. Never treat this as a permit.
    NoAnswer = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that ends early: the message for people and the code for scripts.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
}

impl Failure {
    /// The command cannot be carried out as it was given; the message says what to change.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }

    /// The same failure, with what else has to be said.
    pub(crate) fn and(mut self, more: &str) -> Self {
        self.message = format!("{}\n{more}", self.message);
        self
    }

    /// There is no answer.
    pub(crate) fn no_answer(message: impl fmt::Display) -> Self {
        Self { exit: Exit::NoAnswer, message: message.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
