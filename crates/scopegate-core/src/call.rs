//! What the agent wants to do.

use bytes::Bytes;
use serde_json::Value;

use crate::claims::McpClaims;
use crate::id::Name;
use crate::json::{Document, JsonError, JsonRef, Members};

/// A tool call: a name, arguments, and what is known of where it goes.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// The tool, by the name the role lists.
    pub tool: Name,
    /// What is done, where the caller distinguishes it from the tool (`read`, `payment`).
    pub action: Option<Name>,
    /// What it is done to.
    pub resource: Option<Name>,
    /// The environment, where the caller knows it apart from the arguments.
    pub env: Option<Name>,
    /// The MCP server the tool belongs to.
    pub server: Option<Name>,
    /// What the caller claims about MCP beside the server.
    pub mcp: Option<Box<McpClaims>>,
    /// The agents that handed it on, nearest first, as the caller says; `None` when it comes from its agent
    /// directly. To say so can only restrict.
    pub via: Option<Box<[Name]>>,
    /// The arguments.
    pub args: Args,
}

impl ToolCall {
    /// A call with arguments that have not been read yet; most callers continue with
    /// [`with_args`](Self::with_args).
    #[inline]
    pub fn new(tool: impl Into<Name>) -> Self {
        Self {
            tool: tool.into(),
            action: None,
            resource: None,
            env: None,
            server: None,
            mcp: None,
            via: None,
            args: Args::unread(),
        }
    }

    /// The call with these arguments.
    #[must_use]
    #[inline]
    pub fn with_args(self, args: Args) -> Self {
        Self { args, ..self }
    }
}

/// The arguments of a call. Opaque: a permit hands on the very value that was judged.
#[derive(Clone, Debug)]
pub struct Args(State);

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a box would cost the hot path an allocation")]
enum State {
    Unread,
    Refused(JsonError),
    /// `root` is where the arguments stand in the document's index.
    Read {
        document: Document,
        root: u16,
    },
}

impl Args {
    /// Arguments that nobody has looked at. A rule that reads arguments asks for them.
    pub const fn unread() -> Self {
        Self(State::Unread)
    }

    /// No arguments: the object `{}`.
    pub fn none() -> Self {
        Self::parse(Bytes::from_static(b"{}"))
    }

    /// Reads a JSON object strictly. What the reader refuses is kept as a refusal, and the call
    /// is denied with `INVALID_ARGUMENTS` by the first rule that reads it.
    pub fn parse(text: impl Into<Bytes>) -> Self {
        match Document::read(text) {
            Ok(document) => Self::from_document(document),
            Err(error) => Self(State::Refused(error)),
        }
    }

    /// Arguments that could not be read, for the given reason.
    pub const fn refused(error: JsonError) -> Self {
        Self(State::Refused(error))
    }

    /// The arguments are the whole document.
    pub fn from_document(document: Document) -> Self {
        if document.root().is_object() {
            Self(State::Read { document, root: 0 })
        } else {
            Self(State::Refused(JsonError::NotAnObject))
        }
    }

    /// The arguments stand at a JSON pointer inside the document (RFC 6901); absent means `{}`.
    pub fn at_pointer(document: Document, pointer: &str) -> Self {
        match document.root().pointer(pointer).map(|value| (value.is_object(), document.index_of(value))) {
            Some((true, root)) => Self(State::Read { document, root }),
            Some((false, _)) => Self(State::Refused(JsonError::NotAnObject)),
            None => Self::none(),
        }
    }

    /// From a `serde_json` value, by way of its text and the strict reader.
    pub fn from_value(value: &Value) -> Self {
        Self::parse(value.to_string())
    }

    /// The object, once read.
    pub fn get(&self) -> Option<JsonRef<'_>> {
        match &self.0 {
            State::Read { document, root } => Some(document.value(*root)),
            _ => None,
        }
    }

    /// The members of the object, once read.
    pub(crate) fn members(&self) -> Option<Members<'_>> {
        self.get()?.members()
    }

    /// Why the arguments were refused, if they were.
    pub fn error(&self) -> Option<JsonError> {
        match self.0 {
            State::Refused(error) => Some(error),
            _ => None,
        }
    }

    /// Whether nobody has looked yet.
    pub fn is_unread(&self) -> bool {
        matches!(self.0, State::Unread)
    }

    /// The judged arguments as compact JSON, for the tool; `None` when refused, and when unread:
    /// middleware reads the arguments of a call only if some rule does.
    pub fn to_json(&self) -> Option<String> {
        self.get().map(JsonRef::to_json)
    }

    /// The judged arguments as a `serde_json` value, for the tool; `None` when unread or refused.
    pub fn to_value(&self) -> Option<Value> {
        self.get().map(JsonRef::to_value)
    }
}
