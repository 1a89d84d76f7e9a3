//! tokio's channel: a 64-byte record sent without waiting. Draining it is not measured.

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::harness::Item;

const CAPACITY: usize = 1_024;

type Record = [u64; 8];

pub(super) fn items() -> Vec<Item> {
    let send = |(sender, _): &mut Channel| sender.try_send([7; 8]).is_ok();
    let drain = |(_, receiver): &mut Channel| while receiver.try_recv().is_ok() {};
    let build = || Ok(channel(CAPACITY));
    vec![Item::refreshed("tokio/mpsc", build, send, |sent| *sent, (CAPACITY as u64 / 2, drain))]
}

type Channel = (Sender<Record>, Receiver<Record>);
