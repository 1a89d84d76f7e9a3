//! The plane as its clients meet it: the real program, over real sockets.

mod actions;
mod agents;
mod assertions;
mod connections;
mod decisions;
mod document;
mod grants;
mod joined;
mod keys;
mod policies;
mod requests;
mod roles;
mod routes;
mod signing;
