//! Whether a rule stands on fields, values and functions that exist.

use std::collections::BTreeSet;

use vedette_kb::dialects::{UdmType, is_yara_l_function, udm_type};

use super::grammar::{Expr, Rule};
use crate::check::CheckError;
use crate::schema::Schema;

/// Checks names and types; `fields` says whether the field list counts.
pub(super) fn check(rule: &Rule, schema: Option<&Schema>, fields: bool) -> Result<(), CheckError> {
    let mut checker = Checker { schema, fields, events: BTreeSet::new() };
    if rule.name.is_empty() || rule.events.is_empty() {
        return Err(CheckError::Shape("a rule without events: add a predicate on $e1".to_owned()));
    }
    for statement in &rule.events {
        checker.expr(statement)?;
    }
    for (_, value) in &rule.outcome {
        checker.expr(value)?;
    }
    let Some(condition) = &rule.condition else {
        return Err(CheckError::Shape("a rule without a condition: add condition: $e1".to_owned()));
    };
    checker.condition(condition, rule)
}

struct Checker<'a> {
    schema: Option<&'a Schema>,
    fields: bool,
    events: BTreeSet<String>,
}

impl Checker<'_> {
    fn expr(&mut self, expr: &Expr) -> Result<(), CheckError> {
        match expr {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().try_for_each(|p| self.expr(p)),
            Expr::Not(inner) | Expr::Quantified(inner) => self.expr(inner),
            Expr::Call { name, arguments } => self.call(name, arguments),
            Expr::Variable { name, path, keyed } => self.variable(name, path, *keyed),
            Expr::Binary { left, operator, right, nocase } => {
                self.expr(left)?;
                self.expr(right)?;
                self.types(left, operator, right)?;
                if *nocase && matches!(right.as_ref(), Expr::Number(_)) {
                    return Err(CheckError::Shape("nocase on a number: leave it out".to_owned()));
                }
                Ok(())
            }
            Expr::Text(_) | Expr::Raw(_) | Expr::Number(_) | Expr::Word(_) | Expr::Count(_) => {
                Ok(())
            }
        }
    }

    fn call(&mut self, name: &str, arguments: &[Expr]) -> Result<(), CheckError> {
        if self.fields && !is_yara_l_function(name) {
            return Err(CheckError::UnknownFunction(name.to_owned()));
        }
        arguments.iter().try_for_each(|argument| self.expr(argument))
    }

    fn variable(&mut self, name: &str, path: &[String], keyed: bool) -> Result<(), CheckError> {
        if path.is_empty() {
            return Ok(());
        }
        self.events.insert(name.to_owned());
        let path = path.join(".");
        if self.fields && !keyed { self.kind(&path).map(|_| ()) } else { Ok(()) }
    }

    fn kind(&self, path: &str) -> Result<UdmType, CheckError> {
        let unknown = || CheckError::UnknownField(path.to_owned());
        if let Some(schema) = self.schema {
            let listed = schema.kind_of(path).ok_or_else(unknown)?;
            return Ok(udm_type(path).unwrap_or(match listed {
                vedette_kb::dialects::FieldKind::Number => UdmType::Number,
                _ => UdmType::Text,
            }));
        }
        udm_type(path).ok_or_else(unknown)
    }

    fn types(&self, left: &Expr, operator: &str, right: &Expr) -> Result<(), CheckError> {
        let Expr::Variable { path, keyed: false, .. } = left else { return Ok(()) };
        if !self.fields || path.is_empty() {
            return Ok(());
        }
        let path = path.join(".");
        let fits = match (self.kind(&path)?, right) {
            (UdmType::Text, Expr::Number(_)) | (UdmType::Number, Expr::Text(_)) => false,
            (UdmType::Text, Expr::Text(_)) => matches!(operator, "=" | "!="),
            (UdmType::Enumeration(values), Expr::Text(value)) => {
                matches!(operator, "=" | "!=") && values.contains(value)
            }
            (UdmType::Message, Expr::Text(_) | Expr::Number(_)) => false,
            _ => true,
        };
        if fits { Ok(()) } else { Err(CheckError::Type { field: path }) }
    }

    /// Every event variable of the condition is one of the events', and one is there.
    fn condition(&self, condition: &Expr, rule: &Rule) -> Result<(), CheckError> {
        let mut named = BTreeSet::new();
        variables(condition, &mut named);
        let outcome = |name: &String| rule.outcome.iter().any(|(known, _)| known == name);
        let placeholder = |name: &String| placeholders(rule).contains(name);
        let unknown = named
            .iter()
            .find(|name| !self.events.contains(*name) && !outcome(name) && !placeholder(name));
        match unknown {
            Some(name) => {
                let what = format!("the condition names ${name}, which no event or outcome sets");
                Err(CheckError::Shape(what))
            }
            None if named.is_empty() => {
                Err(CheckError::Shape("the condition names no event: write $e1".to_owned()))
            }
            None => Ok(()),
        }
    }
}

fn variables(expr: &Expr, named: &mut BTreeSet<String>) {
    match expr {
        Expr::Variable { name, .. } | Expr::Count(name) => {
            named.insert(name.clone());
        }
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| variables(part, named)),
        Expr::Call { arguments, .. } => arguments.iter().for_each(|part| variables(part, named)),
        Expr::Not(inner) | Expr::Quantified(inner) => variables(inner, named),
        Expr::Binary { left, right, .. } => {
            variables(left, named);
            variables(right, named);
        }
        Expr::Text(_) | Expr::Raw(_) | Expr::Number(_) | Expr::Word(_) => {}
    }
}

/// All variables of the events; those without a path are placeholders.
fn placeholders(rule: &Rule) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    rule.events.iter().for_each(|statement| variables(statement, &mut named));
    named
}
