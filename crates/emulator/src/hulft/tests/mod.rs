//! The contract from a client's point of view: requests in, responses out, on a clock that the tests advance. This file
//! covers what the operations share, and each resource has a file.

mod accounts;
mod agents;
mod browser_transfer;
mod connections;
mod dclients;
mod groups;
mod ip_filter_groups;
mod lists;
mod logs;
mod relay_permissions;
mod samples;
mod secondary_accounts;
mod service_status;

use std::time::Duration;

use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::*;

const JSON: &str = "application/json; charset=utf-8";

/// A contract without a rate limit, unless a test sets one.
struct Site {
    hulft: Hulft,
    clock: Clock,
}

impl Site {
    fn new() -> Self {
        let clock = Clock::new();
        let hulft = Hulft::new(clock.clone(), false);
        hulft.rate_limit(None);
        Self { hulft, clock }
    }

    /// A contract with these Connection IDs.
    async fn with_connections(ids: &[&str]) -> Self {
        let site = Self::new();
        for id in ids {
            let body = json!({"connectionId": id, "passwd": "password", "connectableClientType": ["hulft"]});
            site.post("/connections/definition", body).await.body(201);
        }
        site
    }

    async fn send(&self, request: Request) -> Received {
        Received(self.hulft.respond(&request).await)
    }

    async fn get(&self, path: &str) -> Received {
        self.send(request(Method::GET, path, "")).await
    }

    async fn post(&self, path: &str, body: Value) -> Received {
        self.send(request(Method::POST, path, &body.to_string())).await
    }

    async fn put(&self, path: &str, body: Value) -> Received {
        self.send(request(Method::PUT, path, &body.to_string())).await
    }

    async fn delete(&self, path: &str) -> Received {
        self.send(request(Method::DELETE, path, "")).await
    }
}

fn request(method: Method, path: &str, body: &str) -> Request {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {API_KEY}").parse().unwrap());
    headers.insert(CONTENT_TYPE, JSON.parse().unwrap());
    headers.insert(http::header::HOST, "site.example".parse().unwrap());
    Request::read(method, format!("/api/v2{path}"), headers, body.to_owned().into()).unwrap()
}

#[derive(Debug)]
struct Received(Response);

impl Received {
    #[track_caller]
    fn json(&self) -> Value {
        assert_eq!(self.0.headers()[CONTENT_TYPE], JSON);
        serde_json::from_slice(self.0.body().as_ref()).unwrap()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(self.0.body().as_ref()).unwrap()
    }

    fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// The JSON of a response that must have this status.
    #[track_caller]
    fn body(&self, status: u16) -> Value {
        assert_eq!(self.status(), status, "{}", self.text());
        self.json()
    }

    #[track_caller]
    fn is_empty(&self, status: u16) {
        assert_eq!((self.status(), self.text()), (status, ""));
    }

    fn location(&self) -> Option<&str> {
        self.0.headers().get(LOCATION).map(|uri| uri.to_str().unwrap())
    }

    /// The body of an error that must have this status and code, and a message.
    #[track_caller]
    fn rejected(&self, status: u16, code: &str) -> Value {
        let body = self.body(status);
        assert_eq!(body["code"], code, "{body}");
        assert!(!body["message"].as_str().unwrap().is_empty());
        body
    }

    /// Asserts that the body was rejected with a message that names the member.
    #[track_caller]
    fn rejects(&self, member: &str) {
        let body = self.rejected(400, "EMULATOR_INVALID_BODY");
        assert!(body["message"].as_str().unwrap().contains(&format!("'{member}'")), "{member}: {body}");
    }

    /// One member of each row of a list.
    #[track_caller]
    fn column(&self, list: &str, member: &str) -> Vec<String> {
        let body = self.body(200);
        let rows = body[list].as_array().unwrap_or_else(|| panic!("no {list}: {body}"));
        rows.iter().map(|row| row[member].as_str().unwrap().to_owned()).collect()
    }
}

