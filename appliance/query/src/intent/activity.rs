//! The activity a question speaks of, and the product and system it happens on.

use ::time::Duration;
use vedette_event::query::{Aggregation, FieldName, Operator, Predicate};
use vedette_kb::dialects::{Activity, activities, products};

use super::entities::Kind;
use super::found::Found;
use super::subject::Subject;
use super::words::Words;
use crate::incident::category;
use crate::local::parse_filter;
use crate::shape::{all, text};

/// The activity whose longest phrase stands in the question, else that of a technique id in it; of
/// equally long phrases the one that stands first. What shows in other events than those the question
/// is about is passed over.
pub(super) fn find(words: &Words<'_>, about: Option<&Subject>) -> Option<&'static Activity> {
    let fits = |activity: &&Activity| {
        let filter = || parse_filter(&activity.filter).ok();
        about.is_none_or(|about| filter().is_none_or(|filter| about.agrees(&filter)))
    };
    let named = activities().iter().filter(fits).flat_map(|activity| {
        let phrases = activity.phrases.iter();
        phrases.filter_map(move |phrase| {
            words.phrase(phrase).map(|at| (phrase.len(), std::cmp::Reverse(at), activity))
        })
    });
    let longest =
        named.max_by_key(|(length, at, _)| (*length, *at)).map(|(_, _, activity)| activity);
    longest.or_else(|| by_technique(words))
}

fn by_technique(words: &Words<'_>) -> Option<&'static Activity> {
    words.iter().find_map(|(_, word, _)| {
        let id = word.raw.to_ascii_uppercase();
        activities().iter().find(|activity| activity.techniques.contains(&id))
    })
}

/// The counting of an activity that is a matter of numbers.
pub(crate) fn counting(activity: &Activity) -> Option<Aggregation> {
    activity.count.as_ref().map(|count| Aggregation {
        by: vec![FieldName(count.by.clone())],
        distinct: count.distinct.clone().map(FieldName),
        at_least: count.at_least,
        window: Duration::minutes(i64::from(count.minutes)),
    })
}

/// Whether the lines in question name programs.
pub(super) fn runs_programs(activity: Option<&Activity>, about: Option<&Subject>) -> bool {
    let filter = activity.and_then(|activity| parse_filter(&activity.filter).ok());
    let kind = filter.as_ref().and_then(category).or(about.map(|about| about.kind));
    !matches!(kind, Some("authentication" | "iam" | "email"))
}

/// What the activity, the product and the system ask of a line.
pub(super) fn predicates(
    activity: Option<&Activity>,
    about: Option<&Subject>,
    words: &Words<'_>,
    found: &Found,
) -> Vec<Predicate> {
    let product = products()
        .iter()
        .find(|product| product.phrases.iter().any(|phrase| words.phrase(phrase).is_some()));
    let mut parts = Vec::new();
    if let Some(product) = product {
        parts.push(text("event.module", Operator::Contains, &product.module));
    } else if let Some(system) = system(words) {
        parts.push(text("host.os.type", Operator::Equal, system));
    }
    let filter = activity.and_then(|activity| parse_filter(&activity.filter).ok());
    if product.is_some() && !names_its_own(found) && filter.as_ref().is_none_or(is_broad) {
        parts.extend(done(words));
    }
    let Some(filter) = filter else {
        // A cloud service's own name says more of its lines than their kind.
        parts.extend(about.filter(|_| product.is_none()).map(Subject::filter));
        return parts;
    };
    // A cloud service runs no processes that its log would show.
    let elsewhere = product.is_some() && category(&filter) == Some("process");
    if !elsewhere {
        parts.push(if names_its_own(found) { facets(&filter) } else { filter });
    }
    parts
}

/// Whether a filter classifies events and says no more.
fn is_broad(filter: &Predicate) -> bool {
    let broad =
        matches!(category(filter), Some("configuration" | "iam" | "email" | "file" | "network"));
    broad && facets(filter) == *filter
}

/// What was done, as a cloud service's log names its operations: "deleted" is in `DeleteTrail` and
/// `policy.lifecycle.delete` alike.
fn done(words: &Words<'_>) -> Option<Predicate> {
    const DONE: [(&str, &str); 40] = [
        ("deleted", "delete"),
        ("deletion", "delete"),
        ("delete", "delete"),
        ("removed", "remove"),
        ("removal", "remove"),
        ("created", "create"),
        ("creation", "create"),
        ("create", "create"),
        ("added", "add"),
        ("disabled", "disable"),
        ("disable", "disable"),
        ("deactivate", "deactivate"),
        ("deactivated", "deactivate"),
        ("enabled", "enable"),
        ("modified", "update"),
        ("modification", "update"),
        ("modify", "update"),
        ("updated", "update"),
        ("changed", "update"),
        ("change", "update"),
        ("attached", "attach"),
        ("detached", "detach"),
        ("shared", "share"),
        ("exported", "export"),
        ("export", "export"),
        ("downloaded", "download"),
        ("download", "download"),
        ("uploaded", "upload"),
        ("reset", "reset"),
        ("invited", "invite"),
        ("assumed", "assume"),
        ("assumerole", "assume"),
        ("stopped", "stop"),
        ("terminated", "terminate"),
        ("restored", "restore"),
        ("blocked", "block"),
        ("consent", "consent"),
        ("push", "push"),
        ("suspended", "suspend"),
        ("revoked", "revoke"),
    ];
    let verb = words.iter().find_map(|(_, _, lower)| {
        DONE.iter().find(|(word, _)| *word == lower).map(|(_, stem)| *stem)
    })?;
    Some(text("event.action", Operator::Contains, verb))
}

/// Whether the question itself says which program, file, key or address it is about, so that the
/// activity's usual ones would only narrow it.
fn names_its_own(found: &Found) -> bool {
    use Kind::{Code, Domain, File, Fragment, Hash, Process, Registry, Url};
    [Process, File, Registry, Url, Fragment, Hash, Domain, Code].iter().any(|kind| found.has(*kind))
        || found.names_a_field()
}

fn system(words: &Words<'_>) -> Option<&'static str> {
    const SYSTEMS: [(&str, &str); 5] = [
        ("windows", "windows"),
        ("sysmon", "windows"),
        ("linux", "linux"),
        ("auditd", "linux"),
        ("macos", "macos"),
    ];
    // In quotes the word is a part of a path or a command.
    let bare = |name: &str| words.iter().any(|(_, word, lower)| !word.quoted && lower == name);
    SYSTEMS.iter().find(|(name, _)| bare(name)).map(|(_, system)| *system)
}

/// The parts of a conjunction that classify the event.
fn facets(filter: &Predicate) -> Predicate {
    let parts = match filter {
        Predicate::And(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    all(parts.iter().filter(|part| is_facet(part)).cloned().collect())
}

fn is_facet(part: &Predicate) -> bool {
    matches!(part, Predicate::Compare { field, operator: Operator::Equal, .. }
        if field.0.starts_with("event.") && field.0 != "event.code"
            || field.0 == "network.protocol")
}
