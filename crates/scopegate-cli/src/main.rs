//! `scopegate`: decides whether an AI agent may make a tool call, from the command line.

mod answer;
mod args;
mod cmd;
mod confirm;
mod connection;
mod exit;
mod output;
mod pager;
mod reveal;
mod trial;
mod when;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::output::Output;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    let mut output = Output::new(args.output);
    let outcome = cmd::run(args.command, &mut output).and_then(|exit| output.finish().map(|()| exit));
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::message(&format!("error: {failure}"));
            failure.exit.into()
        }
    }
}
