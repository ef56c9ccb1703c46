//! Why these fields: the console's answer beside a query.

use vedette_event::query::{FieldName, Query};
use vedette_kb::dialects::meaning;

use crate::shape::each_field;

/// Each field a query looks at, in order, and what it tells.
pub fn explain(query: &Query) -> Vec<(FieldName, String)> {
    let mut fields: Vec<&FieldName> = Vec::new();
    each_field(&query.filter, &mut |field| fields.push(field));
    let counted =
        query.aggregation.iter().flat_map(|counting| counting.by.iter().chain(&counting.distinct));
    fields.extend(counted);
    let mut explained: Vec<(FieldName, String)> = Vec::new();
    for field in fields {
        if explained.iter().all(|(known, _)| known != field) {
            let why = meaning(&field.0).unwrap_or("a field of the source's own");
            explained.push((field.clone(), why.to_owned()));
        }
    }
    explained
}
