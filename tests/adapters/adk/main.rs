//! ADK-Rust's tools and toolsets behind a guard, called as its agents call them.

mod guarded;
mod loops;
mod nested;
mod support;
