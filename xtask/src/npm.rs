//! Packages of Node.js that tests need, in a folder of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step;

/// A folder with exactly what a suite's `package-lock.json` names.
pub(crate) fn installed(suite: &Path, folder: &Path) -> Result<PathBuf> {
    let lock = suite.join("package-lock.json");
    let wanted = fs::read_to_string(&lock).with_context(|| lock.display().to_string())?;
    let kept = folder.join("installed.json");
    if fs::read_to_string(&kept).is_ok_and(|text| text == wanted) {
        return Ok(folder.to_path_buf());
    }
    if !Command::new("npm").arg("--version").output().is_ok_and(|npm| npm.status.success()) {
        bail!("these tests need Node.js 20 or newer with npm");
    }
    eprintln!("\nInstalling {} into {} (once)", lock.display(), folder.display());
    fs::create_dir_all(folder)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(suite.join(name), folder.join(name)).with_context(|| name.to_owned())?;
    }
    let quiet = ["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"];
    step(Command::new("npm").args(quiet).current_dir(folder))?;
    fs::write(kept, wanted)?;
    Ok(folder.to_path_buf())
}
