//! The API, described (OpenAPI 3.1).

use axum::Json;
use serde_json::{Value, json};
use vedette_event::ResolutionCode;

pub(crate) async fn document() -> Json<Value> {
    let codes: Vec<&str> = ResolutionCode::ALL.iter().map(|code| code.as_str()).collect();
    let id = json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" }, "description": "INC-7 or 7" }]);
    Json(json!({
        "openapi": "3.1.0",
        "info": { "title": "Vedette", "version": env!("CARGO_PKG_VERSION") },
        "components": {
            "securitySchemes": { "session": { "type": "apiKey", "in": "cookie", "name": "__Host-vedette" } },
        },
        "security": [{ "session": [] }],
        "paths": {
            "/api/v1/openapi.json": { "get": { "summary": "This document", "security": [], "responses": { "200": { "description": "done" } } } },
            "/api/v1/status": { "get": operation("What the appliance says of itself") },
            "/api/v1/revision": { "get": with(operation("A text that differs when what a page shows does"), json!([
                parameter("incident", json!({ "type": "string" })),
            ])) },
            "/api/v1/incidents": { "get": with(operation("Incidents, riskiest first"), json!([
                parameter("status", json!({ "enum": ["open", "closed"] })),
                parameter("limit", json!({ "type": "integer", "minimum": 0, "maximum": 500 })),
                parameter("offset", json!({ "type": "integer", "minimum": 0 })),
            ])) },
            "/api/v1/incidents/{id}": { "get": with(operation("One incident"), id.clone()) },
            "/api/v1/incidents/{id}/close": { "post": {
                "summary": "Record how an incident ended",
                "parameters": id,
                "requestBody": { "required": true, "content": { "application/json": { "schema": {
                    "type": "object",
                    "required": ["code"],
                    "properties": { "code": { "enum": codes }, "note": { "type": "string", "maxLength": 4000 } },
                } } } },
                "responses": responses(),
            } },
            "/api/v1/events": { "get": with(operation("Search log lines in the local query language"), json!([
                parameter("q", json!({ "type": "string" })),
            ])) },
        },
    }))
}

fn operation(summary: &str) -> Value {
    json!({ "summary": summary, "responses": responses() })
}

fn with(mut operation: Value, parameters: Value) -> Value {
    operation["parameters"] = parameters;
    operation
}

fn parameter(name: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "required": name == "q", "schema": schema })
}

fn responses() -> Value {
    let problem =
        |why: &str| json!({ "description": why, "content": { "application/problem+json": {} } });
    json!({
        "200": { "description": "done", "content": { "application/json": {} } },
        "400": problem("the request cannot be read"),
        "401": problem("nobody is logged in"),
        "403": problem("this account may not, or the request came from another site"),
        "404": problem("there is no such thing"),
        "422": problem("it cannot be done as asked"),
        "503": problem("the store does not answer"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[tokio::test]
    async fn it_lists_exactly_the_routes() {
        let Json(document) = document().await;
        let described: BTreeSet<&str> =
            document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let routed: BTreeSet<&str> = include_str!("routes.rs")
            .split('"')
            .filter(|text| text.starts_with("/api/v1/"))
            .collect();
        assert_eq!(described, routed);
    }
}
