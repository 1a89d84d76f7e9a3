//! Asking a person before something is changed.

use std::io::{IsTerminal as _, Write as _};

use crate::exit::{Exit, Failure};
use crate::output;

/// Changes something if somebody agrees, and says what became of it.
pub(crate) fn change(
    yes: bool,
    question: &str,
    change: impl FnOnce() -> Result<String, Failure>,
) -> Result<Exit, Failure> {
    if !confirm(yes, question)? {
        output::message("nothing was changed");
        return Ok(Exit::Denied);
    }
    output::message(&change()?);
    Ok(Exit::Ok)
}

/// Whether to go on: `--yes` says so, or else somebody at a terminal.
pub(crate) fn confirm(yes: bool, question: &str) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::usage("nothing was changed: nobody is at a terminal to agree, so add --yes"));
    }
    let mut answer = String::new();
    let mut terminal = anstream::stderr();
    let asked = write!(terminal, "{question} [y/N] ").and_then(|()| terminal.flush());
    asked.and_then(|()| std::io::stdin().read_line(&mut answer)).map_err(Failure::no_answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
