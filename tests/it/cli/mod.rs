//! The binary `scopegate`, as scripts and people meet it.

mod audit;
mod check;
mod demo;
mod demo_plane;
mod explain;
mod help;
mod manifests;
mod plane;
mod policies;
mod replay;
mod samples;
mod servers;
mod terminal;
mod validate;
mod widen;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

pub(crate) use crate::built::root;
use crate::built::{build, program};

/// What a run of the binary left behind.
pub(crate) struct Run {
    code: i32,
    pub(crate) stdout: String,
    stderr: String,
}

impl Run {
    /// Every line of standard output as JSON: nothing else may stand there.
    #[track_caller]
    fn json(&self) -> Vec<Value> {
        assert!(self.stdout.is_ascii(), "{}", self.stdout);
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    #[track_caller]
    pub(crate) fn assert(&self, code: i32, stdout: &str, stderr: &str) {
        let told = format!("exit {}\nstdout: {}\nstderr: {}", self.code, self.stdout, self.stderr);
        assert_eq!(self.code, code, "{told}");
        assert!(self.stdout.contains(stdout), "`{stdout}` is not in stdout\n{told}");
        assert!(self.stderr.contains(stderr), "`{stderr}` is not in stderr\n{told}");
    }
}

/// Runs `scopegate` in the root of the repository.
pub(crate) fn scopegate<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Run {
    run(args, "")
}

/// Runs it in a folder that is also the home of whoever does, with these variables and no other settings.
fn run_in(folder: &Path, variables: &[(&str, &str)], args: &[&str]) -> Run {
    let mut command = Command::new(binary());
    command.args(args).current_dir(folder).env("HOME", folder).env_remove("XDG_CONFIG_HOME");
    for name in ["SCOPEGATE_URL", "SCOPEGATE_API_KEY", "SCOPEGATE_CA_FILE", "SCOPEGATE_CONFIG"] {
        command.env_remove(name);
    }
    finish(
        command
            .env_remove("SCOPEBOUND_BASE_URL")
            .env_remove("SCOPEBOUND_API_KEY")
            .envs(variables.iter().copied()),
        "",
    )
}

fn run<S: AsRef<std::ffi::OsStr>>(args: &[S], stdin: &str) -> Run {
    finish(Command::new(binary()).args(args).current_dir(root()), stdin)
}

fn finish(command: &mut Command, stdin: &str) -> Run {
    command.env_remove("CLICOLOR_FORCE");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("scopegate starts");
    child.stdin.take().expect("stdin").write_all(stdin.as_bytes()).ok();
    told(child.wait_with_output().expect("scopegate ends"))
}

pub(crate) fn told(output: Output) -> Run {
    Run {
        code: output.status.code().expect("an exit code"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// The binary of this very source, built once; or the one that `SCOPEGATE_BINARY` names, to measure a
/// release build.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    if let Some(named) = std::env::var_os("SCOPEGATE_BINARY") {
        return BINARY.get_or_init(|| Ok(named.into())).as_ref().expect("a path");
    }
    let build = || Ok(program(&build(&["-p", "scopegate-cli", "--bin", "scopegate"])?, "scopegate"));
    BINARY.get_or_init(build).as_ref().expect("scopegate builds")
}

/// A file of the samples.
fn sample(name: &str) -> String {
    format!("examples/agentdojo/{name}")
}

/// A folder that holds this file, and the file's path.
fn file(name: &str, text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    let path = path.to_str().expect("UTF-8").to_owned();
    (folder, path)
}
