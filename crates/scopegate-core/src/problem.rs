//! What is wrong with a policy, and where.

use std::fmt;

/// A problem and the place in the document it stands at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// The place: member names and element indexes from the role down.
    pub path: Vec<Segment>,
    /// The problem.
    pub problem: Problem,
}

/// A step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "documents have these two")]
pub enum Segment {
    /// A member.
    Member(String),
    /// An element.
    Element(usize),
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A name outside `[A-Za-z0-9_.:/-]{1,128}`.
    #[error("`{0}` is not a name: 1 to 128 of letters, digits and `_ . : / -`")]
    Name(String),
    /// A tool that is named neither alone nor with its MCP server.
    #[error(
        "`{0}` names no tool: `TOOL`, or `TOOL@SERVER` for that of one MCP server, each 1 to 128 of letters, digits \
         and `_ . : / -`"
    )]
    ToolName(String),
    /// A pattern that would grant at one MCP server alone.
    #[error(
        "`{0}` names an MCP server, and a pattern grants wherever a tool is called: list `TOOL@SERVER` under \
         allowed_tools"
    )]
    GrantAtServer(String),
    /// A wildcard where an exact name belongs.
    #[error("`{0}` has a wildcard: tools are allowed by their exact names")]
    Wildcard(String),
    /// Two roles of one name.
    #[error("a second role named `{0}`")]
    DuplicateRole(String),
    /// A parent that does not exist.
    #[error("unknown parent role `{0}`")]
    UnknownParent(String),
    /// A role that inherits from itself.
    #[error("role `{0}` inherits from itself")]
    Cycle(String),
    /// Too many parents above each other.
    #[error("more than {0} parents above each other")]
    TooDeep(usize),
    /// No roles, and nobody said that this is meant.
    #[error("no roles: nothing would be permitted; write `allow_empty: true` if that is meant")]
    NoRoles,
    /// A version this program does not know.
    #[error("policy version {0} is not known; this program reads version 1")]
    Version(u64),
    /// An hour outside 0 to 23.
    #[error("`{0}` is not an hour: 0 to 23")]
    Hour(u64),
    /// Start and end are the same hour.
    #[error("start and end are both {0}: no hour would be allowed; use 0 and 0 for no restriction")]
    EqualHours(u64),
    /// A day outside 0 to 6.
    #[error("`{0}` is not a day: 0 = Monday to 6 = Sunday")]
    Day(u64),
    /// A number beyond what is supported.
    #[error("{0} is more than {1}")]
    TooLarge(u64, u64),
    /// A field path that does not parse.
    #[error("`{0}` is not a field: names separated by `.`, with `[*]` for every element")]
    Field(String),
    /// Neither an operator and value nor any_of, or both.
    #[error("a constraint has either an operator and a value, or any_of")]
    Shape,
    /// An output rule that is none, or several.
    #[error("an output rule has exactly one of path, pattern and max_bytes")]
    OutputShape,
    /// An output rule that leaves nothing.
    #[error("nothing would be shown; leave the tool out of `allowed_tools` if that is meant")]
    NothingShown,
    /// A value of the wrong type for its operator.
    #[error("the value of `{0}` must be {1}")]
    Value(&'static str, &'static str),
    /// A list of constraints without any.
    #[error("an empty list here would let every call pass without a person")]
    EmptyUnless,
    /// A tool that always and only sometimes needs a person.
    #[error("`{0}` is held by approval_required too, where nothing waives it; name it in one of the two")]
    NeverWaived(String),
    /// Two tools of one name on one MCP server.
    #[error("a second tool named `{0}`")]
    DuplicateTool(String),
    /// More of something than is supported.
    #[error("{0} are more than {1}")]
    TooMany(usize, usize),
    /// Two manifests of one agent.
    #[error("a second manifest of agent `{0}`")]
    DuplicateManifest(String),
    /// A name without any character.
    #[error("an empty name")]
    EmptyName,
    /// A name of a manifest that is longer than supported.
    #[error("a name of {0} bytes; {1} are the most")]
    LongName(usize, usize),
    /// Two spellings of the actions on all other resources.
    #[error("resource_actions has an entry `*` already, which means the same; keep one of the two")]
    TwoRests,
    /// A list of actions without any.
    #[error("no actions; an entry `*: []` in resource_actions would deny all of them")]
    NoActions,
    /// A tool's schema that is not accepted.
    #[error("schema refused: {0}")]
    Schema(String),
    /// A tool's definition that is nested too deep to have a digest.
    #[error("the definition is nested more than 128 deep")]
    Definition,
    /// A pattern that is not accepted.
    #[error("pattern refused: {0}")]
    Pattern(String),
    /// A directory that is not absolute and normalised.
    #[error("`{0}` is not an absolute, normalised directory")]
    Directory(String),
    /// A network that is not an address without bits behind its prefix, and the prefix's length.
    #[error("`{0}` is not a network such as `10.0.0.0/8` or `2001:db8::/32`, with no bits behind its prefix")]
    Network(String),
    /// A host that is not a name, a wildcard below one, or an address.
    #[error(
        "`{0}` is not a host: `example.com`, `*.example.com` for all below it, `192.0.2.1` or `[2001:db8::1]`; \
         no scheme, port or final dot, other scripts as `xn--`"
    )]
    Host(String),
    /// Two policies of one name.
    #[error("a second policy named `{0}`")]
    DuplicatePolicy(String),
    /// A pattern of names that is none.
    #[error("`{0}` is not a pattern: a name of letters, digits and `_ . : / -`, where `*` is any characters")]
    Glob(String),
    /// A field that policies of this type do not read.
    #[error("`{0}` is not read by a policy of type `{1}`; leave it out, or change the type")]
    PolicyField(&'static str, &'static str),
    /// A policy without what its type needs.
    #[error("a policy of type `{0}` needs `{1}`: without, it would never match")]
    PolicyNeeds(&'static str, &'static str),
    /// A threshold that nothing is below.
    #[error("nothing is below 0, so this policy would never match")]
    NeverMatches,
    /// A day outside 1 to 7.
    #[error("`{0}` is not a day of a policy: 1 = Monday to 7 = Sunday")]
    BlockedDay(u64),
    /// A priority beyond what is supported.
    #[error("a priority of {0}; -1000000 to 1000000 are supported")]
    Priority(i64),
    /// A policy that says it permits, where policies only restrict.
    #[error("policies only restrict, so this one would change nothing; a role's `allowed_tools` permits")]
    PolicyPermits,
    /// A pack's version without any character, or too long.
    #[error("a version of {0} bytes; 1 to {1} are supported")]
    PackVersion(usize, usize),
    /// A number that RFC 8785 cannot write.
    #[error("a number of it has no canonical form")]
    NoCanonicalForm,
    /// A role of a pack, which changes with its pack alone.
    #[error("role `{0}` is of pack `{1}`; deploy another version of that")]
    OfPack(String, String),
    /// A field that this version does not enforce.
    #[error("`{0}` is not enforced by this version, so a policy that uses it is refused")]
    NotEnforced(&'static str),
}

