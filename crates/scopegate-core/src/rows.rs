//! Line 8: how many rows a call may ask for.

use std::sync::Arc;

use crate::constraint::top;
use crate::denial::{Denial, DenyCode, Detail};
use crate::grant::Granted;
use crate::json::{Expected, Json, Members};

/// The argument that names the number of rows.
const FIELD: &str = "limit";
static NAME: Expected = Expected::new(FIELD);

/// The largest number of rows a role allows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rows {
    pub(crate) max: u64,
    /// Whether a call that names no limit passes.
    pub(crate) optional: bool,
    words: Arc<str>,
}

impl Rows {
    /// `None` for zero, which means no limit.
    pub(crate) fn new(max: u64, optional: bool) -> Option<Self> {
        let given = if optional { ", if given," } else { "" };
        let words = format!("`{FIELD}`{given} must be a whole number of at most {max}").into();
        (max > 0).then_some(Self { max, optional, words })
    }

    /// Both must allow it.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let (max, optional) = (self.max.min(other.max), self.optional && other.optional);
        Self::new(max, optional).unwrap_or_else(|| self.clone())
    }

    /// How it reads.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }

    fn allow(&self, args: &Members<'_>) -> bool {
        match top(args, &NAME) {
            Ok(None) => self.optional,
            // Negative and broken numbers are refused: many tools read them as "all".
            Ok(Some(Json::Number(rows))) => rows >= 0.0 && rows.fract() == 0.0 && rows <= self.max as f64,
            Ok(Some(_)) | Err(_) => false,
        }
    }
}

#[inline(always)]
pub(crate) fn check(granted: &[Granted<'_>], args: Option<&Members<'_>>) -> Result<(), Denial> {
    for rows in granted.iter().filter_map(|granted| granted.level.rows.as_deref()) {
        if !args.is_some_and(|args| rows.allow(args)) {
            return Err(Denial::with(DenyCode::DataLimitExceeded, Detail::Rule(rows.words.clone())));
        }
    }
    Ok(())
}
