//! What a model is told when its call did not run: which tool, why, and what to do now. Every
//! adapter says it with these words.

use crate::denial::{Denial, DenyCode, Detail};
use crate::gate::Refusal;
use crate::id::ReviewId;
use crate::stopped::{Stopped, Unready};
use crate::time::Timestamp;

/// How much of a refusal a model is told. What it may do about it, it is told at every level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "every adapter words every level")]
pub enum Disclosure {
    /// The code.
    Code,
    /// Also what is wrong with the call, and what would pass: `amount must be at most 100`.
    #[default]
    Reason,
    /// Also the policy's own names: roles, patterns, environments, credentials.
    Detail,
}

/// A refusal as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// For the model.
    pub text: String,
    /// For the host: the stable code.
    pub code: &'static str,
    /// For the host: what may be done about it.
    pub guidance: &'static str,
    /// For the host: the review that the call waits for, or that refused it.
    pub review: Option<ReviewId>,
    /// For the host: when asking again makes sense, or a held call stops waiting.
    pub until: Option<Timestamp>,
}

impl Stopped {
    /// What to tell a model whose call of `tool` did not run.
    pub fn notice(&self, tool: &str, level: Disclosure) -> Notice {
        let code = self.code();
        let why = match level {
            Disclosure::Code => String::new(),
            Disclosure::Reason => format!(": {}", self.reason()),
            Disclosure::Detail => format!(": {}", self.detail()),
        };
        let text = format!("`{tool}` was not run{why} ({code}). {}", self.advice());
        Notice { text, code, guidance: self.guidance(), review: self.review(), until: self.until() }
    }

    /// What concerns the call itself, and nothing of the policy's own names.
    fn reason(&self) -> String {
        match self {
            Self::Refused(Refusal::Denied(denial)) => denial.reason(),
            Self::Refused(Refusal::Held(hold)) => {
                format!("it waits for a person to agree, until {}", hold.expires_at)
            }
            // What went wrong inside is for the operator.
            Self::Refused(Refusal::Undecided(_)) => "no decision could be made".to_owned(),
            Self::Unready(Unready::NotOpened(_)) => "no session could be opened".to_owned(),
            Self::Unready(Unready::Credential(_)) => {
                "its credential cannot be handed to it from here".to_owned()
            }
            Self::Unready(unready) => unready.to_string(),
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Refused(Refusal::Denied(denial)) => denial.to_string(),
            Self::Unready(unready) => unready.to_string(),
            Self::Refused(_) => self.reason(),
        }
    }

    /// What to do now.
    fn advice(&self) -> String {
        if let Self::Refused(Refusal::Held(hold)) = self {
            return format!(
                "Review {} is open. Once a person has agreed, call it again with exactly the same arguments; \
                 do not try another way.",
                hold.review
            );
        }
        let advice = match self.guidance() {
            "fix_arguments" => "Correct the arguments and call it again.",
            "retry_later" => "Try again later.",
            "reprovision" => "The session is over, and only whoever runs you can open another.",
            _ if self.is_final() => "Do not ask for this call again.",
            _ => "Calling it again will not help: do without it, or say what you could not do.",
        };
        advice.to_owned()
    }

    /// Whether a person said no.
    fn is_final(&self) -> bool {
        match self {
            Self::Refused(Refusal::Denied(denial)) => denial.code == DenyCode::ApprovalRejected,
            Self::Unready(unready) => *unready == Unready::Declined,
            Self::Refused(_) => false,
        }
    }

