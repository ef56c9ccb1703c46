//! Pipelines: commands joined by `|`, each with what its form allows behind it.

use super::expression::{Expr, Item, Parsed, Parser};
use super::lexer::Token;

/// What stands behind a command.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// One condition.
    Condition,
    /// Expressions, each with an optional name.
    List,
    /// Names by commas, wildcards allowed in them.
    Names,
    /// Expressions, then `by` and more of them.
    Grouped,
    /// Expressions with a direction, behind `by` where that stands.
    Sorted,
    /// One number.
    Count,
    /// Nothing.
    Alone,
    /// Whatever, its brackets in balance: what we never write and only need to step over.
    Loose,
}

/// A command of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stage {
    /// In lower case.
    pub(crate) command: String,
    pub(crate) items: Vec<Item>,
    pub(crate) by: Vec<Item>,
}

impl Parser<'_> {
    /// Every `| command …` that follows.
    pub(crate) fn stages(&mut self) -> Parsed<Vec<Stage>> {
        let mut stages = Vec::new();
        while self.sign("|") {
            stages.push(self.stage()?);
        }
        Ok(stages)
    }

    fn stage(&mut self) -> Parsed<Stage> {
        let mut command = match self.tokens.peek() {
            Some(Token::Word(word)) => word.to_ascii_lowercase(),
            _ => return Err(self.tokens.error("no command after the pipe", "write one")),
        };
        let dashed = |command: &str| {
            self.grammar.stages.iter().any(|(known, _)| known.starts_with(&format!("{command}-")))
        };
        let is_dashed = dashed(&command) && self.tokens.peek_after(1) == Some(&Token::Sign("-"));
        if let (true, Some(Token::Word(rest))) = (is_dashed, self.tokens.peek_after(2)) {
            command = format!("{command}-{}", rest.to_ascii_lowercase());
            self.tokens.take();
            self.tokens.take();
        }
        let Some((_, form)) = self.grammar.stages.iter().find(|(known, _)| *known == command)
        else {
            let what = format!("{command} is no command");
            return Err(self.tokens.error(&what, "use one of the language"));
        };
        self.tokens.take();
        let (items, by) = self.behind(*form)?;
        Ok(Stage { command, items, by })
    }

    fn behind(&mut self, form: Form) -> Parsed<(Vec<Item>, Vec<Item>)> {
        let one = |value| (vec![Item { alias: None, value }], Vec::new());
        Ok(match form {
            Form::Alone => (Vec::new(), Vec::new()),
            Form::Condition | Form::Count => one(self.expr()?),
            Form::List => (self.items()?, Vec::new()),
            Form::Names => (self.names()?, Vec::new()),
            Form::Sorted => {
                self.word("by");
                (self.items()?, Vec::new())
            }
            Form::Grouped => {
                self.hints()?;
                let items = if self.at_word("by") { Vec::new() } else { self.items()? };
                let by = if self.word("by") { self.items()? } else { Vec::new() };
                (items, by)
            }
            Form::Loose => {
                self.balanced(|_| false)?;
                (Vec::new(), Vec::new())
            }
        })
    }

    /// `hint.strategy = shuffle` and the like, which change no result.
    fn hints(&mut self) -> Parsed<()> {
        while self.at_word("hint") {
            self.tokens.take();
            self.expect(".")?;
            self.name("hint")?;
            self.expect("=")?;
            self.tokens.take();
        }
        Ok(())
    }

    /// Names by commas; a name may hold wildcards, which stand for whatever completes it.
    fn names(&mut self) -> Parsed<Vec<Item>> {
        let mut names = Vec::new();
        loop {
            let from = self.tokens.offset();
            let quoted = match self.tokens.peek() {
                Some(Token::Name(name)) => Some(name.clone()),
                _ => None,
            };
            self.balanced(|token| *token == Token::Sign(","))?;
            let written = self.tokens.slice(from).trim();
            if written.is_empty() {
                return Err(self.tokens.error("no name", "write a field"));
            }
            let value = Expr::Name(quoted.unwrap_or_else(|| written.to_owned()));
            names.push(Item { alias: None, value });
            if !self.sign(",") {
                return Ok(names);
            }
        }
    }

    /// Expressions by commas.
    pub(crate) fn items(&mut self) -> Parsed<Vec<Item>> {
        let mut items = vec![self.item()?];
        while self.sign(",") {
            items.push(self.item()?);
        }
        Ok(items)
    }

    fn item(&mut self) -> Parsed<Item> {
        let first = self.expr()?;
        let (alias, value) = if self.sign("=") {
            let name = match first {
                Expr::Name(name) => name,
                Expr::List(_) | Expr::Part { .. } => String::new(),
                _ => return Err(self.tokens.error("a name that is none", "write name = value")),
            };
            (Some(name), self.expr()?)
        } else {
            (None, first)
        };
        let _ = self.word("asc") || self.word("desc");
        if self.word("nulls") {
            self.tokens.take();
        }
        Ok(Item { alias, value })
    }
}
