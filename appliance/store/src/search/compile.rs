//! Predicates to SQL. Only text from this file enters the statement; names and values from the query
//! are bound.

use rusqlite::types::Value as Bound;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vedette_event::Network;
use vedette_event::query::{FieldName, Operator, Predicate, TimeRange, Value};

use crate::StoreError;
use crate::instant::to_micros;

/// Comparisons in one query: far more than a person or a generated query needs, far less than
/// SQLite's limits.
const MAX_NODES: usize = 500;

/// Nesting of one query, for the same reason.
const MAX_DEPTH: usize = 32;

/// Where a field is found.
enum Column {
    /// Text or a number at this expression.
    Plain(&'static str),
    /// A point in time in this column.
    Time(&'static str),
    /// What the decoders read, else this expression.
    FieldOr(&'static str),
    /// What the decoders read.
    Field,
}

/// Text of the message part; a BLOB where it is the tail of the raw line. SQLite's substr of an empty
/// BLOB is NULL, but the message is always there.
const MESSAGE: &str = "coalesce(e.message, substr(e.raw, e.message_offset + 1), '')";

/// The ECS fields that have columns of their own.
fn column(field: &str) -> Column {
    match field {
        "message" => Column::Plain(MESSAGE),
        "raw" | "event.original" => Column::Plain("e.raw"),
        "event.id" => Column::Plain("e.id"),
        "event.dataset" => Column::Plain("e.dataset"),
        "@timestamp" => Column::Time("e.occurred_at"),
        "event.created" | "event.ingested" => Column::Time("e.received_at"),
        "log.source.address" => Column::Plain("e.peer"),
        "log.syslog.facility.code" => Column::Plain("e.facility"),
        "log.syslog.severity.code" => Column::Plain("e.severity"),
        "log.syslog.hostname" => Column::Plain("e.host"),
        "log.syslog.appname" => Column::Plain("e.app"),
        "log.syslog.procid" => Column::Plain("e.proc_id"),
        "log.syslog.msgid" => Column::Plain("e.msg_id"),
        "host.name" | "host.hostname" => Column::FieldOr("e.host"),
        "process.name" => Column::FieldOr("e.app"),
        "process.pid" => Column::FieldOr("e.proc_id"),
        _ => Column::Field,
    }
}

/// A piece of SQL in the making, with its values in order.
#[derive(Debug, Default)]
pub(super) struct Compiler {
    pub(super) sql: String,
    pub(super) values: Vec<Bound>,
    nodes: usize,
}

impl Compiler {
    /// The range of time, to which [`Compiler::predicate`] adds the rest. It bounds the time of
    /// receipt: a line's own time is written by its sender.
    pub(super) fn time(&mut self, range: TimeRange, now: OffsetDateTime) {
        let (from, to) = super::bounds(range, now);
        self.push("e.received_at >= ?", [Bound::Integer(from)]);
        self.push(" AND e.received_at < ?", [Bound::Integer(to)]);
        self.sql.push_str(" AND ");
    }

    pub(super) fn predicate(&mut self, predicate: &Predicate) -> Result<(), StoreError> {
        self.nested(predicate, 0)
    }

    /// Further columns of the select list, each with a comma in front.
    pub(super) fn projection(&mut self, fields: &[FieldName]) {
        for field in fields {
            self.sql.push_str(", ");
            self.operand(field);
        }
    }

    fn push(&mut self, sql: &str, values: impl IntoIterator<Item = Bound>) {
        self.sql.push_str(sql);
        self.values.extend(values);
    }

    fn nested(&mut self, predicate: &Predicate, depth: usize) -> Result<(), StoreError> {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(unsupported(format!(
                "more than {MAX_NODES} conditions or {MAX_DEPTH} levels"
            )));
        }
        match predicate {
            Predicate::And(parts) => self.joined(parts, ("1", " AND "), depth),
            Predicate::Or(parts) => self.joined(parts, ("0", " OR "), depth),
            Predicate::Not(part) => {
                self.sql.push_str("NOT (");
                self.nested(part, depth + 1)?;
                self.sql.push(')');
                Ok(())
            }
            Predicate::Exists(field) => {
                self.sql.push('(');
                self.operand(field);
                self.sql.push_str(" IS NOT NULL)");
                Ok(())
            }
            Predicate::Compare { field, operator, value } => self.compare(field, *operator, value),
        }
    }

    fn joined(
        &mut self,
        parts: &[Predicate],
        (empty, word): (&str, &str),
        depth: usize,
    ) -> Result<(), StoreError> {
        self.sql.push('(');
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.sql.push_str(word);
            }
            self.nested(part, depth + 1)?;
        }
        if parts.is_empty() {
            self.sql.push_str(empty);
        }
        self.sql.push(')');
        Ok(())
    }

    fn compare(
        &mut self,
        field: &FieldName,
        operator: Operator,
        value: &Value,
    ) -> Result<(), StoreError> {
        if let Column::Time(column) = column(&field.0) {
            return self.compare_time(column, operator, value);
        }
        let bound = match (operator, value) {
            (Operator::InNetwork, _) => network(value)?,
            (
                Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual,
                _,
            ) => number(operator, value)?,
            (Operator::Equal | Operator::NotEqual, Value::Number(number)) => {
                Bound::Integer(*number)
            }
            (_, value) => Bound::Text(value.to_string().to_lowercase()),
        };
        self.sql.push_str("compare(");
        self.operand(field);
        self.push(", ?, ?)", [Bound::Text(operator.as_str().to_owned()), bound]);
        Ok(())
    }

    fn compare_time(
        &mut self,
        column: &str,
        operator: Operator,
        value: &Value,
    ) -> Result<(), StoreError> {
        let sign = match operator {
            Operator::Equal => "=",
            Operator::NotEqual => "<>",
            Operator::Less => "<",
            Operator::LessEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterEqual => ">=",
            _ => return Err(unsupported(format!("{operator} on a point in time"))),
        };
        let at = OffsetDateTime::parse(&value.to_string(), &Rfc3339)
            .map_err(|_| unsupported(format!("{value:?} is not a time (RFC 3339)")))?;
        self.push(&format!("({column} {sign} ?)"), [Bound::Integer(to_micros(at))]);
        Ok(())
    }

    /// The expression for a field.
    fn operand(&mut self, field: &FieldName) {
        let name = Bound::Text(field.0.clone());
        match column(&field.0) {
            Column::Plain(expression) | Column::Time(expression) => self.sql.push_str(expression),
            Column::FieldOr(other) => {
                self.push(&format!("coalesce(field(e.fields, ?), {other})"), [name]);
            }
            Column::Field => self.push("field(e.fields, ?)", [name]),
        }
    }
}

fn network(value: &Value) -> Result<Bound, StoreError> {
    let text = value.to_string();
    match text.parse::<Network>() {
        Ok(_) => Ok(Bound::Text(text)),
        Err(why) => Err(unsupported(why.to_string())),
    }
}

fn number(operator: Operator, value: &Value) -> Result<Bound, StoreError> {
    let number = match value {
        Value::Number(number) => Some(*number),
        Value::Text(text) => text.parse().ok(),
    };
    number
        .map(Bound::Integer)
        .ok_or_else(|| unsupported(format!("{operator} with {value:?}, which is not a number")))
}

pub(super) fn unsupported(what: String) -> StoreError {
    StoreError::Unsupported(what)
}
