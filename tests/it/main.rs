//! One binary for all integration tests: a new file is a new module here.

mod arguments;
mod built;
mod cli;
mod client;
mod differential;
mod engine;
mod examples;
mod mcp;
mod plane;
mod plane_faults;
mod plane_store;
mod properties;
mod readme;
mod remote;
mod served;
mod spanforge;
mod tidy;
mod tower;
