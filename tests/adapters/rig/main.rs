//! rig's own agent loop over guarded tools.

mod held;
mod hook;
mod loops;
mod mcp;

mod nested;
mod seams;
mod sessions;
mod support;
mod told;
mod tools;
