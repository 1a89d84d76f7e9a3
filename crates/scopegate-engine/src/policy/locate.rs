//! From a place in the document (`roles[2].allowed_tools[0]`) to a line and a column.

use std::collections::BTreeMap;
use std::fmt;

use scopegate_core::Segment;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::read::options;

/// The document with a place at every value. Only made when there is something to locate.
enum Tree {
    Map(BTreeMap<String, Member>),
    List(Vec<Spanned<Tree>>),
    Null,
    Leaf,
}

struct Member {
    name: Location,
    value: Spanned<Tree>,
}

type Place = (u64, u64);

fn place(location: Location) -> Place {
    (location.line(), location.column())
}

/// What a constraint compares with, what an MCP server says of its tools, and what a manifest says to
/// people. They are judged when they are read and compiled.
const MAY_HOLD_NULLS: [&str; 6] =
    ["value", "inputSchema", "outputSchema", "annotations", "_meta", "metadata"];

/// A member that was given no value, and its place. A guard whose lines were all commented out
/// would otherwise read as no guard.
pub(super) fn empty_member(text: &str) -> Option<(String, Place)> {
    let root = serde_saphyr::from_str_with_options::<Spanned<Tree>>(text, options()).ok()?;
    find_empty(&root)
}

fn find_empty(here: &Spanned<Tree>) -> Option<(String, Place)> {
    match &here.value {
        Tree::Map(members) => members
            .iter()
            .filter(|(name, _)| !MAY_HOLD_NULLS.contains(&name.as_str()))
            .find_map(|(name, member)| match member.value.value {
                Tree::Null => Some((name.clone(), place(member.value.referenced))),
                _ => find_empty(&member.value),
            }),
        Tree::List(elements) => elements.iter().find_map(find_empty),
        Tree::Null | Tree::Leaf => None,
    }
}

/// The line and column of the deepest part of the path that exists.
pub(super) fn locate(text: &str, path: &[Segment]) -> Place {
    let Ok(root) = serde_saphyr::from_str_with_options::<Spanned<Tree>>(text, options()) else {
        return (1, 1);
    };
    let mut here = &root;
    for segment in path {
        let next = match (&here.value, segment) {
            (Tree::Map(members), Segment::Member(name)) => members.get(name).map(|member| &member.value),
            (Tree::List(elements), Segment::Element(index)) => elements.get(*index),
            _ => None,
        };
        let Some(next) = next else { break };
        here = next;
    }
    place(here.referenced)
}

/// The value of the member whose name stands there.
pub(super) fn value_of(text: &str, name: Place) -> Option<Place> {
    let root = serde_saphyr::from_str_with_options::<Spanned<Tree>>(text, options()).ok()?;
    find_value(&root, name)
}

fn find_value(here: &Spanned<Tree>, name: Place) -> Option<Place> {
    match &here.value {
        Tree::Map(members) => members.values().find_map(|member| match place(member.name) {
            here if here == name => Some(place(member.value.referenced)),
            _ => find_value(&member.value, name),
        }),
        Tree::List(elements) => elements.iter().find_map(|element| find_value(element, name)),
        Tree::Null | Tree::Leaf => None,
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Builder)
    }
}

struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<Spanned<String>, _>()? {
            members.insert(name.value, Member { name: name.referenced, value });
        }
        Ok(Tree::Map(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Tree::List(elements))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }
    fn visit_str<E>(self, _: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }
    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }
}
