//! Programs of the workspace that tests run, built from this very source beside the tests' own binary.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds targets of a package, such as `-p scopegate-cli --bin scopegate`; the folder of the
/// profile, where they are then.
pub(crate) fn build(targets: &[&str]) -> Result<PathBuf, String> {
    let tests = std::env::current_exe().map_err(|error| error.to_string())?;
    // target/debug/deps/it-… : the profile's folder is two up.
    let profile = tests.ancestors().nth(2).ok_or("no profile's folder")?;
    let target = profile.parent().ok_or("no target folder")?;
    let name = profile.file_name().and_then(|name| name.to_str()).ok_or("no profile's name")?;
    let name = if name == "debug" { "dev" } else { name };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--profile", name, "--target-dir"]).arg(target).args(targets);
    let built = build.current_dir(root()).output().map_err(|error| error.to_string())?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into_owned());
    }
    Ok(profile.to_path_buf())
}

/// A program's file in a folder.
pub(crate) fn program(folder: &Path, name: &str) -> PathBuf {
    folder.join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}
