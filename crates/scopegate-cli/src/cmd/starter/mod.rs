//! A policy to begin with, for well-known MCP servers.

mod template;
