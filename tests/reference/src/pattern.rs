//! The `regex` operator: whole value, bytes, and the two extra refusals. Look-around is known in
//! two places only, where it is a question of its own: ahead at the beginning, behind at the end.

use regex::bytes::{Regex, RegexBuilder};

/// A compiled pattern with what the specification asks about its text.
#[derive(Debug)]
pub struct Pattern {
    regex: Regex,
    /// Look-around: whether it must be found, and what.
    looks: Vec<(bool, Regex)>,
    /// It holds `^`, `$`, `\A` or `\z`: no value passes with a newline.
    anchored: bool,
    /// It starts with `/`: no value passes with `..` segments, NUL or backslash.
    path: bool,
}

impl Pattern {
    /// Compiles a pattern that the policy reader would accept.
    pub fn new(source: &str) -> Result<Pattern, String> {
        let bytes =
            |text: &str| RegexBuilder::new(text).unicode(false).build().map_err(|error| error.to_string());
        let mut rest = source;
        let flag = if let Some(after) = rest.strip_prefix("(?i)") {
            rest = after;
            "(?i)"
        } else {
            ""
        };
        let mut looks = Vec::new();
        if let Some(inner) = rest.strip_suffix(')').and_then(|most| most.rsplit_once("(?<!")) {
            looks.push((false, bytes(&format!(r"{flag}(?:{})\z", inner.1))?));
            rest = inner.0;
        }
        let mut ahead = rest.strip_prefix('^').unwrap_or(rest);
        while let Some(inner) = ahead.strip_prefix("(?=").or_else(|| ahead.strip_prefix("(?!")) {
            let end = closing(inner).ok_or("an open group")?;
            looks.push((ahead.starts_with("(?="), bytes(&format!(r"{flag}\A(?:{})", &inner[..end]))?));
            ahead = &inner[end + 1..];
            rest = ahead;
        }
        let regex = bytes(&format!(r"{flag}\A(?:{rest})\z"))?;
        Ok(Pattern { regex, looks, anchored: has_anchor(source), path: starts_with_slash(source) })
    }

    /// Whether the value passes.
    pub fn passes(&self, value: &str) -> bool {
        if value.len() > 8192 {
            return false;
        }
        if self.anchored && value.contains('\n') {
            return false;
        }
        // A value that begins with `/` is a path whatever the pattern looks like.
        if self.path || value.starts_with('/') {
            let climbs = value.split('/').any(|segment| segment == "..");
            if climbs || value.contains('\0') || value.contains('\\') {
                return false;
            }
        }
        // Beside look-around, only ASCII passes.
        if !self.looks.is_empty() && !value.is_ascii() {
            return false;
        }
        let value = value.as_bytes();
        self.looks.iter().all(|(found, look)| look.is_match(value) == *found) && self.regex.is_match(value)
    }
}

/// Where the group ends that was open before this text.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            '\\' => drop(rest.next()),
            '[' => skip_class(&mut rest),
            _ => {}
        }
        if depth == 0 {
            return Some(text.len() - rest.as_str().len() - 1);
        }
    }
    None
}

/// An anchor outside classes and escapes, in any branch.
fn has_anchor(source: &str) -> bool {
    let mut rest = source.chars();
    while let Some(c) = rest.next() {
        match c {
            '^' | '$' => return true,
            '\\' => {
                if matches!(rest.next(), Some('A' | 'z')) {
                    return true;
                }
            }
            '[' => skip_class(&mut rest),
            _ => {}
        }
    }
    false
}

/// Skips a class behind its `[`; a `]` in the first place belongs to it.
fn skip_class(rest: &mut std::str::Chars) {
    let mut first = true;
    while let Some(c) = rest.next() {
        match c {
            '^' if first => continue,
            '\\' => {
                rest.next();
            }
            ']' if !first => return,
            _ => {}
        }
        first = false;
    }
}

/// The pattern's text starts with `/`, perhaps escaped, behind anchors and opening groups.
fn starts_with_slash(source: &str) -> bool {
    for opening in ["^", "\\A", "(?:", "(?i)", "(?i:", "("] {
        if let Some(rest) = source.strip_prefix(opening) {
            return starts_with_slash(rest);
        }
    }
    source.starts_with('/') || source.starts_with("\\/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_text_says() {
        // pattern, anchored, starts with a slash
        let table = [
            ("abc", false, false),
            ("/srv/.*", false, true),
            ("^/srv/.*", true, true),
            (r"^\/srv/.*", true, true),
            (r"\A[a-z]+\z", true, false),
            (r"a\$", false, false),
            ("[$^]+", false, false),
            ("[^/]+", false, false),
            ("[]/^]", false, false),
            ("(?i)/srv", false, true),
            ("(/a|b)", false, true),
            ("(?i:inv)-[0-9]{4}", false, false),
            ("x?/y", false, false),
            ("a$|/b", true, false),
            ("", false, false),
        ];
        for (source, anchored, slash) in table {
            let pattern = Pattern::new(source).expect(source);
            assert_eq!((pattern.anchored, pattern.path), (anchored, slash), "{source}");
        }
    }

    #[test]
    fn values() {
        let table = [
            ("[a-z]+", "abc", true),
            ("[a-z]+", "xabc1", false),
            ("a|ab", "ab", true),
            ("a|b", "ab", false),
            ("^[a-z]+$", "abc\n", false),
            (r"[\s\S]*", "a\nb", true),
            (r"^[\s\S]*", "a\nb", false),
            (r"[^;]*", "a\nb", true),
            (".*", "a\nb", false),
            ("/srv/.*", "/srv/../etc", false),
            ("/srv/.*", "/srv/..a", true),
            ("/srv/.*", "/srv/a\\b", false),
            ("/srv/.*", "/srv/a\0", false),
            ("srv/.*", "srv/../etc", true),
            ("..", "..", true),
            (r"\.\.", "..", true),
            (r"\d+", "\u{0663}", false),
            (".{2}", "é", true),
            ("(?i)k", "\u{212a}", false),
            ("", "", true),
            ("^(?!(main|master|production$)).+", "main-2", false),
            ("^(?!(main|master|production$)).+", "production", false),
            ("^(?!(main|master|production$)).+", "production2", true),
            ("(?=.*[0-9])(?=.*[a-z])[a-z0-9]+", "a1", true),
            ("(?=.*[0-9])(?=.*[a-z])[a-z0-9]+", "11", false),
            ("(?i)(?!inv)[a-z]+", "INVoice", false),
            (".*(?<!-1)", "a-1", false),
            (".*(?<!-1)", "a-12", true),
            (".*(?<!-1)", "é", false),
        ];
        for (source, value, passes) in table {
            assert_eq!(Pattern::new(source).expect(source).passes(value), passes, "{source} {value:?}");
        }
        let pattern = Pattern::new("a*").expect("a*");
        assert!(pattern.passes(&"a".repeat(8192)));
        assert!(!pattern.passes(&"a".repeat(8193)));
    }
}
