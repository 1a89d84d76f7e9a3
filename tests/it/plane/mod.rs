//! The plane as its clients meet it: the real program, over real sockets.

mod agents;
mod assertions;
mod connections;
mod document;
mod keys;
mod policies;
mod requests;
mod routes;
mod signing;
