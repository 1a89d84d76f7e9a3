//! What the plane lends to clients, and a client that decides with it.

mod agree;
mod client;
mod foreign;
mod fresh;
mod here;
mod journal;
mod lending;
mod nonces;
mod plane;
mod proxy;
mod rates;
mod silence;
