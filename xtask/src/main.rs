//! Development tasks, each one command. `cargo xtask help` lists them.

mod conformance;
mod npm;
mod openapi;
mod python;
mod swarms;

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: cargo xtask TASK

  test    everything that must pass: unit, integration, documentation and property tests, the
          examples, a million calls decided twice, `conformance`, `xybern`, `mcp`, `spanforge`
          and `openapi`
  conformance [PYTEST ARGUMENTS]
          the published Scopebound Python package against the plane (installs it under target/, once;
          needs Python 3.11 and a package index)
  xybern [PYTEST ARGUMENTS]
          the published Xybern Python package against the plane (needs what `conformance` needs)
  mcp [PYTEST ARGUMENTS]
          published MCP clients and servers with `scopegate mcp` between them (installs them under
          target/, once; needs Python 3.11, Node.js 20 with npm, and their package indexes)
  spanforge [PYTEST ARGUMENTS]
          the published SpanForge package verifies our exports (needs what `conformance` needs)
  openapi [SCHEMATHESIS ARGUMENTS]
          the plane against its own OpenAPI document, for a minute (needs what `conformance` needs)
  swarms  the lints, documentation links and tests of `scopegate-swarms`, which the other tasks leave out: its
          framework takes minutes to build and needs OpenSSL's headers (installed where that can be done)
  ci      formatting, lints, documentation links, every feature on its own, then `test` and `swarms`
  bench   every speed goal beside its peer, and the instruction and allocation bars
          (builds the peers: some minutes)
  soak    `test`'s long runs, twenty times longer, and a plane killed 200 times
";

fn main() -> ExitCode {
    let task = env::args().nth(1).unwrap_or_default();
    let outcome = match task.as_str() {
        "test" => test(),
        "conformance" => conformance::scopebound(),
        "xybern" => conformance::xybern(),
        "mcp" => conformance::mcp(),
        "spanforge" => conformance::spanforge(),
        "openapi" => openapi::schemathesis(),
        "swarms" => swarms::all(),
        "ci" => ci(),
        "bench" => bench(),
        "soak" => soak(),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {task}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn test() -> Result<()> {
    cargo(&[&["test", "--workspace", "--locked"], swarms::LEFT_OUT].concat())?;
    let documented = ["test", "--doc", "--package", "scopegate", "--package", "scopegate-tower"];
    let rest =
        ["--package", "scopegate-rig", "--package", "scopegate-mcp", "--locked", "--features", FEATURES];
    cargo(&[documented.as_slice(), &rest].concat())?;
    conformance::scopebound()?;
    conformance::xybern()?;
    conformance::mcp()?;
    conformance::spanforge()?;
    openapi::schemathesis()
}

fn ci() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    let lint = ["clippy", "--workspace", "--all-targets", "--locked"];
    cargo(&[lint.as_slice(), swarms::LEFT_OUT, &["--", "--deny", "warnings"]].concat())?;
    for features in [
        "",
        "local",
        "remote",
        "tower",
        "axum",
        "tonic",
        "rig",
        "mcp",
        "remote,axum",
        "local,axum,tonic,rig,mcp",
    ] {
        let args =
            ["clippy", "--package", "scopegate", "--no-default-features", "--locked", "--features", features];
        cargo(&[&args[..], &["--", "--deny", "warnings"]].concat())?;
    }
    documentation(&[&["--workspace", "--features", FEATURES], swarms::LEFT_OUT].concat())?;
    test()?;
    swarms::all()
}

/// All features of the facade that need no framework of minutes.
const FEATURES: &str = "scopegate/axum,scopegate/tonic,scopegate/remote,scopegate/rig,scopegate/mcp";

/// Links that lead nowhere are errors.
fn documentation(of: &[&str]) -> Result<()> {
    let args = [&["doc", "--no-deps", "--locked"], of].concat();
    step(cargo_command(&args).env("RUSTDOCFLAGS", "--deny warnings"))
}

fn bench() -> Result<()> {
    let table = ["bench", "--package", "scopegate-benches", "--features", "peers", "--bench", "table", "--"];
    cargo(&[&table[..], &["goals"]].concat())?;
    cargo(&[&table[..], &["bars"]].concat())?;
    // Beside its benchmarks, where they look for it.
    cargo(&["build", "--package", "scopegate-cli", "--release", "--locked"])?;
    let plane = ["bench", "--package", "scopegate-benches", "--features", "peers", "--bench", "plane", "--"];
    cargo(&[&plane[..], &["goals", "--resident"]].concat())
}

fn soak() -> Result<()> {
    let args = ["test", "--package", "scopegate-tests", "--release", "--locked", "--", "--nocapture"];
    step(
        cargo_command(&args)
            .env("SCOPEGATE_DIFFERENTIAL_CALLS", "20000000")
            .env("PROPTEST_CASES", "100000")
            .env("SCOPEGATE_KILLS", "200"),
    )
}

fn cargo(args: &[&str]) -> Result<()> {
    step(&mut cargo_command(args))
}

fn cargo_command(args: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    command
}

/// Runs a command, says so, and says how long it took.
fn step(command: &mut Command) -> Result<()> {
    let program = Path::new(command.get_program()).file_stem().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    let shown = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    eprintln!("\n==> {shown}");
    let started = Instant::now();
    let status = command.status().with_context(|| format!("`{shown}` could not be started"))?;
    if !status.success() {
        bail!("`{shown}` failed");
    }
    eprintln!("    done in {:.0} s", started.elapsed().as_secs_f32());
    Ok(())
}
