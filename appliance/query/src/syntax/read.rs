//! From an expression back to a predicate.

use vedette_event::query::Predicate;

use super::expression::Expr;

/// A comparison with a list as one with each of its values, by the operator that stands for one.
pub(crate) fn each_of(
    operator: &'static str,
    (left, values): (&Expr, &[Expr]),
    leaf: &dyn Fn(&Expr) -> Option<Predicate>,
) -> Option<Predicate> {
    let one = |value: &Expr| {
        let (left, right) = (Box::new(left.clone()), Box::new(value.clone()));
        leaf(&Expr::Binary { operator, left, right })
    };
    values.iter().map(one).collect::<Option<_>>().map(Predicate::Or)
}

/// The predicate of an expression whose comparisons `leaf` understands; `None` where it says more
/// than our queries can.
pub(crate) fn predicate(
    expr: &Expr,
    leaf: &dyn Fn(&Expr) -> Option<Predicate>,
) -> Option<Predicate> {
    let all = |parts: &[Expr]| -> Option<Vec<Predicate>> {
        parts.iter().map(|part| predicate(part, leaf)).collect()
    };
    match expr {
        Expr::And(parts) => Some(Predicate::And(all(parts)?)),
        Expr::Or(parts) => Some(Predicate::Or(all(parts)?)),
        Expr::Prefix { operator: "not", operand } => negated(operand, leaf),
        Expr::Call { name, arguments } if name == "not" => match arguments.as_slice() {
            [operand] => negated(operand, leaf),
            _ => None,
        },
        other => leaf(other),
    }
}

fn negated(operand: &Expr, leaf: &dyn Fn(&Expr) -> Option<Predicate>) -> Option<Predicate> {
    predicate(operand, leaf).map(|inner| Predicate::Not(Box::new(inner)))
}