/// The body with this member added or replaced.
fn with(mut body: Value, member: &str, value: Value) -> Value {
    let place = member.split('.').fold(&mut body, |place, name| &mut place[name]);
    *place = value;
    body
}

/// The body without a member, which may be nested.
fn without(mut body: Value, member: &str) -> Value {
    let (parents, name) = member.rsplit_once('.').unwrap_or(("", member));
    let parents = parents.split('.').filter(|name| !name.is_empty());
    let place = parents.fold(&mut body, |place, name| &mut place[name]);
    place.as_object_mut().unwrap().remove(name).unwrap();
    body
}

const ID: &str = "0123456789abcdef0123456789abcdef";

/// The operations in the vendor's list and the scopes on their pages, written down independently of the emulator's
/// table.
fn operations() -> Vec<(Method, String, Option<Scope>)> {
    let mut operations = Vec::new();
    let mut add = |list: &str, one: &str, methods: &str, scopes: [Option<Scope>; 4]| {
        for method in methods.split(' ') {
            let (method, path, scope) = match method {
                "LIST" => (Method::GET, list, scopes[0]),
                "GET" => (Method::GET, one, scopes[0]),
                "POST" => (Method::POST, list, scopes[1]),
                "PUT" => (Method::PUT, one, scopes[2]),
                _ => (Method::DELETE, one, scopes[3]),
            };
            operations.push((method, path.to_owned(), scope));
        }
    };
    let all = "LIST GET POST PUT DELETE";
    add("/access-denial/log", "", "LIST", [None; 4]);
    add("/accounts/definition", &format!("/accounts/definition/{ID}"), all, [None; 4]);
    add("/accounts/password/set-request", "", "POST", [None; 4]);
    add("/agent/status", "/agent/status/send", "LIST GET", [Some(Scope::AGENT_GET); 4]);
    add("/agent/disconnection", "", "POST", [Some(Scope::AGENT_DISCONNECT); 4]);
    add("/browser-transfer-groups", &format!("/browser-transfer-groups/{ID}"), all, [None; 4]);
    let files = "/browser-transfer/definition/browser-to-hulft";
    let scopes = [
        Scope::BROWSER_SEND_FILE_GET,
        Scope::BROWSER_SEND_FILE_CREATE,
        Scope::BROWSER_SEND_FILE_UPDATE,
        Scope::BROWSER_SEND_FILE_DELETE,
    ];
    add(files, &format!("{files}/d1"), all, scopes.map(Some));
    let requests = "/browser-transfer/definition/hulft-to-browser";
    let scopes = [
        Scope::BROWSER_SEND_REQUEST_GET,
        Scope::BROWSER_SEND_REQUEST_CREATE,
        Scope::BROWSER_SEND_REQUEST_UPDATE,
        Scope::BROWSER_SEND_REQUEST_DELETE,
    ];
    add(requests, &format!("{requests}/d1"), all, scopes.map(Some));
    let scopes = [
        Scope::CONNECTION_SETTINGS_GET,
        Scope::CONNECTION_SETTINGS_CREATE,
        Scope::CONNECTION_SETTINGS_UPDATE,
        Scope::CONNECTION_SETTINGS_DELETE,
    ];
    add("/connections/definition", "/connections/definition/id1", all, scopes.map(Some));
    add("/dclient/definition", &format!("/dclient/definition/{ID}"), all, [None; 4]);
    add(&format!("/dclient/user-guide/mail-request/{ID}"), "", "POST", [None; 4]);
    add("/ip-filter/group", "/ip-filter/group/g1", all, [None; 4]);
    let scopes = [
        Scope::RELAY_AUTH_SETTINGS_GET,
        Scope::RELAY_AUTH_SETTINGS_CREATE,
        Scope::RELAY_AUTH_SETTINGS_UPDATE,
        Scope::RELAY_AUTH_SETTINGS_DELETE,
    ];
    add("/relay/permission", "/relay/permission/id1/id2/send", all, scopes.map(Some));
    add("/relay/permission/id1", "/relay/permission/id1/send", "LIST GET", scopes.map(Some));
    add("/relay/log", "/relay/log/ABC", "LIST GET", [Some(Scope::RELAY_LOG_GET); 4]);
    add("/relay/log?fileId=F", "", "LIST", [Some(Scope::RELAY_LOG_GET); 4]);
    add("/service/status", "", "LIST", [Some(Scope::SERVICE_STATUS_GET); 4]);
    let scopes = [
        Scope::SECONDARY_ACCOUNT_GET,
        Scope::SECONDARY_ACCOUNT_GET,
        Scope::SECONDARY_ACCOUNT_GET,
        Scope::SECONDARY_ACCOUNT_DELETE,
    ];
    add(
        "/secondary-account/definition",
        "/secondary-account/definition/s1",
        "LIST GET DELETE",
        scopes.map(Some),
    );
    operations
}

