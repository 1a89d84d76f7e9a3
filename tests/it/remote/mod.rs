//! What the plane lends to clients, and a client that decides with it.

mod journal;
mod lending;
mod nonces;
mod plane;
mod rates;
