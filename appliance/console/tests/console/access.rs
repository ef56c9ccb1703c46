//! Who gets in, and what every answer carries.

use vedette_store::Role;

use crate::running::{CODE, Client, PASSWORD, Running};

const PAGES: [&str; 5] = ["/", "/incidents", "/incidents/INC-1", "/events", "/system"];

fn claim(client: &Client, code: &str, password: &str) -> crate::running::Answer {
    let form = [("code", code), ("name", "mia"), ("password", password)];
    client.form("/claim", Some(client.origin()), &form)
}

fn log_in(client: &Client, password: &str, next: &str) -> crate::running::Answer {
    let form = [("name", "mia"), ("password", password), ("next", next)];
    client.form("/login", Some(client.origin()), &form)
}

#[test]
fn a_box_is_claimed_once() {
    let running = Running::start();
    let client = running.stranger();
    assert_eq!(client.get("/login").header("location"), "/claim");
    for (code, password, status, told) in [
        ("wrong", PASSWORD, 403, "This is not the claim code"),
        (CODE, "short", 403, "The password must have 12"),
        (CODE, PASSWORD, 303, ""),
    ] {
        let answer = claim(&client, code, password);
        assert_eq!(answer.status, status, "{code} {password}: {}", answer.body);
        assert!(answer.body.contains(told), "{}", answer.body);
    }
    assert_eq!(client.get("/").status, 200, "whoever claims is logged in");
    let late = running.stranger();
    assert_eq!(claim(&late, CODE, PASSWORD).header("location"), "/login");
    assert_eq!(late.get("/claim").header("location"), "/login");
    assert_eq!(running.store.reader().accounts().unwrap().len(), 1);
}

#[test]
fn people_log_in_and_out() {
    let running = Running::start();
    assert_eq!(claim(&running.stranger(), CODE, PASSWORD).status, 303);
    let client = running.stranger();
    let answer = client.get("/incidents?status=open");
    assert_eq!(answer.header("location"), "/login?next=%2Fincidents%3Fstatus%3Dopen");
    assert!(client.get("/login?next=%2Fsystem").body.contains("value=\"/system\""));
    assert_eq!(log_in(&client, "not the password", "/").status, 403);
    for (next, expected) in [("/system", "/system"), ("//evil.example", "/"), ("", "/")] {
        let answer = log_in(&client, PASSWORD, next);
        assert_eq!((answer.status, answer.header("location")), (303, expected));
        let cookie = answer.header("set-cookie");
        for part in ["__Host-vedette=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
            assert!(cookie.contains(part), "{cookie}");
        }
    }
    assert_eq!(client.get("/system").status, 200);
    let held = client.get("/").status;
    let answer = client.form("/logout", Some(client.origin()), &[]);
    assert_eq!((held, answer.status, answer.header("location")), (200, 303, "/login"));
    assert_eq!(client.get("/system").status, 303, "the session is gone");
}

#[test]
fn a_session_ends_with_the_logout_not_with_the_cookie() {
    let running = Running::start();
    let (one, same) = (running.user(Role::Admin), running.user(Role::Admin));
    assert_eq!(same.get("/").status, 200);
    one.form("/logout", Some(one.origin()), &[]);
    assert_eq!(same.get("/").status, 303);
}

#[test]
fn passwords_cannot_be_guessed() {
    let running = Running::start();
    assert_eq!(claim(&running.stranger(), CODE, PASSWORD).status, 303);
    let client = running.stranger();
    let told: Vec<bool> = (0..12)
        .map(|guess| log_in(&client, &format!("guess number {guess}"), "/"))
        .map(|answer| answer.body.contains("Too many attempts"))
        .collect();
    assert_eq!(told, [vec![false; 10], vec![true; 2]].concat());
    assert_eq!(log_in(&client, PASSWORD, "/").status, 403, "the right one waits too");
}

#[test]
fn pages_need_a_login_and_failures_are_pages() {
    let running = Running::start();
    let (stranger, viewer) = (running.stranger(), running.user(Role::Viewer));
    for page in PAGES {
        let answer = stranger.get(page);
        assert_eq!(answer.status, 303, "{page}");
        assert!(answer.header("location").starts_with("/login"), "{page}");
        assert!(answer.body.is_empty(), "{page}");
    }
    for (page, status, told) in [
        ("/incidents/INC-1", 404, "There is no incident"),
        ("/incidents/<script>", 404, "There is no incident"),
        ("/nowhere", 404, "There is no page"),
        ("/incidents?status=strange", 400, "This did not work"),
        ("/events?q=foo+%3D", 422, "no value after the operator"),
    ] {
        let answer = viewer.get(&page.replace('<', "%3C").replace('>', "%3E"));
        assert_eq!(answer.status, status, "{page}");
        assert!(answer.header("content-type").starts_with("text/html"), "{page}");
        assert!(answer.body.contains(told), "{page}: {}", answer.body);
        assert!(answer.body.contains("Log out"), "{page} shows who is logged in");
        assert!(!answer.body.contains("<script>"), "{page}");
    }
    assert_eq!(stranger.get("/nowhere").status, 404);
    assert_eq!(viewer.form("/system", Some(viewer.origin()), &[]).status, 405);
}

#[test]
fn other_sites_change_nothing() {
    let running = Running::start();
    let client = running.user(Role::Admin);
    for origin in ["https://evil.example", "http://127.0.0.1", "null"] {
        for path in ["/logout", "/login", "/claim", "/api/v1/incidents/INC-1/close"] {
            let answer = client.form(path, Some(origin), &[]);
            assert_eq!(answer.status, 403, "{origin} {path}");
            assert!(answer.body.contains("another site"), "{}", answer.body);
        }
    }
    assert_eq!(client.get("/").status, 200, "still logged in");
}

#[test]
fn every_answer_carries_the_headers() {
    let running = Running::start();
    let (stranger, admin) = (running.stranger(), running.user(Role::Admin));
    let paths = ["/login", "/nowhere", "/api/v1/nowhere", "/api/v1/status", "/healthz", "/"];
    let assets = ["/assets/console.css", "/assets/console.js", "/assets/icon.svg"];
    for (client, path) in paths
        .iter()
        .chain(&assets)
        .chain(&PAGES)
        .flat_map(|path| [(&stranger, *path), (&admin, *path)])
    {
        let answer = client.get(path);
        let policy = answer.header("content-security-policy");
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert!(!answer.header("strict-transport-security").is_empty(), "{path}");
        let cached = if assets.contains(&path) { "max-age=3600" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), cached, "{path}");
        for inline in [" style=", " onclick=", "<style", "javascript:"] {
            assert!(!answer.body.contains(inline), "{path} has {inline}");
        }
    }
}

#[test]
fn the_one_time_login_works_once() {
    let running = Running::start();
    let client = running.stranger();
    let first = client.get(&format!("/login/once?code={CODE}"));
    assert_eq!((first.status, first.header("location")), (303, "/"));
    assert_eq!(client.get("/").status, 200);
    let again = running.stranger().get(&format!("/login/once?code={CODE}"));
    assert_eq!((again.status, again.header("set-cookie")), (403, ""));
}
