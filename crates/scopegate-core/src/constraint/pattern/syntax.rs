//! What a pattern may say. Checked before it compiles, so that a pattern means the same in every
//! engine: no look-around, no back-references, no Unicode classes, no inline flag but `i`.

use regex_syntax::ast::{self, Ast};
use regex_syntax::hir::{Hir, Look};
use regex_syntax::{ParserBuilder, ast::parse::Parser};

pub(super) struct Parsed {
    pub(super) hir: Hir,
    pub(super) anchored: bool,
}

pub(super) fn parse(source: &str) -> Result<Parsed, String> {
    let tree = Parser::new().parse(source).map_err(|error| plain(error.kind()))?;
    ast::visit(&tree, Portable)?;
    let mut parser = ParserBuilder::new().unicode(false).utf8(false).build();
    let hir = parser.parse(source).map_err(|error| error.to_string())?;
    let looks = hir.properties().look_set();
    let anchored = [Look::Start, Look::End].into_iter().any(|look| looks.contains(look));
    Ok(Parsed { hir, anchored })
}

fn plain(kind: &ast::ErrorKind) -> String {
    match kind {
        ast::ErrorKind::UnsupportedLookAround => "look-around is not supported by this version".to_owned(),
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
