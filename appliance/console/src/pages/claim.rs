//! The first account, made with the claim code of the first start.

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use time::OffsetDateTime;
use vedette_store::{Account, Role};

use crate::auth::log_in;
use crate::layout::Page;
use crate::passwords::{self, MAX_PASSWORD, MIN_PASSWORD};
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
    Ok(form(None).into_response())
}

pub(crate) async fn submit(
    State(shared): State<Shared>,
    Form(claim): Form<Claim>,
) -> Result<Response, Problem> {
    if is_claimed(&shared)? {
        return Ok(Redirect::to("/login").into_response());
    }
    let now = OffsetDateTime::now_utc();
    if !shared.attempts.allowed(now) {
        return Ok(refused("Too many wrong attempts: wait five minutes."));
    }
    if let Some(why) = unusable(&claim) {
        return Ok(refused(&why));
    }
    match shared.device.claim(claim.code.trim()) {
        Ok(true) => make_account(&shared, claim, now).await,
        Ok(false) => {
            shared.attempts.wrong(now);
            Ok(refused(
                "This is not the claim code. `vedette serve` printed it on its first start.",
            ))
        }
        Err(why) => Ok(refused(&why)),
    }
}

async fn make_account(
    shared: &Shared,
    claim: Claim,
    created: OffsetDateTime,
) -> Result<Response, Problem> {
    let Claim { name, password, .. } = claim;
    let hash = tokio::task::spawn_blocking(move || passwords::hash(&password));
    let password_hash = hash.await.ok().flatten().ok_or(Problem::Unavailable)?;
    let account = Account { name: name.clone(), role: Role::Admin, password_hash, created };
    if !shared.writer.claim(account)? {
        return Ok(Redirect::to("/login").into_response());
    }
    log_in(shared, &name)
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

fn refused(why: &str) -> Response {
    (StatusCode::FORBIDDEN, form(Some(why))).into_response()
}

fn form(why: Option<&str>) -> Markup {
    let body = html! {
        @if let Some(why) = why { p.card.notice { (why) } }
        p { "This box has no account yet. The claim code stands in the log of its first start." }
        form.card.narrow method="post" action="/claim" {
            label { "Claim code" input name="code" autocomplete="off" required autofocus; }
            label { "Name" input name="name" autocomplete="username" required; }
            label { "Password" input name="password" type="password" autocomplete="new-password" required minlength=(MIN_PASSWORD); }
            button.primary { "Make the first account" }
        }
    };
    Page { title: "Claim this box", place: "", session: None, revision: None }.render(&body)
}
