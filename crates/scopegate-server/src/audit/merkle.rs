//! The Merkle tree of RFC 9162 over the hashes of a chain's records.
//!
//! The data of a leaf are the 32 bytes of a record's chain hash, which covers the record, its
//! place and everything before it.

use sha2::{Digest, Sha256};

/// A hash of the tree.
pub type Hash = [u8; 32];

/// The hash of a leaf.
pub fn leaf(data: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(data).finalize().into()
}

/// The hash of two subtrees.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The right edge of a growing tree: enough to go on and to tell the root. It holds the roots of
/// the full subtrees, largest first, one for each bit of the size: at most 64 hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// A tree of `size` leaves, from the roots of its full subtrees; `None` when their number
    /// does not fit.
    pub fn resume(size: u64, roots: Vec<Hash>) -> Option<Self> {
        (roots.len() == size.count_ones() as usize).then_some(Self { size, roots })
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the full subtrees, largest first.
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Adds a leaf with these data.
    pub fn push(&mut self, data: &[u8]) {
        let mut last = leaf(data);
        // As in binary addition: each trailing one of the size is a subtree that is now full.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.roots.pop() else { break };
            last = node(&left, &last);
        }
        self.roots.push(last);
        self.size += 1;
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        match roots.next() {
            Some(last) => roots.fold(*last, |right, left| node(left, &right)),
            None => Sha256::digest([]).into(),
        }
    }
}

/// The root over leaf hashes.
pub fn root(leaves: &[Hash]) -> Hash {
    match (leaves, halves(leaves)) {
        (_, Some((left, right))) => node(&root(left), &root(right)),
        ([one], None) => *one,
        _ => Sha256::digest([]).into(),
    }
}

/// The proof that leaf `index` stands in the tree over these leaf hashes; `None` when it does not.
pub fn prove_inclusion(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    let Some((left, right)) = halves(leaves) else {
        return (index < leaves.len()).then(Vec::new);
    };
    let (mut proof, other) = if index < left.len() {
        (prove_inclusion(left, index)?, root(right))
    } else {
        (prove_inclusion(right, index - left.len())?, root(left))
    };
    proof.push(other);
    Some(proof)
}

/// Whether a proof leads from leaf `index` to the root of a tree of `size` leaves.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node_at, mut last_at, mut hash) = (index, size - 1, *leaf);
    for other in proof {
        if last_at == 0 {
            return false;
        }
        if node_at & 1 == 1 || node_at == last_at {
            hash = node(other, &hash);
            while node_at & 1 == 0 && node_at != 0 {
                (node_at, last_at) = (node_at >> 1, last_at >> 1);
            }
        } else {
            hash = node(&hash, other);
        }
        (node_at, last_at) = (node_at >> 1, last_at >> 1);
    }
    last_at == 0 && hash == *root
}

/// The proof that the first `old` leaves are the beginning of these; `None` for none of them, or
/// more than there are.
pub fn prove_consistency(leaves: &[Hash], old: usize) -> Option<Vec<Hash>> {
    if old == 0 || old > leaves.len() { None } else { Some(subproof(leaves, old, true)) }
}

fn subproof(leaves: &[Hash], old: usize, known: bool) -> Vec<Hash> {
    if old == leaves.len() {
        // The verifier has this root when it is the whole old tree.
        return if known { Vec::new() } else { vec![root(leaves)] };
    }
    let Some((left, right)) = halves(leaves) else { return Vec::new() };
    let (mut proof, other) = if old <= left.len() {
        (subproof(left, old, known), root(right))
    } else {
        (subproof(right, old - left.len(), false), root(left))
    };
    proof.push(other);
    proof
}

/// Whether a proof shows that a tree of `old` leaves is the beginning of one of `new` leaves.
pub fn verify_consistency(old: u64, new: u64, old_root: &Hash, new_root: &Hash, proof: &[Hash]) -> bool {
    if old == 0 || old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    // RFC 9162, 2.1.4.2: a full old tree is the first node of the proof itself.
    let (first, proof) = if old.is_power_of_two() {
        (*old_root, proof)
    } else {
        match proof.split_first() {
            Some((first, rest)) => (*first, rest),
            None => return false,
        }
    };
    let shared = (old - 1).trailing_ones();
    let (mut node_at, mut last_at) = ((old - 1) >> shared, (new - 1) >> shared);
    let (mut from_old, mut from_new) = (first, first);
    for other in proof {
        if last_at == 0 {
            return false;
        }
        if node_at & 1 == 1 || node_at == last_at {
            from_old = node(other, &from_old);
            from_new = node(other, &from_new);
            while node_at & 1 == 0 && node_at != 0 {
                (node_at, last_at) = (node_at >> 1, last_at >> 1);
            }
        } else {
            from_new = node(&from_new, other);
        }
        (node_at, last_at) = (node_at >> 1, last_at >> 1);
    }
    last_at == 0 && from_old == *old_root && from_new == *new_root
}

/// Splits at the largest power of two below the length; `None` for fewer than two.
fn halves(leaves: &[Hash]) -> Option<(&[Hash], &[Hash])> {
    if leaves.len() < 2 {
        return None;
    }
    leaves.split_at_checked(leaves.len().next_power_of_two() / 2)
}
