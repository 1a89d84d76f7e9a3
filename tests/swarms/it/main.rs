//! swarms' own agent loop over guarded models and tools.

mod example;
mod handoff;
mod held;
mod loops;
mod mcp;
mod nested;
mod seams;
mod sessions;
mod support;
mod told;
