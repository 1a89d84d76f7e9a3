//! Published clients and servers of others, unmodified, with our plane or our proxy.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::python::installed;
use crate::{cargo, npm, step};

const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/scopebound");
const SPANFORGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/spanforge");

const XYBERN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/xybern");
const MCP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/mcp");

/// The `scopebound` package from PyPI against `scopegate serve`. Installs it where the build goes, once.
pub(crate) fn scopebound() -> Result<()> {
    let scopegate = scopegate()?;
    let target = scopegate.ancestors().nth(2).context("no build directory")?;
    let python = installed(Path::new(SUITE), &target.join("conformance/scopebound-venv"))?;
    let mut pytest = Command::new(python);
    pytest.args(["-B", "-m", "pytest"]).args(env::args_os().skip(2)).current_dir(SUITE);
    // Settings of a developer's own plane must not reach the tests.
    pytest.env_remove("SCOPEBOUND_BASE_URL").env_remove("SCOPEBOUND_API_KEY");
    step(pytest.env("SCOPEGATE_BIN", scopegate))
}

/// The `xybern` package from PyPI against `scopegate serve`.
pub(crate) fn xybern() -> Result<()> {
    let scopegate = scopegate()?;
    let target = scopegate.ancestors().nth(2).context("no build directory")?;
    let suite = Path::new(XYBERN);
    let python = installed(suite, &target.join("conformance/xybern-venv"))?;
    let mut pytest = Command::new(python);
    pytest.args(["-B", "-m", "pytest", "-p", "no:cacheprovider"]).args(env::args_os().skip(2));
    step(pytest.current_dir(suite).env("SCOPEGATE_BIN", scopegate))
}

/// Published MCP clients and servers with `scopegate mcp` between them: both lines of the official Python
/// package, the official TypeScript client and servers, each where the build goes, once.
pub(crate) fn mcp() -> Result<()> {
    let suite = Path::new(MCP);
    let scopegate = scopegate()?;
    let place = scopegate.ancestors().nth(2).context("no build directory")?.join("conformance");
    let python = installed(suite, &place.join("mcp-venv"))?;
    let older = installed(&suite.join("python1"), &place.join("mcp1-venv"))?;
    let npm = npm::installed(suite, &place.join("mcp-npm"))?;
    let mut pytest = Command::new(python);
    pytest.args(["-B", "-m", "pytest"]).args(env::args_os().skip(2)).current_dir(suite);
    pytest.env("SCOPEGATE_BIN", scopegate).env("MCP_PYTHON_1", older).env("MCP_NPM", npm);
    step(pytest.env_remove("SCOPEGATE_MCP_TOKEN"))
}

/// The `spanforge` package from PyPI, whose own verifier judges our exports of its records.
pub(crate) fn spanforge() -> Result<()> {
    let scopegate = scopegate()?;
    cargo(&["build", "--package", "scopegate-examples", "--example", "spanforge", "--locked"])?;
    let target = scopegate.ancestors().nth(2).context("no build directory")?;
    let suite = Path::new(SPANFORGE);
    let python = installed(suite, &target.join("conformance/spanforge-venv"))?;
    let example = scopegate.with_file_name("examples").join(format!("spanforge{}", env::consts::EXE_SUFFIX));
    let mut pytest = Command::new(python);
    pytest.args(["-B", "-m", "pytest", "-p", "no:cacheprovider"]).args(env::args_os().skip(2));
    step(pytest.current_dir(suite).env("SCOPEGATE_BIN", scopegate).env("SPANFORGE_EXAMPLE", example))
}

/// Builds the command line beside this program; where it is then.
pub(crate) fn scopegate() -> Result<PathBuf> {
    cargo(&["build", "--package", "scopegate-cli", "--locked"])?;
    let program = env::current_exe().context("where this program is")?;
    Ok(program.with_file_name(format!("scopegate{}", env::consts::EXE_SUFFIX)))
}
