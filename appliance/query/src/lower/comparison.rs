//! A comparison on an ECS field as comparisons on the platform's fields.

use std::net::IpAddr;

use vedette_event::query::{FieldName, Operator, Predicate, Value};
use vedette_kb::dialects::{DialectField, FieldKind, products};

use super::{LOST_CATEGORY, LOST_KIND, LOST_PART, LOST_PRODUCT, Lowering, Platform};
use crate::shape::{all, any, compare};
use crate::text::shown;

impl<P: Platform + ?Sized> Lowering<'_, P> {
    pub(super) fn no_field(&mut self, ecs: &str, value: &str) {
        self.lost += match ecs {
            "event.category" => LOST_CATEGORY,
            "event.module" => LOST_PRODUCT,
            "event.type" | "event.outcome" | "network.protocol" => LOST_KIND,
            "host.os.type" => 1,
            _ => LOST_PART,
        };
        self.note(format!("left out: {ecs} {value} (no field for it in this dialect)"));
    }

    pub(super) fn comparison(
        &mut self,
        field: &FieldName,
        operator: Operator,
        value: &Value,
    ) -> Option<Predicate> {
        if self.holds_product(field, operator, value) {
            return Some(Predicate::And(Vec::new()));
        }
        let value = self.product(field, value);
        let as_text = value.to_string();
        if let Some(why) = self.platform.refuses(&as_text) {
            self.note(format!("refused: {} for {} ({why})", shown(&as_text), field.0));
            return None;
        }
        let fields = self.fields_for(&field.0);
        if fields.is_empty() {
            return self.without_field(field, operator, &as_text);
        }
        let said: Vec<Predicate> =
            fields.iter().filter_map(|field| self.on_field(field, operator, &value)).collect();
        match (said.is_empty(), operator) {
            (true, _) => None,
            // Different from a value means different in every field that may hold it.
            (false, Operator::NotEqual) => Some(all(said)),
            (false, _) => Some(any(said)),
        }
    }

    /// A comparison that the source has no field for: looked for anywhere where that makes sense.
    fn without_field(
        &mut self,
        field: &FieldName,
        operator: Operator,
        value: &str,
    ) -> Option<Predicate> {
        use Operator::{Contains, EndsWith, Equal, StartsWith};
        let tells = !["event.", "network.", "host.os."].iter().any(|of| field.0.starts_with(of));
        let part = matches!(operator, Equal | Contains | StartsWith | EndsWith);
        match self.platform.anywhere().filter(|_| tells && part && !value.is_empty()) {
            Some(anywhere) => {
                self.lost += LOST_PART;
                self.note(format!(
                    "approximated: {} {operator} {} (no field for it here: looked for in all)",
                    field.0,
                    shown(value)
                ));
                Some(compare(anywhere, Contains, Value::Text(value.to_owned())))
            }
            None => {
                self.no_field(&field.0, &format!("{operator} {}", shown(value)));
                None
            }
        }
    }

    /// Whether every line of the source comes from the product that is asked for.
    fn holds_product(&mut self, field: &FieldName, operator: Operator, value: &Value) -> bool {
        let asks = field.0 == "event.module"
            && matches!(operator, Operator::Equal | Operator::Contains)
            && matches!(value, Value::Text(module) if self.source.modules.contains(module));
        self.product |= asks;
        asks
    }

    /// The name this platform has for a product.
    fn product(&self, field: &FieldName, value: &Value) -> Value {
        let named = products().iter().find(|product| {
            field.0 == "event.module" && Value::Text(product.module.clone()) == *value
        });
        match (named, self.platform.name()) {
            (Some(product), "yara-l") => Value::Text(product.udm.clone()),
            (Some(product), "aql") => Value::Text(product.qradar.clone()),
            _ => value.clone(),
        }
    }

    fn on_field(
        &mut self,
        field: &DialectField,
        operator: Operator,
        value: &Value,
    ) -> Option<Predicate> {
        if self.platform.takes_any_field() {
            return Some(self.settled(&field.name, operator, value.clone()));
        }
        match (field.kind, fit(field.kind, operator, value)) {
            (_, None) => {
                let value = shown(&value.to_string());
                self.lost += LOST_PART;
                self.note(format!("refused: {} {operator} {value} ({:?})", field.ecs, field.kind));
                None
            }
            (FieldKind::Name, Some(Value::Text(name))) => {
                Some(self.last_part(field, operator, name))
            }
            (FieldKind::Wide, Some(Value::Text(text))) => {
                Some(self.somewhere(field, operator, &text))
            }
            (_, Some(value)) => Some(self.settled(&field.name, operator, value)),
        }
    }

    fn settled(&mut self, field: &str, operator: Operator, value: Value) -> Predicate {
        let shown_value = shown(&value.to_string());
        let mapped = self.platform.settle(field, operator, value);
        if let Some(near) = mapped.approximates {
            self.note(format!("approximated: {field} {operator} {shown_value} ({near})"));
        }
        mapped.predicate
    }

    /// A value looked for in free text, which holds more than the value.
    fn somewhere(&mut self, field: &DialectField, operator: Operator, part: &str) -> Predicate {
        let value = Value::Text(part.to_owned());
        let whole = matches!(operator, Operator::Equal | Operator::NotEqual);
        if !whole || part.is_empty() {
            return self.settled(&field.name, operator, value);
        }
        let why = "looked for anywhere in the text";
        self.note(format!("approximated: {} {operator} {} ({why})", field.ecs, shown(part)));
        let there = self.settled(&field.name, Operator::Contains, value);
        match operator {
            Operator::NotEqual => Predicate::Not(Box::new(there)),
            _ => there,
        }
    }

    /// A name compared with the last part of what may be a whole path.
    fn last_part(&mut self, field: &DialectField, operator: Operator, name: String) -> Predicate {
        let separator = if is_windows_name(&name) { '\\' } else { '/' };
        let behind = Value::Text(format!("{separator}{name}"));
        let whole = Value::Text(name);
        match operator {
            Operator::Equal => any(vec![
                self.settled(&field.name, Operator::Equal, whole),
                self.settled(&field.name, Operator::EndsWith, behind),
            ]),
            Operator::NotEqual => Predicate::Not(Box::new(any(vec![
                self.settled(&field.name, Operator::Equal, whole),
                self.settled(&field.name, Operator::EndsWith, behind),
            ]))),
            Operator::StartsWith => any(vec![
                self.settled(&field.name, Operator::StartsWith, whole),
                self.settled(&field.name, Operator::Contains, behind),
            ]),
            other => self.settled(&field.name, other, whole),
        }
    }
}

