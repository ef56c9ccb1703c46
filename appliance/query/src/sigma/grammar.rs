//! The tree of a Sigma text: a rule with its selections and condition, and a correlation of it.

use super::yaml::{Node, documents};
use crate::scan::{ParseError, Tokens, locate};
use crate::syntax::{Expr, Grammar, Lexicon, Parser, tokens};

/// A text: rules and what correlates them.
#[derive(Debug, PartialEq)]
pub(super) struct Text {
    pub(super) rules: Vec<Rule>,
    pub(super) correlation: Option<Correlation>,
}

/// A rule.
#[derive(Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) name: Option<String>,
    /// Product, category and service of the log source.
    pub(super) source: Vec<(String, String)>,
    /// Selections by name.
    pub(super) selections: Vec<(String, Node)>,
    /// Over selections.
    pub(super) condition: Expr,
}

/// A correlation.
#[derive(Debug, PartialEq)]
pub(super) struct Correlation {
    pub(super) kind: String,
    pub(super) rules: Vec<String>,
    pub(super) by: Vec<String>,
    pub(super) timespan: String,
    /// At least so many, of distinct values of a field where one is named.
    pub(super) at_least: u64,
    pub(super) field: Option<String>,
}

const LEXICON: Lexicon = Lexicon {
    quotes: &[],
    line_comments: &[],
    block_comments: false,
    signs: &["(", ")"],
    begins_word: |c| c.is_alphanumeric() || "_*".contains(c),
    in_word: |c| c.is_alphanumeric() || "_*-".contains(c),
};

const GRAMMAR: Grammar = Grammar {
    binary: &[("or", 1), ("and", 2), ("of", 4)],
    prefix: &[("not", 3)],
    pairs: &[],
    reserved: &[],
    raw_calls: &[],
    units: &[],
    bracketed_names: false,
    sources: &[],
    stages: &[],
};

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Text, ParseError> {
    let fail = |what: &str, mend: &str| locate(text, 0, what, mend);
    let mut read = Text { rules: Vec::new(), correlation: None };
    for document in documents(text)? {
        let titled = document.get("title").and_then(Node::text).is_some();
        if !titled {
            return Err(fail("a rule without a title", "write title: …"));
        }
        match document.get("correlation") {
            Some(node) => {
                let correlation = correlation(node).ok_or_else(|| {
                    let mend = "give type, rules, group-by, timespan and condition";
                    fail("a correlation that is not whole", mend)
                })?;
                read.correlation = Some(correlation);
            }
            None => read.rules.push(rule(text, &document)?),
        }
    }
    match read.rules.is_empty() {
        true => Err(fail("no rule", "write a rule with logsource and detection")),
        false => Ok(read),
    }
}

fn rule(text: &str, document: &Node) -> Result<Rule, ParseError> {
    let fail = |what: &str, mend: &str| locate(text, 0, what, mend);
    let Some(Node::Map(source)) = document.get("logsource") else {
        return Err(fail("a rule without a logsource", "name its category, product or service"));
    };
    let Some(Node::Map(detection)) = document.get("detection") else {
        return Err(fail("a rule without a detection", "write selections and a condition"));
    };
    let (conditions, selections): (Vec<_>, Vec<_>) =
        detection.iter().cloned().partition(|(name, _)| name == "condition");
    let condition = conditions.first().and_then(|(_, node)| node.text());
    let condition = condition.ok_or_else(|| fail("no condition", "write condition: selection"))?;
    let tokens = Tokens::new(condition, tokens(condition, &LEXICON)?);
    let mut parser = Parser { tokens, grammar: &GRAMMAR };
    let condition = parser.expr()?;
    parser.end()?;
    let label = |(key, node): &(String, Node)| Some((key.clone(), node.text()?.to_owned()));
    Ok(Rule {
        name: document.get("name").and_then(Node::text).map(str::to_owned),
        source: source.iter().filter_map(label).collect(),
        selections,
        condition,
    })
}

fn correlation(node: &Node) -> Option<Correlation> {
    let list = |key: &str| match node.get(key)? {
        Node::List(entries) => {
            entries.iter().map(|entry| entry.text().map(str::to_owned)).collect::<Option<Vec<_>>>()
        }
        _ => None,
    };
    let condition = node.get("condition")?;
    Some(Correlation {
        kind: node.get("type")?.text()?.to_owned(),
        rules: list("rules")?,
        by: if node.get("group-by").is_some() { list("group-by")? } else { Vec::new() },
        timespan: node.get("timespan")?.text()?.to_owned(),
        at_least: condition.get("gte")?.text()?.parse().ok()?,
        field: condition.get("field").and_then(Node::text).map(str::to_owned),
    })
}
