//! Server-sent events, as far as the plane uses them.

use scopegate_core::{Name, SessionId};
use serde::Deserialize;

use super::seats::Touched;
use crate::wire::Epoch;

/// A longer line is no event of a plane.
const MOST: usize = 64 * 1024;

/// What a plane tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The epoch is this one, and nothing is said of how it came to be.
    Epoch(Epoch),
    /// The epoch became this one because that changed.
    Change(Epoch, Touched),
}

/// What came is not what a plane sends.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the events of a plane")]
pub(super) struct NotEvents;

/// Reads a stream, piece by piece.
#[derive(Debug, Default)]
pub(super) struct Reader {
    rest: Vec<u8>,
    name: String,
}

#[derive(Deserialize)]
struct Data {
    incarnation: u64,
    counter: u64,
    role: Option<Name>,
    session: Option<SessionId>,
    owner: Option<Name>,
    /// What a later plane adds.
    #[serde(flatten)]
    more: serde_json::Map<String, serde_json::Value>,
}

impl Reader {
    /// The events that this piece completes.
    pub(super) fn read(&mut self, piece: &[u8]) -> Result<Vec<Event>, NotEvents> {
        self.rest.extend_from_slice(piece);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = std::str::from_utf8(&line).map_err(|_| NotEvents)?.trim_end_matches(['\r', '\n']);
            events.extend(self.line(line)?);
        }
        if self.rest.len() > MOST { Err(NotEvents) } else { Ok(events) }
    }

    fn line(&mut self, line: &str) -> Result<Option<Event>, NotEvents> {
        if let Some(name) = line.strip_prefix("event:") {
            name.trim().clone_into(&mut self.name);
        } else if let Some(data) = line.strip_prefix("data:") {
            return event(&self.name, data).map(Some);
        }
        // Comments keep the connection alive; other fields are for browsers.
        Ok(None)
    }
}

fn event(name: &str, data: &str) -> Result<Event, NotEvents> {
    let Data { incarnation, counter, role, session, owner, more } =
        serde_json::from_str(data).map_err(|_| NotEvents)?;
    let epoch = Epoch { incarnation, counter };
    let touched = match (role, session, owner) {
        _ if !more.is_empty() => Touched::Anything,
        (Some(role), None, None) => Touched::Role(role),
        (None, Some(session), None) => Touched::Session(session),
        (None, None, Some(owner)) => Touched::Owner(owner),
        _ => Touched::Anything,
    };
    Ok(if name == "change" { Event::Change(epoch, touched) } else { Event::Epoch(epoch) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "event: epoch\ndata: {\"incarnation\":7,\"counter\":1}\n\n:\n\nevent: change\r\n\
        data: {\"incarnation\":7,\"counter\":2,\"role\":\"clerk\"}\r\n\r\nevent: change\n\
        data:{\"incarnation\":7,\"counter\":3,\"role\":\"clerk\",\"tool\":\"later\"}\nid: 9\n\n";

    #[test]
    fn in_whatever_pieces_it_comes() {
        let epoch = |counter| Epoch { incarnation: 7, counter };
        let expected = [
            Event::Epoch(epoch(1)),
            Event::Change(epoch(2), Touched::Role("clerk".into())),
            Event::Change(epoch(3), Touched::Anything),
        ];
        for size in [1, 2, 7, 50, 1_000] {
            let mut reader = Reader::default();
            let pieces = STREAM.as_bytes().chunks(size);
            let events: Vec<_> = pieces.flat_map(|piece| reader.read(piece).unwrap()).collect();
            assert_eq!(events, expected, "{size}");
        }
    }

    #[test]
    fn what_is_not_a_planes_is_told() {
        for bad in [&b"data: <html>\n"[..], b"data: {}\n", b"\xff\xfe\n", &[b'x'; MOST + 1]] {
            assert_eq!(Reader::default().read(bad), Err(NotEvents));
        }
    }
}
