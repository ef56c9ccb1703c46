//! Logging in.

use axum::extract::{ConnectInfo, Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use time::OffsetDateTime;
use vedette_store::{Account, Role};

use crate::auth::{log_in, own_page};
use crate::layout::Page;
use crate::listener::Sender;
use crate::reply::Problem;
use crate::server::Shared;

/// Account under which a one-time login acts. It has no password that matches.
const ONE_TIME: &str = "one-time";
/// Said to those who guess.
pub(super) const TOO_MANY: &str = "Too many attempts from your address: wait five minutes.";

#[derive(Deserialize)]
pub(crate) struct Credentials {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(crate) struct Once {
    code: String,
}

pub(crate) async fn show(
    State(shared): State<Shared>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    if shared.reader.accounts()?.is_empty() {
        return Ok(Redirect::to("/claim").into_response());
    }
    Ok(form(&wanted.next, None).into_response())
}

pub(crate) async fn submit(
    State(shared): State<Shared>,
    ConnectInfo(Sender(sender)): ConnectInfo<Sender>,
    Form(credentials): Form<Credentials>,
) -> Result<Response, Problem> {
    let Credentials { name, password, next } = credentials;
    if !shared.attempts.take(sender, OffsetDateTime::now_utc()) {
        return Ok(refused(&next, TOO_MANY));
    }
    let hash = shared.reader.account(&name)?.map(|account| account.password_hash);
    if !shared.hasher.verify(password, hash).await {
        return Ok(refused(&next, "No account has this name and password."));
    }
    shared.attempts.forget(sender);
    log_in(&shared, &name, &next)
}

/// Takes the one-time login that `vedette demo` prints.
pub(crate) async fn once(
    State(shared): State<Shared>,
    ConnectInfo(Sender(sender)): ConnectInfo<Sender>,
    Query(once): Query<Once>,
) -> Result<Response, Problem> {
    let now = OffsetDateTime::now_utc();
    if !shared.attempts.take(sender, now) {
        return Ok(refused("", TOO_MANY));
    }
    if !shared.device.one_time_login(&once.code) {
        return Ok(refused("", "This one-time login has been used or never was one."));
    }
    shared.attempts.forget(sender);
    let account = Account {
        name: ONE_TIME.to_owned(),
        role: Role::Admin,
        password_hash: String::new(),
        created: now,
    };
    shared.writer.put_account(account)?;
    log_in(&shared, ONE_TIME, "/")
}

fn refused(next: &str, why: &str) -> Response {
    (StatusCode::FORBIDDEN, form(next, Some(why))).into_response()
}

fn form(next: &str, why: Option<&str>) -> Markup {
    let body = html! {
        @if let Some(why) = why { p.card.notice.narrow #refused role="alert" { (why) } }
        form.card.narrow method="post" action="/login" {
            input type="hidden" name="next" value=(own_page(next));
            label { "Name" input name="name" autocomplete="username" required autofocus; }
            label { "Password" input name="password" type="password" autocomplete="current-password" required; }
            button.primary { "Log in" }
        }
    };
    Page { title: "Log in", ..Page::default() }.render(&body)
}