#[tokio::test]
async fn each_of_the_55_operations_needs_its_own_scope_and_no_other() {
    let site = Site::new();
    let operations = operations();
    assert_eq!(operations.len(), 55);
    for (method, path, scope) in operations {
        let others: Vec<_> = Scope::ALL.iter().copied().filter(|other| Some(*other) != scope).collect();
        let only: Vec<_> = scope.into_iter().collect();
        for (key, scopes, is_let_in) in [("others", others, scope.is_none()), ("only", only, true)] {
            site.hulft.add_api_key(key, &scopes);
            let mut request = request(method.clone(), &path, "{}");
            request.headers.insert(AUTHORIZATION, format!("Bearer {key}").parse().unwrap());
            let response = site.send(request).await;
            assert_ne!(response.status(), 405, "{method} {path}");
            assert!(!response.text().contains("EMULATOR_UNKNOWN_PATH"), "{method} {path}");
            if is_let_in {
                assert!(!matches!(response.status(), 401 | 403), "{method} {path}: {}", response.text());
            } else {
                response.rejected(403, "EMULATOR_MISSING_SCOPE");
            }
        }
    }
}

#[tokio::test]
async fn a_request_without_a_known_key_is_unauthorized() {
    let site = Site::new();
    for (method, path, _) in operations() {
        for authorization in ["", "Bearer", "Bearer wrong", API_KEY] {
            let mut request = request(method.clone(), &path, "{}");
            request.headers.insert(AUTHORIZATION, authorization.parse().unwrap());
            site.send(request).await.rejected(401, "EMULATOR_UNAUTHORIZED");
        }
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_rejected() {
    let site = Site::new();
    for path in [
        "",
        "/",
        "/agent",
        "/agent/status/",
        "/agent/status/send/more",
        "/agents/status",
        "/accounts",
        "/accounts/definition/",
        "/relay/permission/a/b/send/more",
        "/secondary-account/password/set-request",
    ] {
        site.get(path).await.rejected(404, "EMULATOR_UNKNOWN_PATH");
    }
    for (method, path, allowed) in [
        (Method::DELETE, "/agent/status", "GET"),
        (Method::GET, "/agent/disconnection", "POST"),
        (Method::PATCH, "/connections/definition", "GET, POST"),
        (Method::POST, "/connections/definition/id1", "GET, PUT, DELETE"),
        // Removed in the vendor's guide 3.0.9.
        (Method::POST, "/secondary-account/definition", "GET"),
        (Method::PUT, "/secondary-account/definition/s1", "GET, DELETE"),
    ] {
        let response = site.send(request(method, path, "")).await;
        response.rejected(405, "EMULATOR_METHOD_NOT_ALLOWED");
        assert_eq!(response.0.headers()[ALLOW], allowed);
    }
}

#[tokio::test]
async fn a_body_is_a_json_object_of_known_members() {
    let site = Site::new();
    for (method, path, _) in operations() {
        let reads_no_body = path.starts_with("/dclient/user-guide");
        if method != Method::POST || reads_no_body {
            continue;
        }
        for body in ["", "x", "[]", "null", r#"{"a":1"#, r#"{"memo":"\ud800"}"#] {
            let response = site.send(request(method.clone(), &path, body)).await;
            response.rejected(400, "EMULATOR_INVALID_BODY");
        }
        for content_type in ["", "text/plain", "application/jsonp"] {
            let mut request = request(method.clone(), &path, "{}");
            request.headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
            let body = site.send(request).await.rejected(400, "EMULATOR_INVALID_BODY");
            assert!(body["message"].as_str().unwrap().contains("content type"), "{path}: {body}");
        }
    }
}

#[tokio::test]
async fn beyond_a_hundred_requests_a_minute_the_contract_is_blocked_for_ten_minutes() {
    let site = Site::new();
    site.hulft.rate_limit(Some(100));
    site.hulft.add_api_key("other", Scope::ALL);
    for _ in 0..100 {
        assert_eq!(site.get("/service/status").await.status(), 200);
    }
    let mut other = request(Method::GET, "/service/status", "");
    other.headers.insert(AUTHORIZATION, "Bearer other".parse().unwrap());
    let before = OffsetDateTime::from(site.clock.now());
    let response = site.send(other).await;
    // The keys share one limit.
    response.rejected(429, "EMULATOR_RATE_LIMITED");
    let retry_after = response.0.headers()[RETRY_AFTER].to_str().unwrap();
    assert!(retry_after.ends_with(" GMT"), "{retry_after}");
    let end = OffsetDateTime::parse(retry_after, &Rfc2822).unwrap();
    let wait = Duration::try_from(end - before).unwrap();
    assert!((Duration::from_secs(600)..Duration::from_secs(602)).contains(&wait), "{wait:?}");

    site.clock.advance(Duration::from_secs(590));
    assert_eq!(site.get("/service/status").await.status(), 429);
    let left = Duration::try_from(end - OffsetDateTime::from(site.clock.now())).unwrap();
    site.clock.advance(left);
    assert_eq!(site.get("/service/status").await.status(), 200, "who comes back at that time is let in");
}

#[tokio::test]
async fn a_new_contract_has_the_limit_of_a_hundred_requests() {
    let hulft = Hulft::new(Clock::new(), false);
    for _ in 0..100 {
        assert_eq!(hulft.respond(&request(Method::GET, "/service/status", "")).await.status(), 200);
    }
    assert_eq!(hulft.respond(&request(Method::GET, "/service/status", "")).await.status(), 429);
}

#[tokio::test]
async fn the_rate_limit_can_be_changed_and_switched_off() {
    let site = Site::new();
    site.hulft.rate_limit(Some(1));
    assert_eq!(site.get("/service/status").await.status(), 200);
    assert_eq!(site.get("/service/status").await.status(), 429);
    site.hulft.rate_limit(None);
    for _ in 0..200 {
        assert_eq!(site.get("/service/status").await.status(), 200);
    }
}

#[tokio::test]
async fn an_unknown_id_in_a_path_is_not_found_by_a_change_and_empty_to_a_get() {
    let site = Site::new();
    for (method, path, _) in operations() {
        let response = site.send(request(method.clone(), &path, "{}")).await;
        if method == Method::PUT || method == Method::DELETE {
            response.rejected(404, "EMULATOR_NOT_FOUND");
        } else if method == Method::GET && path != "/service/status" {
            response.is_empty(204);
        }
    }
}

#[tokio::test]
async fn ids_in_paths_must_be_well_formed() {
    let site = Site::new();
    for resource in ["accounts/definition", "browser-transfer-groups", "dclient/definition"] {
        for id in ["short", "0123456789abcdef0123456789abcdef0", "01234567-89ab-cdef-0123-456789ab"] {
            let path = format!("/{resource}/{id}");
            site.get(&path).await.rejected(400, "EMULATOR_INVALID_PARAMETER");
            site.put(&path, json!({})).await.rejected(400, "EMULATOR_INVALID_PARAMETER");
            site.delete(&path).await.rejected(400, "EMULATOR_INVALID_PARAMETER");
        }
    }
    site.post("/dclient/user-guide/mail-request/short", json!({}))
        .await
        .rejected(400, "EMULATOR_INVALID_PARAMETER");
}
