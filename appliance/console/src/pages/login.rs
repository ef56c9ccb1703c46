//! Logging in.

use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use time::OffsetDateTime;
use vedette_store::{Account, Role};

use crate::auth::log_in;
use crate::layout::Page;
use crate::passwords::{self, MAX_PASSWORD};
use crate::reply::Problem;
use crate::server::Shared;

/// Account under which a one-time login acts. It has no password that matches.
const ONE_TIME: &str = "one-time";

#[derive(Deserialize)]
pub(crate) struct Credentials {
    name: String,
    password: String,
}

#[derive(Deserialize)]
pub(crate) struct Once {
    code: String,
}

pub(crate) async fn show() -> Markup {
    form(None)
}

pub(crate) async fn submit(
    State(shared): State<Shared>,
    Form(credentials): Form<Credentials>,
) -> Result<Response, Problem> {
    let now = OffsetDateTime::now_utc();
    if !shared.attempts.allowed(now) {
        return Ok(refused("Too many wrong attempts: wait five minutes."));
    }
    let Credentials { name, password } = credentials;
    let hash = shared.reader.account(&name)?.map(|account| account.password_hash);
    let verified = tokio::task::spawn_blocking(move || {
        password.len() <= MAX_PASSWORD && passwords::verify(&password, hash.as_deref())
    });
    if verified.await.unwrap_or(false) {
        return log_in(&shared, &name);
    }
    shared.attempts.wrong(now);
    Ok(refused("No account has this name and password."))
}

/// Takes the one-time login that `vedette demo` prints.
pub(crate) async fn once(
    State(shared): State<Shared>,
    Query(once): Query<Once>,
) -> Result<Response, Problem> {
    let now = OffsetDateTime::now_utc();
    if !shared.attempts.allowed(now) || !shared.device.one_time_login(&once.code) {
        shared.attempts.wrong(now);
        return Ok(refused("This one-time login has been used or never was one."));
    }
    let account = Account {
        name: ONE_TIME.to_owned(),
        role: Role::Admin,
        password_hash: String::new(),
        created: now,
    };
    shared.writer.put_account(account)?;
    log_in(&shared, ONE_TIME)
}

fn refused(why: &str) -> Response {
    (StatusCode::FORBIDDEN, form(Some(why))).into_response()
}

fn form(why: Option<&str>) -> Markup {
    let body = html! {
        @if let Some(why) = why { p.card.notice { (why) } }
        form.card.narrow method="post" action="/login" {
            label { "Name" input name="name" autocomplete="username" required autofocus; }
            label { "Password" input name="password" type="password" autocomplete="current-password" required; }
            button.primary { "Log in" }
        }
    };
    Page { title: "Log in", place: "", session: None, revision: None }.render(&body)
}
