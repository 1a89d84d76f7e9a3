//! `regex`: the whole value must match, by ASCII rules, in linear time or within a limit of steps.

mod classes;
mod look;
mod syntax;

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};

use self::classes::Classes;
use self::look::Backtracking;
use self::syntax::Parsed;
use crate::budget::Budget;
use crate::problem::Problem;

/// Longest pattern, in bytes.
const MAX_SOURCE: usize = 512;
/// Largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 64 * 1024;
/// Longest value a pattern is tried on, in bytes.
const MAX_VALUE: usize = 8 * 1024;
/// Steps for each byte that the linear engine looks at.
const REGEX: usize = 8;
/// Bytes that a pattern with look-around looks at again in a step.
const LOOKS: usize = 32;

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
    /// Only what has look-around.
    Backtracking(Box<Backtracking>),
}

impl Pattern {
    pub(super) fn compile(source: &str) -> Result<Self, Problem> {
        if source.len() > MAX_SOURCE {
            return Err(Problem::Pattern(format!("longer than {MAX_SOURCE} bytes")));
        }
        let Parsed { hir, anchored, looks_around } = syntax::parse(source).map_err(Problem::Pattern)?;
        let matcher = match Classes::from_hir(&hir) {
            _ if looks_around => Matcher::Backtracking(Box::new(Backtracking::compile(source)?)),
            Some(classes) => Matcher::Classes(classes),
            None => Matcher::Regex(whole(source)?),
        };
        // A matcher that no newline passes anyway need not look for one.
        let anchored = anchored && matcher.passes_newline();
        Ok(Self { source: source.into(), matcher, anchored, path: starts_with_slash(source) })
    }

    pub(super) fn matches(&self, budget: &Budget, value: &str) -> bool {
        let bytes = value.as_bytes();
        if bytes.len() > MAX_VALUE || (self.anchored && bytes.contains(&b'\n')) {
            return false;
        }
        if (self.path || value.starts_with('/')) && steps_aside(value) {
            return false;
        }
        let length = bytes.len();
        match &self.matcher {
            Matcher::Classes(classes) => budget.pay(length) && classes.matches(bytes),
            Matcher::Regex(regex) => budget.pay(length * REGEX) && regex.is_match(bytes),
            // At each byte it may look at all that follow.
            Matcher::Backtracking(regex) => {
                budget.pay(length * length / LOOKS + length) && regex.matches(bytes)
            }
        }
    }
}

impl Matcher {
    fn passes_newline(&self) -> bool {
        match self {
            Self::Classes(classes) => classes.passes_newline(),
            Self::Regex(_) | Self::Backtracking(_) => true,
        }
    }
}

/// Checks a pattern that is looked for inside texts, by the same rules but without look-around; the length
/// of its shortest match, if it has any.
fn plain(source: &str) -> Result<Option<usize>, Problem> {
    if source.len() > MAX_SOURCE {
        return Err(Problem::Pattern(format!("longer than {MAX_SOURCE} bytes")));
    }
    let Parsed { hir, looks_around, .. } = syntax::parse(source).map_err(Problem::Pattern)?;
    if looks_around {
        return Err(Problem::Pattern("look-around is not supported here".to_owned()));
    }
    Ok(hir.properties().minimum_len())
}

