//! `regex`: the whole value must match, by ASCII rules, in linear time.

mod classes;
mod syntax;

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};

use self::classes::Classes;
use self::syntax::Parsed;
use crate::problem::Problem;

/// Longest pattern, in bytes.
const MAX_SOURCE: usize = 512;
/// Largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 64 * 1024;
/// Longest value a pattern is tried on, in bytes.
const MAX_VALUE: usize = 8 * 1024;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    source: Box<str>,
    matcher: Matcher,
    /// `^` or `$` stand in it: then no value with a newline passes.
    anchored: bool,
    /// It starts with `/`: then no value with a `..` segment, NUL or backslash passes.
    path: bool,
}

#[derive(Debug)]
enum Matcher {
    /// A plain sequence of character classes: matched by hand, ten times faster.
    Classes(Classes),
    Regex(Regex),
}

impl Pattern {
    pub(super) fn compile(source: &str) -> Result<Self, Problem> {
        if source.len() > MAX_SOURCE {
            return Err(Problem::Pattern(format!("longer than {MAX_SOURCE} bytes")));
        }
        let Parsed { hir, anchored } = syntax::parse(source).map_err(Problem::Pattern)?;
        let matcher = match Classes::from_hir(&hir) {
            Some(classes) => Matcher::Classes(classes),
            None => Matcher::Regex(whole(source)?),
        };
        // A matcher that no newline passes anyway need not look for one.
        let anchored = anchored && matcher.passes_newline();
        Ok(Self { source: source.into(), matcher, anchored, path: starts_with_slash(source) })
    }

    pub(super) fn matches(&self, value: &str) -> bool {
        let bytes = value.as_bytes();
        if bytes.len() > MAX_VALUE || (self.anchored && bytes.contains(&b'\n')) {
            return false;
        }
        if (self.path || value.starts_with('/')) && steps_aside(value) {
            return false;
        }
        match &self.matcher {
            Matcher::Classes(classes) => classes.matches(bytes),
            Matcher::Regex(regex) => regex.is_match(bytes),
        }
    }
}

impl Matcher {
    fn passes_newline(&self) -> bool {
        match self {
            Self::Classes(classes) => classes.passes_newline(),
            Self::Regex(_) => true,
        }
    }
}

/// The source was parsed on its own before, so wrapping it cannot change how it groups.
fn whole(source: &str) -> Result<Regex, Problem> {
    RegexBuilder::new(&format!(r"\A(?:{source})\z"))
        .unicode(false)
        .size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| Problem::Pattern(error.to_string()))
}

fn starts_with_slash(source: &str) -> bool {
    let mut rest = source;
    while let Some(inner) =
        ["^", r"\A", "(?:", "(?i)", "(?i:", "("].iter().find_map(|open| rest.strip_prefix(open))
    {
        rest = inner;
    }
    rest.starts_with('/') || rest.starts_with(r"\/")
}

fn steps_aside(value: &str) -> bool {
    value.contains(['\0', '\\']) || value.split('/').any(|part| part == "..")
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "match {} as a whole", self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn check(source: &str, passes: &[&str], fails: &[&str]) {
        let pattern = Pattern::compile(source).unwrap();
        for value in passes {
            assert!(pattern.matches(value), "{source} should match {value:?}");
        }
        for value in fails {
            assert!(!pattern.matches(value), "{source} should not match {value:?}");
        }
    }

    #[test]
    fn matches_the_whole_value() {
        check(
            "^VND-[0-9]{6}$",
            &["VND-004211"],
            &["xVND-004211", "VND-0042111", "VND-00421", "VND-004211\n", ""],
        );
        check(".*@company\\.com$", &["a@company.com"], &["thief@x\nx@company.com", "a@company.com.evil"]);
        check("a|b", &["a", "b"], &["ab", "ax"]);
        check("ab*c?", &["a", "abbb", "abc", "ac"], &["b", "abcb"]);
        check("[a-z]+[a-z]", &["ab", "abc"], &["a"]);
        check("(?i)ok", &["OK", "ok"], &["o\u{212a}"]);
        check(r"\d+", &["12"], &["\u{661}\u{662}"]);
    }

    #[test]
    fn paths_stay_inside() {
        check(
            "/data/invoices(/.*)?$",
            &["/data/invoices/a"],
            &["/data/invoices/../../etc/passwd", "/etc/shadow/data/invoices"],
        );
        check("/tmp/[^/]*", &["/tmp/a"], &["/tmp/a/b", "/tmp/..", "/tmp/a\\b"]);
        check("^\\/?data\\/.*", &["data/a", "/data/a"], &["data/../a"]);
        check(".*", &["a/../b"], &["/a/../b"]);
    }

    #[test]
    fn refuses_what_it_would_not_enforce() {
        for source in [
            "(?!main).+",
            "(?<=a)b",
            r"(a)\1",
            r"\p{L}",
            "[[:alpha:]\\pL]",
            "(?s).*",
            "(?m)^a",
            "(?x) a",
            "(?-i)a",
            "(?u)a",
            "(",
            "a)|(b",
            "[é]",
            &"a".repeat(513),
            "(a{1000}){1000}",
            "a{2000000000}",
            "[ab]{4294967295}",
        ] {
            assert!(Pattern::compile(source).is_err(), "{source}");
        }
    }
}
