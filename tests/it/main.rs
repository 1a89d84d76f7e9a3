//! One binary for all integration tests: a new file is a new module here.

mod cli;
mod differential;
mod engine;
mod examples;
mod readme;
mod tidy;
mod tower;
