//! Examples of Scopegate. Each runs to its end by itself, on loopback at most, and prints what
//! happens:
//!
//! - `cargo run -p scopegate-examples --example tower_service`: a service that takes only
//!   permitted calls, whatever calls it
//! - `cargo run -p scopegate-examples --example axum_tools`: an axum route behind the layer, over
//!   HTTP: tool from the path, arguments from the body, a held call, no session
//! - `cargo run -p scopegate-examples --example tonic_health`: a tonic service behind the layer,
//!   with a gRPC client
//! - `cargo run -p scopegate-examples --example custom_extractor`: requests of your own shape
//! - `cargo run -p scopegate-examples --example approvals`: an agent that waits for a person
//! - `cargo run -p scopegate-examples --example hot_reload`: a policy file that changes under
//!   running sessions, for better and for worse
//! - `cargo run -p scopegate-examples --example mcp_server`: an MCP server whose tools are guarded, with a
//!   client, a hidden tool and a person
//! - `cargo run -p scopegate-examples --example rig_agent`: a rig agent whose tools are guarded, with
//!   a planted order, a person, and what the model hears
//! - `cargo run -p scopegate-examples --example plain_llm_loop`: the loop around a plain LLM client,
//!   over a `Service<ToolCall>`
//! - `cargo run -p scopegate-examples --example permission_callback`: the answer to an agent that asks
//!   before each tool, `(tool, input) -> allow or deny` in JSON
//! - `cargo run -p scopegate-examples --example a2a`: an agent that other agents reach over HTTP (A2A)
//! - `cargo run -p scopegate-examples --example spanforge`: manifests, asked as SpanForge asks them and beside a role, and
//!   signed records