impl PolicyError {
    pub(crate) fn new(problem: Problem) -> Self {
        Self { path: Vec::new(), problem }
    }

    /// The error, one member further out.
    #[must_use]
    pub fn in_member(mut self, name: &str) -> Self {
        self.path.insert(0, Segment::Member(name.to_owned()));
        self
    }

    /// The error, one element further out.
    #[must_use]
    pub fn in_element(mut self, index: usize) -> Self {
        self.path.insert(0, Segment::Element(index));
        self
    }
}

impl From<Problem> for PolicyError {
    fn from(problem: Problem) -> Self {
        Self::new(problem)
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.path.iter().enumerate() {
            match segment {
                Segment::Member(name) if index == 0 => write!(f, "{name}")?,
                Segment::Member(name) => write!(f, ".{name}")?,
                Segment::Element(at) => write!(f, "[{at}]")?,
            }
        }
        if !self.path.is_empty() {
            f.write_str(": ")?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for PolicyError {}

/// Whether this is a name that a policy may use.
pub(crate) fn name(text: &str) -> Result<(), Problem> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.:/-".contains(&b);
    if (1..=128).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(())
    } else if text.contains('*') {
        Err(Problem::Wildcard(text.to_owned()))
    } else {
        Err(Problem::Name(text.to_owned()))
    }
}
