//! Callers that ask again as soon as they have an answer, each on a connection of its own.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Result;

/// Answers are short.
const MOST: usize = 16 * 1024;

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    /// Answers a second.
    pub(super) rate: f64,
    /// Microseconds to an answer.
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// What is asked, and what has to stand in the answer.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) addr: String,
    pub(super) request: Vec<u8>,
    pub(super) expected: &'static str,
}

/// Asks for so long over so many connections.
pub(super) fn drive(question: &Question, connections: usize, span: Duration) -> Result<Figures> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let end = Instant::now() + span;
        let callers: Vec<_> = (0..connections).map(|_| tokio::spawn(call(question.clone(), end))).collect();
        let mut took = Vec::new();
        for caller in callers {
            took.extend(caller.await??);
        }
        took.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| {
            let index = (took.len() as f64 * share) as usize;
            took.get(index.min(took.len().saturating_sub(1))).copied().ok_or("no answer at all")
        };
        Ok(Figures { rate: took.len() as f64 / span.as_secs_f64(), p50: at(0.5)?, p99: at(0.99)? })
    })
}

async fn call(question: Question, end: Instant) -> Result<Vec<f64>> {
    let mut stream = TcpStream::connect(&question.addr).await?;
    stream.set_nodelay(true)?;
    let (mut took, mut buffer) = (Vec::new(), vec![0; MOST]);
    loop {
        let began = Instant::now();
        if began >= end {
            return Ok(took);
        }
        stream.write_all(&question.request).await?;
        let answer = read(&mut stream, &mut buffer).await?;
        if !answer.contains(question.expected) {
            return Err(format!("{} answers {answer}", question.addr).into());
        }
        took.push(began.elapsed().as_secs_f64() * 1e6);
    }
}

/// One answer, with its head.
async fn read<'b>(stream: &mut TcpStream, buffer: &'b mut [u8]) -> Result<&'b str> {
    let mut filled = 0;
    loop {
        let room = buffer.get_mut(filled..).filter(|room| !room.is_empty()).ok_or("too long an answer")?;
        let read = stream.read(room).await?;
        if read == 0 {
            return Err("the connection was closed".into());
        }
        filled += read;
        if is_whole(buffer.get(..filled).unwrap_or_default()) {
            return Ok(std::str::from_utf8(buffer.get(..filled).unwrap_or_default())?);
        }
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let text = std::str::from_utf8(answer).unwrap_or_default();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    length.is_some_and(|length| body.len() >= length)
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn an_answer_is_as_long_as_it_says() {
        for (answer, whole) in [
            ("", false),
            ("HTTP/1.1 200 OK\r\n", false),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{", false),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", true),
            ("HTTP/1.1 200 OK\r\n\r\n{}", false),
        ] {
            assert_eq!(is_whole(answer.as_bytes()), whole, "{answer}");
        }
    }
}
