//! One incident: what happened, what to do, why, and on what it rests.

mod guidance;
mod lines;
mod outcome;
mod queries;
mod summary;

use axum::extract::{Form, Path, State};
use axum::response::Redirect;
use maud::{Markup, html};
use vedette_store::Session;

use crate::api::{self, Closing};
use crate::auth::{Analyst, User};
use crate::inert::visible;
use crate::layout::{News, Page, Watch};
use crate::pages;
use crate::reply::Problem;
use crate::server::Shared;

pub(crate) use guidance::with_commands;

pub(crate) async fn show(
    State(shared): State<Shared>,
    User(session): User,
    Path(id): Path<String>,
) -> Result<Markup, Problem> {
    shared.work(move |shared| render(shared, &session, &id)).await
}

pub(crate) async fn close(
    State(shared): State<Shared>,
    Analyst(session): Analyst,
    Path(id): Path<String>,
    Form(closing): Form<Closing>,
) -> Result<Redirect, Problem> {
    let record = move |shared: &Shared| {
        api::record_outcome(shared, &session.account, &id, closing)?;
        Ok(api::find(shared, &id)?.id)
    };
    let id = shared.work(record).await?;
    Ok(Redirect::to(&format!("/incidents/{id}")))
}

fn render(shared: &Shared, session: &Session, id: &str) -> Result<Markup, Problem> {
    let incident = api::find(shared, id)?;
    let (queries, resolution) = shared.reader.filing(incident.id)?.unwrap_or_default();
    let tickets = shared.reader.tickets_of(incident.id)?;
    let body = html! {
        (summary::facts(shared, &incident))
        (guidance::steps(resolution.as_ref()))
        (summary::risk(&incident))
        (lines::evidence(&incident))
        (lines::timeline(shared, &incident)?)
        (queries::texts(&queries))
        (queries::fields(&incident, shared.device.now()))
        (outcome::tickets(&tickets))
        (outcome::closing(&incident, session.role, resolution.as_ref()))
    };
    let title = visible(pages::title(&incident));
    let watch = Watch {
        address: format!("/api/v1/revision?incident={}", incident.id),
        revision: api::revision_of_one(shared, &incident)?,
        news: News::Tell,
    };
    let page =
        Page { title: &title, place: "Incidents", session: Some(session), watch: Some(watch) };
    Ok(page.render(&body))
}
