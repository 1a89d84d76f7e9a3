//! A decision as the command line tells it.

use std::fmt;

use scopegate_core::{Decision, DenyCode, Hold};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;

/// The three answers, from the widest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Permit,
    Hold,
    Deny,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permit => "permit",
            Self::Hold => "hold",
            Self::Deny => "deny",
        })
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Permit => Self::Ok,
            Verdict::Hold => Self::Held,
            Verdict::Deny => Self::Denied,
        }
    }
}

/// A verdict and why.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    pub(crate) code: Option<DenyCode>,
    pub(crate) reason: Option<String>,
    pub(crate) hold: Option<Hold>,
}

impl From<Decision> for Answer {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Permit(_) => Self { verdict: Verdict::Permit, code: None, reason: None, hold: None },
            Decision::Deny(denial) => Self {
                verdict: Verdict::Deny,
                code: Some(denial.code),
                reason: Some(denial.to_string()),
                hold: None,
            },
            Decision::Hold(hold) => Self {
                verdict: Verdict::Hold,
                code: None,
                reason: Some("a person has to agree to this call".to_owned()),
                hold: Some(hold),
            },
        }
    }
}
