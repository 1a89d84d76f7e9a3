//! What people are told: never on standard output, which belongs to the protocol.

use std::fmt::{self, Write as _};
use std::sync::Arc;

/// The longest line that is shown.
const LONGEST: usize = 4096;

/// Where lines for people go.
#[derive(Clone)]
pub struct Tell(Arc<dyn Fn(&str) + Send + Sync>);

impl Tell {
    /// Hands every line to `show`. Lines hold no control characters.
    pub fn new(show: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(show))
    }

    /// Nobody is told.
    pub fn nobody() -> Self {
        Self::new(|_| {})
    }

    /// Tells something of a server, or what it said itself.
    pub(crate) fn line(&self, server: &str, text: &str) {
        (self.0)(&format!("[{server}] {}", harmless(text)));
    }
}

impl fmt::Debug for Tell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tell")
    }
}

/// What a server says may not drive the terminal, nor reorder the line.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(LONGEST));
    for c in text.chars() {
        if shown.len() > LONGEST {
            shown.push('…');
            break;
        }
        match c {
            '\t' => shown.push(' '),
            c if c.is_control() || is_formatting(c) => {
                // Writing to a string cannot fail.
                let _ = write!(shown, "<U+{:04X}>", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown
}

/// Characters without a shape that move or hide others.
fn is_formatting(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_drives_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\u{202e}c\td"), "a<U+001B>[2Jb<U+202E>c d");
        assert!(harmless(&"x".repeat(100_000)).len() < LONGEST + 10);
    }
}
