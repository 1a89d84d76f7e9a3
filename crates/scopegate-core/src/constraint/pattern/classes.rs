//! Patterns that are a plain sequence of character classes, such as `VND-[0-9]{6}`.

use super::MAX_VALUE;

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// A pattern that one greedy pass decides.
#[derive(Debug)]
pub(super) struct Classes(Box<[Part]>);

/// A stretch of the pattern.
#[derive(Debug)]
enum Part {
    /// These very bytes.
    Text(Box<[u8]>),
    /// So many bytes of a set.
    Run(Piece),
}

/// So many bytes of a set.
#[derive(Clone, Debug)]
struct Piece {
    set: Set,
    min: u32,
    max: u32,
}

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Set([u64; 4]);

impl Classes {
    /// `None` unless taking as much as possible, piece by piece, is exact.
    pub(super) fn from_hir(hir: &Hir) -> Option<Self> {
        let mut pieces = Vec::new();
        collect(inside_anchors(hir), &mut pieces)?;
        let shortest: u64 = pieces.iter().map(|piece| u64::from(piece.min)).sum();
        // What is longer than any value goes to the regex engine, which refuses it by size.
        (shortest <= MAX_VALUE as u64 && is_exact(&pieces)).then(|| Self(join(pieces)))
    }

    /// Whether some value with a newline could match.
    pub(super) fn passes_newline(&self) -> bool {
        self.0.iter().any(|part| match part {
            Part::Text(text) => text.contains(&b'\n'),
            Part::Run(piece) => piece.set.contains(b'\n'),
        })
    }

    pub(super) fn matches(&self, value: &[u8]) -> bool {
        let mut rest = value;
        for part in &self.0 {
            let after = match part {
                Part::Text(text) => rest.strip_prefix(&**text),
                Part::Run(piece) => piece.strip(rest),
            };
            let Some(after) = after else { return false };
            rest = after;
        }
        rest.is_empty()
    }
}

/// Single bytes in a row become text.
fn join(pieces: Vec<Piece>) -> Box<[Part]> {
    let mut parts = Vec::new();
    let mut text = Vec::new();
    for piece in pieces {
        match piece.set.only() {
            Some(byte) if piece.min == piece.max => text.extend((0..piece.min).map(|_| byte)),
            _ => {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text).into()));
                }
                parts.push(Part::Run(piece));
            }
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text.into()));
    }
    parts.into()
}

/// The parts between `^` and `$`, which say nothing more where the whole value must match.
fn inside_anchors(hir: &Hir) -> &[Hir] {
    let HirKind::Concat(parts) = hir.kind() else { return std::slice::from_ref(hir) };
    let look = |hir: &Hir, look: Look| matches!(hir.kind(), HirKind::Look(found) if *found == look);
    let parts = match &**parts {
        [first, rest @ ..] if look(first, Look::Start) => rest,
        parts => parts,
    };
    match parts {
        [rest @ .., last] if look(last, Look::End) => rest,
        parts => parts,
    }
}

fn collect(parts: &[Hir], pieces: &mut Vec<Piece>) -> Option<()> {
    for part in parts {
        match part.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => {
                pieces.extend(literal.0.iter().map(|byte| Piece::once(Set::of(*byte, *byte))))
            }
            HirKind::Class(class) => pieces.push(Piece::once(Set::of_class(class)?)),
            HirKind::Capture(group) => collect(std::slice::from_ref(&group.sub), pieces)?,
            HirKind::Concat(parts) => collect(parts, pieces)?,
            HirKind::Repetition(repetition) => {
                let mut inner = Vec::new();
                collect(std::slice::from_ref(&repetition.sub), &mut inner)?;
                let [Piece { set, min: 1, max: 1 }] = *inner else { return None };
                pieces.push(Piece { set, min: repetition.min, max: repetition.max.unwrap_or(u32::MAX) });
            }
            HirKind::Look(_) | HirKind::Alternation(_) => return None,
        }
    }
    Some(())
}

/// A piece of variable length must share no byte with anything that could follow it directly.
fn is_exact(pieces: &[Piece]) -> bool {
    let mut rest = pieces;
    while let [piece, after @ ..] = rest {
        if piece.min != piece.max {
            let mandatory = after.iter().position(|next| next.min > 0).map_or(after.len(), |at| at + 1);
            if after.iter().take(mandatory).any(|next| piece.set.meets(next.set)) {
                return false;
            }
        }
        rest = after;
    }
    true
}

impl Piece {
    fn once(set: Set) -> Self {
        Self { set, min: 1, max: 1 }
    }

    /// What is left behind as many bytes as possible; `None` when there are too few.
    fn strip<'v>(&self, value: &'v [u8]) -> Option<&'v [u8]> {
        let mut taken = 0;
        for byte in value {
            if taken == self.max || !self.set.contains(*byte) {
                break;
            }
            taken += 1;
        }
        if taken < self.min { None } else { value.get(taken as usize..) }
    }
}

impl Set {
    fn of(first: u8, last: u8) -> Self {
        let mut set = Self::default();
        for byte in first..=last {
            if let Some(word) = set.0.get_mut(usize::from(byte >> 6)) {
                *word |= 1 << (byte & 63);
            }
        }
        set
    }

    fn of_class(class: &Class) -> Option<Self> {
        let Class::Bytes(class) = class else { return None };
        Some(class.iter().map(|range| Self::of(range.start(), range.end())).fold(Self::default(), Self::or))
    }

    fn or(self, other: Self) -> Self {
        let [a, b, c, d] = self.0;
        let [e, f, g, h] = other.0;
        Self([a | e, b | f, c | g, d | h])
    }

    fn meets(self, other: Self) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }

    /// The byte of a set of one.
    fn only(self) -> Option<u8> {
        let mut members = (0..=u8::MAX).filter(|byte| self.contains(*byte));
        members.next().filter(|_| members.next().is_none())
    }

    fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }
}
