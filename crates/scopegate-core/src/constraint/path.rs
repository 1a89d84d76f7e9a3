//! `path_within`: an absolute path that stays inside a directory, judged as text.

use std::fmt;

use crate::problem::Problem;

/// A directory that paths must lie in, or be.
#[derive(Debug)]
pub(super) struct Directory(Box<str>);

impl Directory {
    pub(super) fn compile(text: &str) -> Result<Self, Problem> {
        let normal = text == "/"
            || (!text.ends_with('/') && !text.contains("//") && !text.split('/').any(|part| part == "."));
        if normal && is_plain(text) {
            Ok(Self(text.into()))
        } else {
            Err(Problem::Directory(text.to_owned()))
        }
    }

    #[inline(never)]
    pub(super) fn holds(&self, value: &str) -> bool {
        let mut inside = segments(value);
        is_plain(value) && segments(&self.0).all(|expected| inside.next() == Some(expected))
    }
}

/// Absolute, and free of everything that another reader might take for a step elsewhere.
fn is_plain(path: &str) -> bool {
    path.starts_with('/')
        && !path.contains('\\')
        && !path.bytes().any(|b| b.is_ascii_control())
        && !path.split('/').any(|part| part == "..")
        && !hides_a_character(path)
}

/// Percent-encoded `/`, `\`, `.`, NUL, or a percent sign that would decode to one of them later.
fn hides_a_character(path: &str) -> bool {
    path.split('%').skip(1).any(|rest| {
        let code = rest.as_bytes().get(..2).unwrap_or_default();
        [b"2f", b"5c", b"2e", b"00", b"25"].iter().any(|hidden| code.eq_ignore_ascii_case(*hidden))
    })
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "be a path within {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_inside() {
        let data = Directory::compile("/data/in").unwrap();
        for inside in
            ["/data/in", "/data/in/", "/data/in/a", "//data//in/./a", "/data/in/..a", "/data/in/100%"]
        {
            assert!(data.holds(inside), "{inside}");
        }
        for outside in [
            "",
            "data/in/a",
            "/data",
            "/data/inner",
            "/data/in/../x",
            "/data/in/..",
            "/data/in\\..\\x",
            "/data/in/%2e%2e/x",
            "/data/in/%2Fx",
            "/data/in/%252e",
            "/data/in/\0",
            "/data/in/a\nb",
            "/etc/passwd",
        ] {
            assert!(!data.holds(outside), "{outside:?}");
        }
        assert!(Directory::compile("/").unwrap().holds("/anything"));
        for bad in ["", "data", "/data/", "/a/../b", "/a//b", "/a/./b"] {
            assert!(Directory::compile(bad).is_err(), "{bad}");
        }
    }
}
