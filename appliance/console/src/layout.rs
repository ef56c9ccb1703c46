//! The frame of every page.

use maud::{DOCTYPE, Markup, html};
use vedette_store::Session;

/// A page: where it stands in the navigation and what it says.
#[derive(Default)]
pub(crate) struct Page<'a> {
    /// In the title bar and as the heading.
    pub(crate) title: &'a str,
    /// The entry of the navigation that is marked.
    pub(crate) place: &'a str,
    /// Who is logged in, if anybody.
    pub(crate) session: Option<&'a Session>,
    /// Where to ask for the state of the data and what it was: a page that carries it notices when
    /// it changes.
    pub(crate) watch: Option<Watch>,
}

/// What a page watches.
pub(crate) struct Watch {
    /// The address that tells the state.
    pub(crate) address: String,
    /// The state the page shows.
    pub(crate) revision: String,
    /// What the page does when it is out of date.
    pub(crate) news: News,
}

/// What a page does when it is out of date.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// Loads itself again: lists.
    Reload,
    /// Says so: pages that somebody reads or writes in.
    Tell,
}

const NAVIGATION: [(&str, &str); 4] =
    [("/", "Today"), ("/incidents", "Incidents"), ("/events", "Events"), ("/system", "System")];

impl Page<'_> {
    pub(crate) fn render(&self, body: &Markup) -> Markup {
        let watch = self.watch.as_ref();
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · Vedette" }
                    link rel="icon" href="/assets/icon.svg";
                    link rel="stylesheet" href="/assets/console.css";
                    script src="/assets/console.js" defer {}
                }
                body
                    data-watch=[watch.map(|watch| &watch.address)]
                    data-revision=[watch.map(|watch| &watch.revision)]
                {
                    a.skip href="#main" { "Skip to the content" }
                    (self.header())
                    main #main {
                        @if watch.is_some_and(|watch| watch.news == News::Tell) {
                            p.card.notice #news role="status" hidden {
                                "There is news here. " a href="" { "Show it" }
                            }
                        }
                        h1 { (self.title) }
                        (body)
                    }
                }
            }
        }
    }

    fn header(&self) -> Markup {
        html! {
            header {
                div.bar {
                    a.brand href="/" { img src="/assets/icon.svg" width="24" height="24" alt=""; "Vedette" }
                    @if let Some(session) = self.session {
                        nav aria-label="Pages" {
                            @for (address, name) in NAVIGATION {
                                a href=(address) aria-current=[(name == self.place).then_some("page")] { (name) }
                            }
                        }
                        form method="post" action="/logout" {
                            span.soft { (crate::inert::visible(&session.account)) }
                            button { "Log out" }
                        }
                    }
                }
            }
        }
    }
}
