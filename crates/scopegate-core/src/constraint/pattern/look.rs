//! Look-around: `(?=…)`, `(?!…)`, `(?<=…)`, `(?<!…)`. The linear engine has none, so these patterns
//! run on a backtracking one, under a limit; and they may say less, so that nothing in them
//! means two things and no value costs much.

use fancy_regex::{BytesMode, Regex, RegexBuilder};
use regex_syntax::ast::{self, Ast, parse::Parser};

use super::MAX_COMPILED;
use super::syntax::{bytes, words};
use crate::problem::Problem;

/// Most look-arounds in a pattern.
const MAX_LOOKS: usize = 4;
/// Most steps back before a value counts as no match.
const MAX_STEPS: usize = 10_000;

/// A pattern with look-around, matched as a whole.
#[derive(Debug)]
pub(super) struct Backtracking(Regex);

impl Backtracking {
    pub(super) fn compile(source: &str) -> Result<Self, Problem> {
        let mut builder = RegexBuilder::new(&format!(r"\A(?:{source})\z"));
        builder.bytes_mode(BytesMode::Ascii).backtrack_limit(MAX_STEPS).delegate_size_limit(MAX_COMPILED);
        builder.build().map(Self).map_err(|error| Problem::Pattern(error.to_string()))
    }

    /// Whether the whole value matches; not if that takes too many steps, and not if it holds more
    /// than ASCII: the engine loses matches that end inside a character, and a lost match of
    /// `(?!…)` would be a yes.
    pub(super) fn matches(&self, value: &[u8]) -> bool {
        value.is_ascii() && self.0.is_match(value).unwrap_or(false)
    }
}

/// Where a look-around begins, once it is a plain group.
pub(super) struct Around {
    at: usize,
    behind: bool,
}

/// The pattern with every look-around made a plain group, and where they begin.
pub(super) fn strip(source: &str) -> Result<(String, Vec<Around>), String> {
    let (mut plain, mut looks) = (source.to_owned(), Vec::new());
    loop {
        match Parser::new().parse(&plain) {
            Err(error) if *error.kind() == ast::ErrorKind::UnsupportedLookAround => {
                let (start, end) = (error.span().start.offset, error.span().end.offset);
                let cut = plain.get(..start).zip(plain.get(end..));
                let (before, after) = cut.ok_or_else(|| error.kind().to_string())?;
                plain = format!("{before}(?:{after}");
                looks.push(Around { at: start, behind: end - start == "(?<=".len() });
            }
            Err(error) => return Err(words(error.kind())),
            Ok(_) => return Ok((plain, looks)),
        }
    }
}

/// Refuses what the two engines could read differently, and what could take long.
pub(super) struct Narrow<'a> {
    pub(super) stripped: &'a str,
    pub(super) looks: &'a [Around],
}

const READ_DIFFERENTLY: &str = "beside look-around, that could mean two things; write it more plainly";

fn refuse<T>(why: &str) -> Result<T, String> {
    Err(why.to_owned())
}

impl Narrow<'_> {
    fn repetition(&self, repetition: &ast::Repetition) -> Result<(), String> {
        let span = repetition.span;
        if self.looks.iter().any(|look| (span.start.offset..span.end.offset).contains(&look.at)) {
            return refuse("look-around inside a repetition could take too long");
        }
        // To one engine `a++` never gives back what it took.
        if matches!(*repetition.ast, Ast::Repetition(_)) { refuse(READ_DIFFERENTLY) } else { Ok(()) }
    }

    /// Look-behind has one length: the engine would otherwise try many, if it was built to.
    fn group(&self, group: &ast::Group) -> Result<(), String> {
        let span = group.span;
        if !self.looks.iter().any(|look| look.behind && look.at == span.start.offset) {
            return Ok(());
        }
        let inside = self.stripped.get(span.start.offset..span.end.offset).unwrap_or_default();
        let hir = bytes().parse(inside).map_err(|error| error.to_string())?;
        let (least, most) = (hir.properties().minimum_len(), hir.properties().maximum_len());
        if least.is_some() && least == most { Ok(()) } else { refuse("look-behind must have one length") }
    }
}

fn literal(literal: &ast::Literal) -> Result<(), String> {
    use ast::{HexLiteralKind, LiteralKind, SpecialLiteralKind};
    match literal.kind {
        _ if !literal.c.is_ascii() => refuse("beside look-around, only ASCII"),
        LiteralKind::Verbatim | LiteralKind::Meta | LiteralKind::Superfluous => Ok(()),
        LiteralKind::HexFixed(HexLiteralKind::X) => Ok(()),
        LiteralKind::Special(
            SpecialLiteralKind::Tab | SpecialLiteralKind::LineFeed | SpecialLiteralKind::CarriageReturn,
        ) => Ok(()),
        _ => refuse(READ_DIFFERENTLY),
    }
}

impl ast::Visitor for Narrow<'_> {
    type Output = ();
    type Err = String;

    fn start(&mut self) {}

    fn finish(self) -> Result<(), String> {
        if self.looks.len() > MAX_LOOKS {
            return Err(format!("more than {MAX_LOOKS} look-arounds"));
        }
        Ok(())
    }

    fn visit_pre(&mut self, node: &Ast) -> Result<(), String> {
        use ast::AssertionKind::{EndLine, EndText, StartLine, StartText};
        match node {
            Ast::Repetition(repetition) => self.repetition(repetition),
            Ast::Group(one) => self.group(one),
            Ast::Literal(one) => literal(one),
            Ast::Flags(flags) if flags.span.start.offset > 0 => {
                refuse("beside look-around, `(?i)` stands first")
            }
            Ast::Assertion(assertion) => match assertion.kind {
                StartLine | EndLine | StartText | EndText => Ok(()),
                // The backtracking engine knows word boundaries of Unicode only.
                _ => refuse(READ_DIFFERENTLY),
            },
            _ => Ok(()),
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), String> {
        match item {
            ast::ClassSetItem::Literal(one) => literal(one),
            ast::ClassSetItem::Range(range) => literal(&range.start).and(literal(&range.end)),
            ast::ClassSetItem::Bracketed(_) => refuse(READ_DIFFERENTLY),
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ast::ClassSetBinaryOp) -> Result<(), String> {
        refuse(READ_DIFFERENTLY)
    }
}
