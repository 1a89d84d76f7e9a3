//! One binary for all integration tests: a new file is a new module here.

mod differential;
mod tidy;
mod tower;
