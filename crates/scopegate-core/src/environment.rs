//! Line 8: the environment the call acts in.

use crate::call::ToolCall;
use crate::constraint::top;
use crate::denial::{Denial, DenyCode, Detail};
use crate::facts::Facts;
use crate::grant::Granted;
use crate::id::Name;
use crate::json::{Expected, Json, Members};

/// The argument that names the environment.
const FIELD: &str = "env";
static NAME: Expected = Expected::new(FIELD);

/// The environments a role allows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Environments {
    pub(crate) allowed: Box<[Name]>,
    /// Whether a call that names none passes.
    pub(crate) optional: bool,
}

impl Environments {
    /// Both must allow it.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let allowed = self.allowed.iter().filter(|env| other.allowed.contains(env)).cloned().collect();
        Self { allowed, optional: self.optional && other.optional }
    }

    /// How it reads.
    pub(crate) fn words(&self) -> String {
        let optional = if self.optional { ", if given," } else { "" };
        format!("`{FIELD}`{optional} must be one of: {}", self.allowed.join(", "))
    }
}

#[inline(always)]
pub(crate) fn check(
    facts: &Facts<'_>,
    granted: &[Granted<'_>],
    call: &ToolCall,
    args: Option<&Members<'_>>,
) -> Result<(), Denial> {
    let limited = granted.iter().any(|granted| granted.level.environments.is_some());
    if facts.env.is_none() && call.env.is_none() && !limited {
        return Ok(());
    }
    compare(facts, granted, call, args)
}

fn compare(
    facts: &Facts<'_>,
    granted: &[Granted<'_>],
    call: &ToolCall,
    args: Option<&Members<'_>>,
) -> Result<(), Denial> {
    let limits = || granted.iter().filter_map(|granted| granted.level.environments.as_deref());
    let fixed = facts.env.or(call.env.as_deref());
    // An environment that is fixed needs no argument, but one that has been read must not differ.
    let read = if args.is_none() && fixed.is_some() { call.args.members() } else { None };
    let argument = match args.or(read.as_ref()).map(|args| top(args, &NAME)) {
        Some(Ok(Some(Json::String(env)))) => Some(env),
        Some(Ok(Some(_)) | Err(_)) => return Err(refuse("(not a name)")),
        Some(Ok(None)) | None => None,
    };
    if let (Some(fixed), Some(argument)) = (fixed, &argument)
        && fixed != argument
    {
        return Err(refuse(argument));
    }
    if let (Some(deployed), Some(own)) = (facts.env, call.env.as_deref())
        && deployed != own
    {
        return Err(refuse(own));
    }
    let env = fixed.or(argument.as_deref());
    for environments in limits() {
        let allowed = match env {
            Some(env) => environments.allowed.iter().any(|allowed| allowed == env),
            None => environments.optional,
        };
        if !allowed {
            return Err(refuse(env.unwrap_or("(none)")));
        }
    }
    Ok(())
}

fn refuse(env: &str) -> Denial {
    Denial::with(DenyCode::EnvViolation, Detail::said(env))
}