/// The value as the kind of field takes it, or `None` where the comparison makes no sense there.
fn fit(kind: FieldKind, operator: Operator, value: &Value) -> Option<Value> {
    use Operator::{Contains, EndsWith, Equal, InNetwork, NotEqual, StartsWith};
    let as_text = value.to_string();
    let ordered = !matches!(operator, Contains | StartsWith | EndsWith | InNetwork);
    match kind {
        FieldKind::Number => as_text.parse().ok().filter(|_| ordered).map(Value::Number),
        FieldKind::Address => match operator {
            Equal | NotEqual if as_text.parse::<IpAddr>().is_ok() => Some(Value::Text(as_text)),
            InNetwork if is_network(&as_text) => Some(Value::Text(as_text)),
            _ => None,
        },
        FieldKind::Other => None,
        FieldKind::Text | FieldKind::Name | FieldKind::Wide => {
            let partial = matches!(operator, Contains | StartsWith | EndsWith);
            let whole = matches!(operator, Equal | NotEqual);
            ((partial && !as_text.is_empty()) || whole).then_some(Value::Text(as_text))
        }
    }
}

/// Whether a text is an address, a slash and a prefix length that fits it.
pub(crate) fn is_network(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let longest = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.bytes().all(|byte| byte.is_ascii_digit())
        && length.parse::<u8>().is_ok_and(|length| length <= longest)
}

fn is_windows_name(name: &str) -> bool {
    const ENDINGS: [&str; 14] = [
        "exe", "dll", "sys", "com", "scr", "cpl", "bat", "cmd", "ps1", "vbs", "hta", "msi", "lnk",
        "wsf",
    ];
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending)))
}

/// The comparison that every platform but the local one makes of an empty text.
pub(crate) fn presence(field: &str, operator: Operator) -> Predicate {
    let there = Predicate::Exists(FieldName(field.to_owned()));
    match operator {
        Operator::Equal => Predicate::Not(Box::new(there)),
        _ => there,
    }
}

/// A comparison whose text is folded to lower case, for platforms that compare it with a folded field.
pub(crate) fn folded(field: &str, operator: Operator, value: &str) -> Predicate {
    compare(field, operator, Value::Text(value.to_lowercase()))
}
