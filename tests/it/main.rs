//! One binary for all integration tests: a new file is a new module here.

mod cli;
mod differential;
mod tidy;
mod tower;