/// Compiles a pattern that is looked for inside texts. One that also matches nothing would be found
/// everywhere.
pub(crate) fn search(source: &str) -> Result<Regex, Problem> {
    if plain(source)?.is_none_or(|shortest| shortest == 0) {
        return Err(Problem::Pattern("it also matches nothing at all".to_owned()));
    }
    RegexBuilder::new(source)
        .unicode(false)
        .size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| Problem::Pattern(error.to_string()))
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
    use super::{Budget, Pattern};

    fn check(source: &str, passes: &[&str], fails: &[&str]) {
        let pattern = Pattern::compile(source).unwrap();
        for value in passes {
            assert!(pattern.matches(&Budget::new(), value), "{source} should match {value:?}");
        }
        for value in fails {
            assert!(!pattern.matches(&Budget::new(), value), "{source} should not match {value:?}");
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
    fn looks_around() {
        // As published: the `$` binds to the last name only.
        check(
            "^(?!(main|master|production$)).+",
            &["develop", "feature/main", "production2", "x"],
            &["main", "main-2", "master", "master/x", "production", "", "ok\n", "main\n"],
        );
        check(r"^(?!.*\.\.)[\w./-]+$", &["a/b.c"], &["a/../b", "..", "a b"]);
        check("(?=.*[0-9])(?=.*[a-z])[a-z0-9]{4,}", &["abc1", "1bcd"], &["abcd", "1234", "a1", "abc1\n"]);
        check(".*(?<!-tmp)", &["a", "a-tmpx"], &["a-tmp", "-tmp"]);
        check("(?<=^)a|b(?=$)", &["a", "b"], &["ab"]);
        check("(?i)(?!main).*", &["x"], &["main", "MAIN", "mAiN2"]);
        check("/srv/(?!secret).*", &["/srv/a"], &["/srv/secret", "/srv/x/../secret", "/srv/a\\b"]);
        check("(?!x).{2}", &["ab"], &["xb", "abc"]);
        // More than ASCII never passes: the engine loses the match of `\W` inside a character.
        check(r"(?!\W).+", &["a", "a-"], &["-a", "\u{e9}", "a\u{e9}"]);
        check("(?!(\\s[^a])|).+", &[], &["a", " \u{e9}", "\u{e9}"]);
    }

    /// What both engines can say, they say alike.
    #[test]
    fn both_engines_read_alike() {
        let escapes = (0x20..0x7fu8).map(|byte| format!("\\{}", char::from(byte)));
        let classes = (0x20..0x7fu8).map(|byte| format!("[{}a]", char::from(byte)));
        let plain = [
            "",
            ".",
            ".*",
            "a|ab|abc",
            "[a-z]+?c",
            "a{2}",
            "a{1,2}?",
            "a{,2}",
            "(?i)aB",
            "(?i:a)B|c",
            "(a|b)*c",
            "[^a]",
            "[^a-b]",
            "[a-]",
            "[]a]",
            "[^]a]",
            r"[\]a]",
            r"[\d_]+",
            r"\w+",
            r"\W",
            r"\s\S",
            r"\x41",
            r"a\.b",
            "[[:alpha:]]+",
            "[[:^alpha:]]",
            "^a$",
            r"\Aa\z",
            "a$|b",
            r"\ba",
            r"a\B",
            "(?P<n>a)b",
            "(?<n>a)b",
            "()a",
            "a||b",
            "(?:a|)b",
            r"\n",
            r"a\tb",
            r"[\r\n]",
            "a*a",
            "(a*)*b",
            "(a+)+",
            "x*",
            "a{0}",
            "a{2}{3}",
            "a**",
            "a++",
            "a?+",
        ]
        .map(str::to_owned);
        let mut both = 0;
        for source in plain.into_iter().chain(escapes).chain(classes) {
            let (linear, looking) = (Pattern::compile(&source), Pattern::compile(&format!("(?=){source}")));
            let looking = if source.starts_with("(?i)") {
                Pattern::compile(&source.replacen("(?i)", "(?i)(?=)", 1))
            } else {
                looking
            };
            let (Ok(linear), Ok(looking)) = (linear, looking) else { continue };
            both += 1;
            for value in VALUES.into_iter().filter(|value| value.is_ascii()) {
                assert_eq!(
                    linear.matches(&Budget::new(), value),
                    looking.matches(&Budget::new(), value),
                    "{source} on {value:?}"
                );
            }
        }
        assert!(both > 150, "only {both} patterns compile for both");
    }

    const VALUES: [&str; 46] = [
        "", "a", "b", "c", "ab", "abc", "aB", "AB", "Ab", "aa", "aaa", "aaaaaa", "bc", "ac", "abac", "z",
        "-", "]", "[", "_", "5", "5_5", "a.b", "axb", "\n", "a\n", "\t", "a\tb", " a", " ", "\r", "A", "é",
        "aé", "\u{212a}", "\\", "/", "\"", "'", "`", "<", ">", "^", "$", "d", "w",
    ];

    /// A value that takes too many steps is no match; how long that takes is bounded by the steps.
    #[test]
    fn steps_are_limited() {
        let attack = "a".repeat(8192);
        for source in [
            "(?=a)(a+)+b",
            "(?=a)(a|a)*b",
            "(?=a)(a|aa)+b",
            "(?=a)(.*)*.*b",
            "(?=a)a*a*a*a*a*b",
            "(?=(a+)+b).*",
            "(?!(a+)+b)a+c",
            ".*.*.*(?<=b)",
            ".*.*(?=[^b]*b).*",
        ] {
            let pattern = Pattern::compile(source).unwrap();
            assert!(!pattern.matches(&Budget::new(), &attack), "{source}");
            assert!(!pattern.matches(&Budget::new(), &attack[..64]), "{source}");
        }
        // The limit refuses, also where a patient engine would find a match in the end.
        let pattern = Pattern::compile("(?!b)(a|aa|aaa)*c|(?=a)(a|b|ab)*").unwrap();
        assert!(!pattern.matches(&Budget::new(), &attack));
        // Plain use is far from it, on the longest values too.
        for source in ["^(?!(main|master|production$)).+", "(?!.*secret).*", ".*(?<!-tmp)", "(?=.*a$)[a-z]+"]
        {
            assert!(Pattern::compile(source).unwrap().matches(&Budget::new(), &attack), "{source}");
        }
    }

    #[test]
    fn refuses_what_it_would_not_enforce() {
        for source in [
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
            // Beside look-around, what one engine reads differently or could take long.
            "(?:(?=a)a)*",
            "((?!b).)*",
            "(?=a)+a",
            "(?=a)a++",
            "(?=a)a*+",
            "(?=a)a{2}+",
            "(?=a)(?i)b",
            "(?=a)[a-z&&[^b]]",
            "(?=a)[a[b]]",
            r"(?=a)\<b",
            r"(?=a)\b{start}b",
            "(?=a)\u{e9}",
            r"(?=a)\x{e9}",
            r"(?=a)\u00e9",
            r"(?=a)\v",
            r"(?!.*\bdrop\b).*",
            r"(?=a)\B",
            r"(?=a)\Kb",
            r"(?=a)\Gb",
            r"(?=a)a\Z",
            r"(?=a)\h",
            r"(?=(a))\1",
            r"(?=(?<n>a))\k<n>",
            r"(?=a)\p{L}",
            "(?=a)(?s:.)",
            "(?>a)b",
            "(?=a",
            "(?=a))",
            "(?=a)(?#c)",
            "(?=(a)(?(1)b|c))",
            "(?<=a+)b",
            "(?<!a|bb)c",
            "(?<!(a?)b)c",
            "(?!a)(?!b)(?!c)(?!d)(?!e).*",
            "[ab]{4294967295}",
        ] {
            assert!(Pattern::compile(source).is_err(), "{source}");
        }
    }
}
