//! Long results, page by page, where a terminal is too short for them.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What shows pages unless `PAGER` says otherwise: as long as one page it only prints, and colours are
/// let through.
const PAGER: &str = "less -FRX";

/// Shows the text page by page; false when nothing can, or nothing need.
pub(crate) fn show(text: &str) -> bool {
    let height = terminal_size::terminal_size_of(std::io::stdout()).map(|(_, height)| usize::from(height.0));
    if height.is_none_or(|height| text.lines().count() < height) {
        return false;
    }
    let pager = std::env::var("PAGER").unwrap_or_else(|_| PAGER.to_owned());
    let mut words = pager.split_whitespace();
    let Some(program) = words.next().filter(|program| *program != "cat") else { return false };
    let Ok(mut child) = Command::new(program).args(words).stdin(Stdio::piped()).spawn() else { return false };
    if let Some(mut pages) = child.stdin.take() {
        // Whoever has seen enough closes it.
        let _ = pages.write_all(text.as_bytes());
    }
    child.wait().is_ok()
}
