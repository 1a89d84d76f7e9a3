//! The method reference, held against what there is: `methods.txt` says which methods the reference has, and
//! which of them are to come.

use std::collections::BTreeSet;
use std::path::Path;

const REFERENCE: &str = include_str!("methods.txt");
/// How many methods the reference has.
const ALL: usize = 52;

/// Those that are there, and those to come.
fn reference() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut there, mut to_come) = (BTreeSet::new(), BTreeSet::new());
    for line in REFERENCE.lines().filter(|line| !line.starts_with('#')) {
        let (_, methods) = line.split_once(' ').expect("a topic, then methods");
        let (have, lack) = methods.split_once('|').unwrap_or((methods, ""));
        let names = |text: &str| -> Vec<String> {
            text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
        };
        there.extend(names(have));
        to_come.extend(names(lack));
    }
    (there, to_come)
}

/// The public methods of this module, as its source has them.
fn written() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/xybern");
    let mut methods = BTreeSet::new();
    for file in std::fs::read_dir(folder).expect("the module") {
        let path = file.expect("a file").path();
        if path.extension().is_some_and(|kind| kind == "rs") {
            let source = std::fs::read_to_string(path).expect("source");
            let lines = source.lines().filter_map(|line| line.trim().strip_prefix("pub async fn "));
            methods.extend(lines.filter_map(|line| line.split(['(', '<']).next().map(str::to_owned)));
        }
    }
    methods
}

#[test]
fn every_method_of_the_reference_is_there_or_said_to_come() {
    let (there, to_come) = reference();
    assert_eq!(there.len() + to_come.len(), ALL, "the reference is whole");
    assert!(there.is_disjoint(&to_come));
    let written = written();
    let missing: Vec<_> = there.difference(&written).collect();
    assert!(missing.is_empty(), "said to be there: {missing:?}");
    let unlisted: Vec<_> = to_come.intersection(&written).collect();
    assert!(unlisted.is_empty(), "said to come, and there: {unlisted:?}");
}
