//! Measures the plane over loopback: goals 15, 16, 17 and 20.

use std::env;
use std::process::ExitCode;

use scopegate_benches::{Result, plane};

const USAGE: &str = "\
usage: plane COMMAND [OPTION VALUE]...

commands
  goals         measures them beside servers that do less (what `cargo bench` does)
  serve NAME    is one of those servers

options
  --rounds N    how often each server is asked (7)
  --resident    also opens 100,000 sessions, for goal 20";

fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let has = |word: &str| args.iter().any(|arg| arg == word);
    match args.first().map(String::as_str) {
        Some("serve") => plane::serve(args.get(1).ok_or(USAGE)?),
        Some("goals") => measure(args, has("--resident")),
        // `cargo bench` adds `--bench`; `cargo test` adds nothing, and measuring is not what it is for.
        _ if has("--bench") => measure(args, has("--resident")),
        _ => {
            println!("{USAGE}");
            Ok(())
        }
    }
}

fn measure(args: &[String], with_resident: bool) -> Result<()> {
    let rounds = args.iter().skip_while(|arg| *arg != "--rounds").nth(1);
    plane::measure(rounds.map_or(Ok(7), |rounds| rounds.parse())?, with_resident)
}
