//! Python packages of the tests, each set in a virtual environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step;

/// The Python of a virtual environment that holds exactly what a suite's `requirements.txt` asks for.
pub(crate) fn installed(suite: &Path, venv: &Path) -> Result<PathBuf> {
    let wanted = suite.join("requirements.txt");
    let wanted_text = fs::read_to_string(&wanted).with_context(|| wanted.display().to_string())?;
    let (python, kept) = (venv.join("bin/python"), venv.join("installed.txt"));
    if fs::read_to_string(&kept).is_ok_and(|text| text == wanted_text) {
        return Ok(python);
    }
    eprintln!("\nInstalling {} into {} (once)", wanted.display(), venv.display());
    step(Command::new(system_python()?).args(["-m", "venv", "--clear"]).arg(venv))?;
    let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    step(Command::new(&python).args(quiet).arg(&wanted))?;
    fs::write(kept, wanted_text)?;
    Ok(python)
}

fn system_python() -> Result<&'static str> {
    let newer = "import sys, venv; sys.exit(sys.version_info < (3, 11))";
    let works =
        |name: &&str| Command::new(name).args(["-c", newer]).output().is_ok_and(|o| o.status.success());
    match ["python3", "python3.13", "python3.12", "python3.11"].into_iter().find(works) {
        Some(name) => Ok(name),
        None => bail!("these tests need Python 3.11 or newer with its venv module"),
    }
}
