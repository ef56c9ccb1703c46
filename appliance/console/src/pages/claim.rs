//! The first account, made with the claim code of the first start.

use axum::extract::{ConnectInfo, Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use time::OffsetDateTime;
use vedette_store::{Account, Role};

use crate::auth::log_in;
use crate::inert::visible;
use crate::layout::Page;
use crate::listener::Sender;
use crate::pages::login::TOO_MANY;
use crate::passwords::{MAX_PASSWORD, MIN_PASSWORD};
use crate::reply::Problem;
use crate::server::Shared;

/// Longest account name, in characters.
const MAX_NAME: usize = 64;

#[derive(Deserialize)]
pub(crate) struct Claim {
    code: String,
    name: String,
    password: String,
}

pub(crate) async fn show(State(shared): State<Shared>) -> Result<Response, Problem> {
    if is_claimed(&shared)? {
        return Ok(Redirect::to("/login").into_response());
    }
    Ok(form("", None).into_response())
}

pub(crate) async fn submit(
    State(shared): State<Shared>,
    ConnectInfo(Sender(sender)): ConnectInfo<Sender>,
    Form(claim): Form<Claim>,
) -> Result<Response, Problem> {
    if is_claimed(&shared)? {
        return Ok(Redirect::to("/login").into_response());
    }
    if let Some(why) = unusable(&claim) {
        return Ok(refused(&claim.name, &why));
    }
    if !shared.attempts.take(sender, OffsetDateTime::now_utc()) {
        return Ok(refused(&claim.name, TOO_MANY));
    }
    match shared.device.claim(claim.code.trim()) {
        Ok(true) => {
            shared.attempts.forget(sender);
            make_account(&shared, claim).await
        }
        Ok(false) => {
            Ok(refused(&claim.name, "This is not the claim code. Look into the log of the box."))
        }
        Err(why) => Ok(refused(&claim.name, &why)),
    }
}

async fn make_account(shared: &Shared, claim: Claim) -> Result<Response, Problem> {
    let Claim { name, password, .. } = claim;
    let password_hash = shared.hasher.hash(password).await.ok_or(Problem::Unavailable)?;
    let created = OffsetDateTime::now_utc();
    let account = Account { name: name.clone(), role: Role::Admin, password_hash, created };
    if !shared.writer.claim(account)? {
        return Ok(Redirect::to("/login").into_response());
    }
    log_in(shared, &name, "/")
}

fn unusable(claim: &Claim) -> Option<String> {
    let name = claim.name.chars().count();
    if name == 0 || name > MAX_NAME || claim.name.chars().any(char::is_control) {
        return Some(format!("The name must have 1 to {MAX_NAME} visible characters."));
    }
    if claim.password.chars().count() < MIN_PASSWORD || claim.password.len() > MAX_PASSWORD {
        return Some(format!(
            "The password must have {MIN_PASSWORD} to {MAX_PASSWORD} characters."
        ));
    }
    None
}

fn is_claimed(shared: &Shared) -> Result<bool, Problem> {
    Ok(!shared.reader.accounts()?.is_empty())
}

fn refused(name: &str, why: &str) -> Response {
    (StatusCode::FORBIDDEN, form(name, Some(why))).into_response()
}

fn form(name: &str, why: Option<&str>) -> Markup {
    let body = html! {
        p { "Nobody owns this box yet. Its log shows a claim code: type it in and choose a name and a password." }
        @if let Some(why) = why { p.card.notice.narrow #refused role="alert" { (visible(why)) } }
        form.card.narrow method="post" action="/claim" {
            label { "Claim code" input name="code" autocomplete="off" required autofocus; }
            label { "Name" input name="name" value=(name) autocomplete="username" required maxlength=(MAX_NAME); }
            label {
                "Password" span.soft { " of at least " (MIN_PASSWORD) " characters" }
                input name="password" type="password" autocomplete="new-password" required minlength=(MIN_PASSWORD);
            }
            button.primary { "Claim this box" }
        }
    };
    Page { title: "Claim this box", ..Page::default() }.render(&body)
}
