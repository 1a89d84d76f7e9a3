//! What a pattern may say. Checked before it compiles, so that a pattern means the same in every
//! engine: no back-references, no Unicode classes, no inline flag but `i`.

use regex_syntax::ast::{self, Ast};
use regex_syntax::hir::{Hir, Look};
use regex_syntax::{ParserBuilder, ast::parse::Parser};

use super::look::{self, Narrow};

pub(super) struct Parsed {
    /// Of a pattern with look-around, as if that were plain groups.
    pub(super) hir: Hir,
    pub(super) anchored: bool,
    pub(super) looks_around: bool,
}

pub(super) fn parse(source: &str) -> Result<Parsed, String> {
    let (stripped, looks) = look::strip(source)?;
    let tree = Parser::new().parse(&stripped).map_err(|error| words(error.kind()))?;
    ast::visit(&tree, Portable)?;
    if !looks.is_empty() {
        ast::visit(&tree, Narrow { stripped: &stripped, looks: &looks })?;
    }
    let hir = bytes().parse(&stripped).map_err(|error| error.to_string())?;
    let assertions = hir.properties().look_set();
    let anchored = [Look::Start, Look::End].into_iter().any(|look| assertions.contains(look));
    Ok(Parsed { hir, anchored, looks_around: !looks.is_empty() })
}

/// Reads patterns that match bytes.
pub(super) fn bytes() -> regex_syntax::Parser {
    ParserBuilder::new().unicode(false).utf8(false).build()
}

pub(super) fn words(kind: &ast::ErrorKind) -> String {
    match kind {
        ast::ErrorKind::UnsupportedBackreference => "back-references are not supported".to_owned(),
        kind => kind.to_string(),
    }
}

/// Refuses what other engines read differently.
struct Portable;

impl ast::Visitor for Portable {
    type Output = ();
    type Err = String;

    fn finish(self) -> Result<(), String> {
        Ok(())
    }

    fn visit_pre(&mut self, node: &Ast) -> Result<(), String> {
        match node {
            Ast::Flags(set) => only_i(&set.flags),
            Ast::Group(group) => group.flags().map_or(Ok(()), only_i),
            Ast::ClassUnicode(_) => Err("Unicode classes are not supported; name the characters".to_owned()),
            _ => Ok(()),
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), String> {
        match item {
            ast::ClassSetItem::Unicode(_) => {
                Err("Unicode classes are not supported; name the characters".to_owned())
            }
            _ => Ok(()),
        }
    }
}

fn only_i(flags: &ast::Flags) -> Result<(), String> {
    let i = ast::FlagsItemKind::Flag(ast::Flag::CaseInsensitive);
    if flags.items.iter().all(|item| item.kind == i) {
        Ok(())
    } else {
        Err("the only inline flag is `i`".to_owned())
    }
}
