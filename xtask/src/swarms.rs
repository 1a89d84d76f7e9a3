//! `scopegate-swarms` and its tests: apart, because swarms-rs takes minutes to build and links OpenSSL.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::{cargo, documentation, step};

/// What every command over the workspace leaves out.
pub(crate) const LEFT_OUT: &[&str] =
    &["--exclude", "scopegate-swarms", "--exclude", "scopegate-swarms-tests"];

const PACKAGES: [&str; 4] = ["--package", "scopegate-swarms", "--package", "scopegate-swarms-tests"];

pub(crate) fn all() -> Result<()> {
    openssl()?;
    let lint = [["clippy"].as_slice(), &PACKAGES, &["--all-targets", "--locked", "--", "--deny", "warnings"]];
    cargo(&lint.concat())?;
    let facade = ["clippy", "--package", "scopegate", "--locked", "--features", "swarms"];
    cargo(&[facade.as_slice(), &["--", "--deny", "warnings"]].concat())?;
    documentation(&["--package", "scopegate-swarms"])?;
    cargo(&[["test"].as_slice(), &PACKAGES, &["--locked"]].concat())
}

/// The headers that openssl-sys looks for.
fn openssl() -> Result<()> {
    if found() {
        return Ok(());
    }
    eprintln!("\npkg-config finds no OpenSSL, which swarms-rs links: installing libssl-dev and pkg-config");
    let installed = apt(&["update"]).and_then(|()| apt(&["install", "--yes", "libssl-dev", "pkg-config"]));
    if let Err(error) = installed {
        bail!(
            "{error:#}: install OpenSSL's headers and pkg-config (Debian: libssl-dev pkg-config) and try again"
        );
    }
    if found() { Ok(()) } else { bail!("pkg-config still finds no OpenSSL") }
}

fn found() -> bool {
    let asked = Command::new("pkg-config").args(["--exists", "openssl"]).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

fn apt(args: &[&str]) -> Result<()> {
    step(Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive"))
}