    fn guidance(&self) -> &'static str {
        match self {
            Self::Refused(Refusal::Denied(denial)) => denial.code.retry_guidance(),
            Self::Refused(Refusal::Held(_)) => "await_review",
            Self::Refused(Refusal::Undecided(_)) => "retry_later",
            Self::Unready(Unready::Arguments(_)) => "fix_arguments",
            Self::Unready(_) => "none",
        }
    }

    fn review(&self) -> Option<ReviewId> {
        match self {
            Self::Refused(Refusal::Held(hold)) => Some(hold.review),
            Self::Refused(Refusal::Denied(Denial { detail: Detail::Review(review, _), .. })) => Some(*review),
            _ => None,
        }
    }

    fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Refused(Refusal::Held(hold)) => Some(hold.expires_at),
            Self::Refused(Refusal::Denied(denial)) => match denial.detail {
                Detail::Until(until) | Detail::Limit(_, until) | Detail::Review(_, until) => Some(until),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Denial {
    /// The denial in words that name nothing of the policy but the rule that the call broke.
    fn reason(&self) -> String {
        let plain = match self.code {
            DenyCode::ActionForbidden => "the policy forbids it",
            DenyCode::ScopeViolation if matches!(self.detail, Detail::Grant(_)) => {
                "the grant does not admit it"
            }
            DenyCode::ScopeViolation => "the policy does not grant it",
            DenyCode::CredentialViolation => "its credential is not available",
            DenyCode::EnvViolation => "not in this environment",
            _ => return self.to_string(),
        };
        plain.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Hold;
    use crate::enforcer::{EnforceError, ProvisionError};
    use crate::json::JsonError;
    use crate::role::ApprovalBy;

    fn denied(code: DenyCode, detail: Detail) -> Stopped {
        Refusal::Denied(Denial::with(code, detail)).into()
    }

    #[test]
    fn each_level_tells_more_than_the_one_before() {
        let forbidden = denied(DenyCode::ActionForbidden, Detail::Name("delete_*".into()));
        let advice = "Calling it again will not help: do without it, or say what you could not do.";
        for (level, why) in [
            (Disclosure::Code, ""),
            (Disclosure::Reason, ": the policy forbids it"),
            (Disclosure::Detail, ": forbidden by `delete_*`"),
        ] {
            let told = forbidden.notice("delete_mail", level).text;
            assert_eq!(told, format!("`delete_mail` was not run{why} (ACTION_FORBIDDEN). {advice}"));
        }
    }

    #[test]
    fn the_default_says_what_would_pass() {
        let rule = denied(DenyCode::ParameterViolation, Detail::Rule("`amount` must be at most 100".into()));
        let notice = rule.notice("pay", Disclosure::default());
        assert_eq!(
            notice.text,
            "`pay` was not run: `amount` must be at most 100 (PARAMETER_VIOLATION). \
             Correct the arguments and call it again."
        );
        assert_eq!((notice.code, notice.guidance), ("PARAMETER_VIOLATION", "fix_arguments"));
        let at = Timestamp::default();
        let limit = denied(DenyCode::RateLimitExceeded, Detail::Until(at)).notice("pay", Disclosure::Reason);
        assert!(limit.text.ends_with("(RATE_LIMIT_EXCEEDED). Try again later."), "{}", limit.text);
        assert_eq!(limit.until, Some(at));
    }

    #[test]
    fn a_held_call_names_its_review_at_every_level() {
        let review = ReviewId::from_bits(7);
        let held: Stopped =
            Refusal::Held(Hold { review, expires_at: Timestamp::default(), by: ApprovalBy::Reviewer }).into();
        for level in [Disclosure::Code, Disclosure::Reason, Disclosure::Detail] {
            let notice = held.notice("pay", level);
            assert!(notice.text.contains(&format!("(HELD). Review {review} is open.")), "{}", notice.text);
            assert_eq!((notice.review, notice.guidance), (Some(review), "await_review"));
        }
    }

    #[test]
    fn what_went_wrong_inside_is_never_told() {
        let host = "10.1.2.3 refused";
        let unreachable = Refusal::Undecided(EnforceError::Unreachable(host.to_owned())).into();
        let unopened = Unready::NotOpened(ProvisionError::UnknownRole("treasurer".into())).into();
        let unhanded = Unready::Credential("erp-key".into()).into();
        for (stopped, secret, most) in [
            (unreachable, host, Disclosure::Detail),
            (unopened, "treasurer", Disclosure::Reason),
            (unhanded, "erp-key", Disclosure::Reason),
            (denied(DenyCode::ScopeViolation, Detail::Name("clerk".into())), "clerk", Disclosure::Reason),
            (denied(DenyCode::EnvViolation, Detail::Name("prod".into())), "prod", Disclosure::Reason),
        ] {
            let stopped: Stopped = stopped;
            for level in [Disclosure::Code, Disclosure::Reason, Disclosure::Detail] {
                let told = stopped.notice("pay", level).text;
                assert!(level > most || !told.contains(secret), "{told}");
            }
        }
        let unread: Stopped = Unready::Arguments(JsonError::NotAnObject).into();
        assert!(unread.notice("pay", Disclosure::Reason).text.contains("Correct the arguments"));
    }
}
