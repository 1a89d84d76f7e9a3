//! Guarded MCP servers, asked by rmcp's own client and by what no client would send.

mod areas;
mod calls;
mod consent;
mod held;
mod late;
mod methods;
mod people;
mod rounds;
mod several;
mod strict;
mod support;
