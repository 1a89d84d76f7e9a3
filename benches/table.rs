//! Measures the goals, or single operations, and prints what it found.

use std::env;
use std::process::ExitCode;
use std::str::FromStr;

use scopegate_benches::goals::{BARS, ROWS, Row};
use scopegate_benches::harness::{Effort, Item, collect};
use scopegate_benches::{Result, items, report};

const USAGE: &str = "\
usage: table COMMAND [OPTION VALUE]...

commands
  goals        measures every goal beside its peer (what `cargo bench` does)
  bars         checks instructions (with valgrind) and allocations; fails when a must is missed
  figures      measures the goals without a peer: threads, memory, loading, publishing
  items        measures every operation alone, and counts its allocations
  list         names the operations
  cg NAME N    does an operation N times, for
               valgrind --tool=callgrind --toggle-collect=measured_region

options
  --filter A,B       only goals with these numbers, and rows or items whose names contain one of these
  --rounds N         how often each side runs (15)
  --ms N             how many milliseconds a run takes (10)
  --instructions [N] with `items`: also instructions, by callgrind, over N operations (200)";

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
    let items = items();
    let effort = Effort::default();
    let effort = Effort {
        rounds: option(args, "--rounds")?.unwrap_or(effort.rounds),
        ms: option(args, "--ms")?.unwrap_or(effort.ms),
    };
    let filter: Option<String> = option(args, "--filter")?;
    let wanted = |name: &str| filter.as_ref().is_none_or(|f| f.split(',').any(|part| name.contains(part)));
    let numbered = |number| filter.as_ref().is_some_and(|f| f.split(',').any(|part| part == number));

    // `cargo bench` adds `--bench`; `cargo test` adds nothing, and measuring is not what it is for.
    let command = match args.first().map(String::as_str) {
        Some(command) if !command.starts_with("--") => command,
        _ if args.iter().any(|arg| arg == "--bench") => "goals",
        _ => "help",
    };
    match command {
        "goals" => {
            let chosen = |row: &&Row| numbered(row.number) || wanted(row.ours) || wanted(row.peer);
            report::goals(&ROWS.iter().filter(chosen).collect::<Vec<_>>(), &items, effort)?;
            if filter.is_none() { report::figures(&items, effort) } else { Ok(()) }
        }
        "figures" => report::figures(&items, effort),
        "bars" => match report::bars(BARS, &items)? {
            true => Ok(()),
            false => Err("a must is missed".into()),
        },
        "items" => {
            let counting = args.iter().any(|arg| arg == "--instructions");
            let operations = counting.then(|| option(args, "--instructions").ok().flatten().unwrap_or(200));
            let chosen: Vec<_> = items.iter().filter(|item| wanted(&item.name)).collect();
            report::items(&chosen, effort, operations)
        }
        "list" => {
            items.iter().for_each(|item| println!("{}", item.name));
            Ok(())
        }
        "cg" => {
            let [_, name, count, ..] = args else { return Err(USAGE.into()) };
            let item = Item::find(&items, name);
            collect(item.ok_or_else(|| format!("no item is named {name}"))?, count.parse()?)
        }
        "help" => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

/// The value that follows `key`.
fn option<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    args: &[String],
    key: &str,
) -> Result<Option<T>> {
    let value = args.iter().skip_while(|arg| *arg != key).nth(1);
    Ok(value.map(|value| value.parse()).transpose().map_err(|error| format!("{key}: {error}"))?)
}
