//! Published clients of other products, unmodified, driving our plane.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::{cargo, step};

const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/scopebound");

/// The `scopebound` package from PyPI against `scopegate serve`. Installs it where the build goes, once.
pub(crate) fn scopebound() -> Result<()> {
    cargo(&["build", "--package", "scopegate-cli", "--locked"])?;
    let profile = build_directory()?;
    let target = profile.parent().context("no build directory")?;
    let python = installed(&target.join("conformance/scopebound-venv"))?;
    let scopegate = profile.join(format!("scopegate{}", env::consts::EXE_SUFFIX));
    let mut pytest = Command::new(python);
    pytest.args(["-B", "-m", "pytest"]).args(env::args_os().skip(2)).current_dir(SUITE);
    // Settings of a developer's own plane must not reach the tests.
    pytest.env_remove("SCOPEBOUND_BASE_URL").env_remove("SCOPEBOUND_API_KEY");
    step(pytest.env("SCOPEGATE_BIN", scopegate))
}

/// Where this program was built, and `scopegate` beside it.
fn build_directory() -> Result<PathBuf> {
    let program = env::current_exe().context("where this program is")?;
    Ok(program.parent().context("no build directory")?.to_owned())
}

/// The Python of a virtual environment that holds exactly what the suite asks for.
fn installed(venv: &Path) -> Result<PathBuf> {
    let wanted = Path::new(SUITE).join("requirements.txt");
    let wanted_text = fs::read_to_string(&wanted).context(SUITE)?;
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
        None => bail!("the conformance tests need Python 3.11 or newer with its venv module"),
    }
}
