//! The help teaches: every command it shows works.

use std::process::Command;

use super::{binary, root, scopegate, told};

/// The commands that a help text shows, with `\` at line ends joined.
fn shown(help: &str) -> Vec<String> {
    let help = help.replace("\\\n", " ");
    let lines = help.lines().map(str::trim);
    let commands = lines.filter(|line| line.starts_with("scopegate ") || line.contains("| scopegate "));
    commands.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn every_example_works_from_the_root() {
    // A folder where examples may write, with the samples where they expect them.
    let folder = tempfile::tempdir().expect("a folder");
    #[cfg(unix)]
    std::os::unix::fs::symlink(root().join("examples"), folder.path().join("examples")).expect("a link");
    let path = std::env::var("PATH").expect("PATH");
    let path = format!("{}:{path}", binary().parent().expect("a folder").display());
    for command in ["", "check", "validate", "explain", "replay", "schema"] {
        let help = scopegate(&[command, "--help"].iter().filter(|arg| !arg.is_empty()).collect::<Vec<_>>());
        assert_eq!(help.code, 0);
        let examples = shown(&help.stdout);
        assert!(!examples.is_empty(), "{command} shows no example");
        for example in examples {
            let mut shell = Command::new("sh");
            shell.args(["-c", &example]).current_dir(folder.path()).env("PATH", &path);
            let run = told(shell.output().expect("a shell"));
            assert!([0, 1, 3].contains(&run.code), "{example}\nexit {}\n{}", run.code, run.stderr);
            assert_eq!(run.stderr.find("error"), None, "{example}\n{}", run.stderr);
        }
    }
}

#[test]
fn the_exit_codes_are_told() {
    for help in [scopegate(&["--help"]), scopegate(&["-h"])] {
        for code in ["0  permitted", "1  denied", "2  the command", "3  held", "4  no answer"] {
            help.assert(0, code, "");
        }
    }
    assert!(scopegate(&["audit", "verify", "--help"]).stdout.contains("Exit codes: 0 it holds"));
}
