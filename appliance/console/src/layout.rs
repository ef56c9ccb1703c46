//! The frame of every page, and pieces that several pages share.

use maud::{DOCTYPE, Markup, html};
use time::OffsetDateTime;
use time::macros::format_description;
use vedette_event::Severity;
use vedette_store::Session;

/// Longest piece of log text shown in one place, in characters; the rest is said to be there.
const MAX_LOG_CHARACTERS: usize = 4_000;

/// A page: where it stands in the navigation and what it says.
pub(crate) struct Page<'a> {
    /// In the title bar and as the heading.
    pub(crate) title: &'a str,
    /// The entry of the navigation that is marked.
    pub(crate) place: &'a str,
    /// Who is logged in, if anybody.
    pub(crate) session: Option<&'a Session>,
    /// The state of the data: a page that carries it reloads when it changes.
    pub(crate) revision: Option<String>,
}

const NAVIGATION: [(&str, &str); 4] =
    [("/", "Today"), ("/incidents", "Incidents"), ("/events", "Events"), ("/system", "System")];

impl Page<'_> {
    pub(crate) fn render(&self, body: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) " · Vedette" }
                    link rel="icon" href="/assets/icon.svg";
                    link rel="stylesheet" href="/assets/console.css";
                    script src="/assets/console.js" defer {}
                }
                body data-revision=[self.revision.as_deref()] {
                    (self.header())
                    main { h1 { (self.title) } (body) }
                }
            }
        }
    }

    fn header(&self) -> Markup {
        html! {
            header {
                a.brand href="/" { img src="/assets/icon.svg" width="24" height="24" alt=""; "Vedette" }
                @if let Some(session) = self.session {
                    nav {
                        @for (address, name) in NAVIGATION {
                            a href=(address) aria-current=[(name == self.place).then_some("page")] { (name) }
                        }
                    }
                    span.soft { (session.account) }
                    form method="post" action="/logout" { button { "Log out" } }
                }
            }
        }
    }
}

/// A severity in its colour.
pub(crate) fn badge(severity: Option<Severity>) -> Markup {
    let name = severity.map_or("unknown", Severity::as_str);
    html! { span class={ "badge " (name) } { (name) } }
}

/// A time to the second, in UTC.
pub(crate) fn moment(time: Option<OffsetDateTime>) -> Markup {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    let text = time.and_then(|time| time.to_offset(time::UtcOffset::UTC).format(form).ok());
    html! { (text.unwrap_or_else(|| "—".to_owned())) }
}

/// A count with thin spaces between thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('\u{2009}');
        }
        grouped.push(digit);
    }
    grouped
}

/// Log text, inert: escaped by the template, control and bidirectional characters shown as escapes,
/// with the bytes from `start` to `end` marked.
pub(crate) fn log_text(raw: &str, start: usize, end: usize) -> Markup {
    let marked = raw.get(start..end).filter(|marked| !marked.is_empty());
    let (before, after) = match marked {
        Some(_) => (&raw[..start], &raw[end..]),
        None => (raw, ""),
    };
    html! {
        (visible(before)) @if let Some(marked) = marked { mark { (visible(marked)) } } (visible(after))
    }
}

/// Text with everything invisible shown as an escape, length capped.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars();
    for character in characters.by_ref().take(MAX_LOG_CHARACTERS) {
        let hidden = (character.is_control() && character != '\t')
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if hidden {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    if characters.next().is_some() {
        shown.push_str(" … (cut)");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_text_is_inert_wherever_the_mark_falls() {
        let raw = "a<script>\x1b[31m\u{202e}\"'é";
        for (start, end) in [(0, 0), (1, 9), (0, raw.len()), (5, 3), (9, 999), (1, raw.len() - 1)] {
            let shown = log_text(raw, start, end).into_string();
            assert!(!shown.contains("<script") && !shown.contains('\x1b'), "{shown}");
            assert!(!shown.contains('\u{202e}'), "{shown}");
        }
        assert_eq!(log_text("abc", 1, 2).into_string(), "a<mark>b</mark>c");
    }

    #[test]
    fn counts_are_grouped() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1\u{2009}000"),
            (1_234_567, "1\u{2009}234\u{2009}567"),
        ] {
            assert_eq!(count(number), expected);
        }
    }
}
