//! What `scopegate mcp` adds to a call, on both transports, and goal 19: its relay beside one that
//! hands on bytes.

mod echo;
mod http;
mod rounds;
mod stdio;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use scopegate_benches::Result;

const USAGE: &str = "\
usage: mcp COMMAND [OPTION VALUE]...

commands
  goals           measures (what `cargo bench` does); `scopegate` has to be built in release beside it
  echo            is a server on standard input and output
  echo-http       is a server over HTTP
  relay COMMAND   hands bytes to a program and back, with two threads

options
  --only WAY      `stdio` or `http`
  --rounds N      how often each is asked (15)
  --calls N       calls a round (2000)";

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
    match args.first().map(String::as_str) {
        Some("echo") => echo::on_stdio(),
        Some("echo-http") => echo::over_http(),
        Some("relay") => stdio::relay(args.get(1..).unwrap_or_default()),
        Some("goals") => measure(args),
        // `cargo bench` adds `--bench`; `cargo test` adds nothing, and measuring is not what it is for.
        _ if args.iter().any(|arg| arg == "--bench") => measure(args),
        _ => {
            println!("{USAGE}");
            Ok(())
        }
    }
}

fn measure(args: &[String]) -> Result<()> {
    let number = |name: &str, unless: usize| {
        let given = args.iter().skip_while(|arg| *arg != name).nth(1);
        given.map_or(Ok(unless), |given| given.parse())
    };
    let (rounds, calls) = (number("--rounds", 15)?, number("--calls", 2000)?);
    println!("{rounds} rounds of {calls} calls each, in turn; microseconds a call");
    let folder = tempfile::tempdir()?;
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, POLICY)?;
    let only = args.iter().skip_while(|arg| *arg != "--only").nth(1).map(String::as_str);
    if only != Some("http") {
        stdio::measure(&policy, rounds, calls)?;
    }
    if only != Some("stdio") {
        http::measure(&policy, rounds, calls)?;
    }
    Ok(())
}

/// The tool of the servers here, with two constraints on its arguments.
const POLICY: &str = "
version: 1
records: memory
roles:
  - name: agent
    allowed_mcp_servers: [echo]
    allowed_tools: [echo]
    parameter_constraints:
      echo: [{field: text, operator: max_length, value: 100}, {field: n, operator: lt, value: 1000000}]
";

/// This program.
fn ourselves() -> Result<String> {
    Ok(env::current_exe()?.to_str().ok_or("a path that is no text")?.to_owned())
}

/// `scopegate`, built in release beside this program.
fn scopegate() -> Result<String> {
    let own = env::current_exe()?;
    let profile = own.ancestors().nth(2).ok_or("no build directory")?;
    let program: PathBuf = profile.join(format!("scopegate{}", env::consts::EXE_SUFFIX));
    match program.exists() {
        true => Ok(program.to_str().ok_or("a path that is no text")?.to_owned()),
        false => {
            Err(format!("{}: build it with `cargo build -p scopegate-cli --release`", program.display())
                .into())
        }
    }
}

/// The proxy in front of something.
fn proxy(policy: &std::path::Path, before: &[&str]) -> Result<Vec<String>> {
    let policy = policy.to_str().ok_or("a path that is no text")?;
    let words = ["mcp", "--policy", policy, "--server-name", "echo"];
    let ours = [scopegate()?];
    Ok(ours.into_iter().chain(words.iter().chain(before).map(ToString::to_string)).collect())
}
