use maud::{Markup, html};
use time::OffsetDateTime;
use vedette_event::Incident;
use vedette_event::query::{Language, RenderedQuery};

use crate::inert::{visible, visible_query};
use crate::pages::events::search_address;
use crate::words::{language, moment};

/// The queries that find its lines, one open at a time; the box's own first.
pub(super) fn texts(queries: &[RenderedQuery]) -> Markup {
    let mut queries: Vec<&RenderedQuery> = queries.iter().collect();
    queries.sort_by_key(|rendered| rendered.language != Language::Local);
    html! {
        section #queries {
            h2 { "Queries" }
            p.soft { "They find the lines of this incident and what resembles them, here or in your own log system." }
            div.card {
                @if queries.is_empty() { p.soft { "They come when the incident is filed: at once if it is grave, else when it has settled." } }
                @for (number, rendered) in queries.iter().enumerate() { (one(rendered, number)) }
            }
        }
    }
}

fn one(rendered: &RenderedQuery, number: usize) -> Markup {
    html! {
        details name="query" open[number == 0] {
            summary { (language(rendered.language)) }
            @if let Some(text) = &rendered.query {
                pre id={ "query-" (number) } tabindex="0" { (visible_query(text)) }
                p.actions {
                    button type="button" data-copy={ "query-" (number) } hidden { "Copy" }
                    @if rendered.language == Language::Local {
                        a href=(search_address(text)) { "Run it here" }
                    }
                }
            }
            @if let Some(window) = rendered.time_range {
                p.soft { "From " (moment(window.from)) " to " (moment(window.to)) }
            }
            @for note in &rendered.notes { p.soft { "Note: " (visible(note)) } }
        }
    }
}

/// Why the queries look at what they look at.
pub(super) fn fields(incident: &Incident, now: OffsetDateTime) -> Markup {
    let explained = vedette_query::explain(&vedette_query::from_incident(incident, now));
    html! {
        @if !explained.is_empty() {
            details.card #fields {
                summary { "Why these fields" }
                dl.facts {
                    @for (field, why) in &explained {
                        dt { code { (visible(&field.0)) } } dd { (visible(why)) }
                    }
                }
            }
        }
    }
}
