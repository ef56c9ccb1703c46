//! YAML as far as rules need it: mappings, lists and scalars, bounded in size, depth and number.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::Refusal;

/// Deepest nesting; rules nest five deep.
const DEPTH_CAP: usize = 24;

/// Nodes of one file: the longest public lists of values stay a tenth below it.
const NODES_CAP: usize = 50_000;

/// A node of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Map(Vec<(String, Node)>),
    List(Vec<Node>),
    /// A scalar, and whether it is written bare, so that `null` and numbers count as such.
    Scalar(String, bool),
}

impl Node {
    /// The value under a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(pairs) => pairs.iter().find(|(known, _)| known == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The text of a scalar that says something.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(text, _) if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether it says "nothing".
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(text, true) if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The entries of a list, or the one node that stands for a list of one.
    pub(super) fn entries(&self) -> &[Self] {
        match self {
            Self::List(entries) => entries,
            one => std::slice::from_ref(one),
        }
    }
}

/// Every document of a text.
pub(super) fn documents(text: &str) -> Result<Vec<Node>, Refusal> {
    let mut open: Vec<Open> = Vec::new();
    let mut documents = Vec::new();
    for (nodes, event) in Parser::new_from_str(text).enumerate() {
        let (event, _) = event.map_err(|error| Refusal::Yaml(error.to_string()))?;
        if nodes > NODES_CAP || open.len() > DEPTH_CAP {
            return Err(Refusal::TooLarge);
        }
        let done = match event {
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Vec::new(), None));
                continue;
            }
            Event::Scalar(text, style, ..) => {
                Node::Scalar(text.into_owned(), style == ScalarStyle::Plain)
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(entries)) => Node::List(entries),
                Some(Open::Map(pairs, None)) => Node::Map(pairs),
                _ => return Err(Refusal::Yaml("a key without a value".to_owned())),
            },
            // What an alias stands for may grow without end.
            Event::Alias(_) => return Err(Refusal::Alias),
            _ => continue,
        };
        match open.last_mut() {
            Some(parent) => parent.take(done)?,
            None => documents.push(done),
        }
    }
    Ok(documents)
}

/// A mapping or list whose end is still to come.
enum Open {
    List(Vec<Node>),
    Map(Vec<(String, Node)>, Option<String>),
}

impl Open {
    fn take(&mut self, node: Node) -> Result<(), Refusal> {
        match self {
            Self::List(entries) => entries.push(node),
            Self::Map(pairs, key) => match (key.take(), node) {
                (Some(key), _) if pairs.iter().any(|(known, _)| *known == key) => {
                    return Err(Refusal::Yaml(format!("the key {key} stands twice")));
                }
                (Some(key), node) => pairs.push((key, node)),
                (None, Node::Scalar(text, _)) => *key = Some(text),
                (None, _) => return Err(Refusal::Yaml("a key that is no text".to_owned())),
            },
        }
        Ok(())
    }
}
