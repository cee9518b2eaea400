//! Which responses count as a success: those that look like the service's. A page of a proxy, a login page, and JSON of
//! another shape are errors; a missing body is one only where the caller needs a value.

use std::sync::Arc;

use http::Response;
use hulft_webconnect::{ClientType, Direction, ErrorKind, IpAddressError, RetryOptions, SiteClient};
use service_core::testing::ScriptedTransport;

const UUID: &str = "0123456789abcdef0123456789abcdef";
const HTML: &str = "<!DOCTYPE html><html><title>Sign in</title></html>";
const BOM: &str = "\u{feff}";

fn scripted() -> (ScriptedTransport, SiteClient) {
    let script = ScriptedTransport::new();
    let site = SiteClient::builder("planted-key").transport(Arc::new(script.clone()));
    (script, site.retry(RetryOptions::none()).build().unwrap())
}

/// Calls for which the service documents a body.
macro_rules! with_value {
    ($site:expr, $check:expr) => {{
        let (site, check) = ($site, $check);
        check(site.accounts().get(UUID).await.map(drop));
        check(site.browser_transfer_groups().get(UUID).await.map(drop));
        check(site.browser_to_hulft().get("d").await.map(drop));
        check(site.hulft_to_browser().get("d").await.map(drop));
        check(site.connections().get("hq").await.map(drop));
        check(site.dclients().get(UUID).await.map(drop));
        check(site.ip_filter_groups().get("office").await.map(drop));
        check(site.relay_permissions().get("a", "b", &Direction::Send).await.map(drop));
        check(site.relay_logs().get("1").await.map(drop));
        check(site.relay_logs().list().page().await.map(drop));
        check(site.agents().list().page().await.map(drop));
        check(site.service_status().await.map(drop));
    }};
}

/// Calls that register or update something.
macro_rules! changes {
    ($site:expr, $check:expr) => {{
        let (site, check) = ($site, $check);
        check(site.accounts().register("a@example.com").await.map(drop));
        check(site.accounts().update(UUID).await.map(drop));
        check(site.browser_transfer_groups().register("g").await.map(drop));
        check(site.browser_transfer_groups().update(UUID).await.map(drop));
        check(site.browser_to_hulft().update("d").await.map(drop));
        check(site.hulft_to_browser().update("d").await.map(drop));
        check(site.connections().register("hq", "password", [ClientType::Hulft]).await.map(drop));
        check(site.connections().update("hq").await.map(drop));
        check(site.dclients().register("desk", "hq").await.map(drop));
        check(site.dclients().update(UUID).await.map(drop));
        check(site.ip_filter_groups().register("office", ["192.0.2.1"]).await.map(drop));
        check(site.ip_filter_groups().update("office").await.map(drop));
        check(site.relay_permissions().register("a", "b", Direction::Send).await.map(drop));
        check(site.relay_permissions().update("a", "b", &Direction::Send).await.map(drop));
    }};
}

/// Calls whose success has no body.
macro_rules! effects {
    ($site:expr, $check:expr) => {{
        let (site, check) = ($site, $check);
        check(site.accounts().delete(UUID).await);
        check(site.accounts().request_password_mail(UUID).await);
        check(site.agents().disconnect("s", "e").await);
        check(site.browser_transfer_groups().delete(UUID).await);
        check(site.browser_to_hulft().delete("d").await);
        check(site.hulft_to_browser().delete("d").await);
        check(site.connections().delete("hq").await);
        check(site.dclients().delete(UUID).await);
        check(site.dclients().request_mail(UUID).await);
        check(site.ip_filter_groups().delete("office").await);
        check(site.relay_permissions().delete("a", "b", &Direction::Send).await);
    }};
}

fn always(script: &ScriptedTransport, status: u16, content_type: Option<&str>, body: &str) {
    for _ in 0..20 {
        let mut response = Response::builder().status(status);
        if let Some(content_type) = content_type {
            response = response.header("content-type", content_type);
        }
        script.respond(response.body(body.to_owned()).unwrap());
    }
}

#[tokio::test]
async fn a_404_counts_as_absence_only_with_the_error_body_of_the_service() {
    let (script, site) = scripted();
    always(&script, 404, Some("application/json"), r#"{"code":"E1","message":"There is no such data."}"#);
    assert_eq!(site.accounts().get(UUID).await.unwrap(), None);
    assert_eq!(site.relay_logs().get("1").await.unwrap(), None);
    assert_eq!(site.relay_logs().list_by_transfer("1").all().await.unwrap(), []);
    for (content_type, body) in
        [(Some("text/html"), HTML), (None, HTML), (None, ""), (None, "{}"), (Some("application/json"), "[]")]
    {
        let (script, site) = scripted();
        always(&script, 404, content_type, body);
        for error in [
            site.accounts().get(UUID).await.unwrap_err(),
            site.relay_permissions().get("a", "b", &Direction::Send).await.unwrap_err(),
            site.relay_logs().list_by_transfer("1").page().await.unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.is_not_found()), (ErrorKind::Service, true), "{body}: {error}");
            assert!(error.to_string().contains("does not look like"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_success_of_another_shape_is_an_error_whose_outcome_is_unknown() {
    for (content_type, body, reason) in [
        (Some("text/html; charset=utf-8"), HTML, "its content type is text/html"),
        (Some("text/html"), "{}", "its content type is text/html"),
        (None, HTML, "its body is not a JSON object"),
        (Some("application/json"), "[]", "its body is not a JSON object"),
        (Some("application/json"), "null", "its body is not a JSON object"),
        (Some("application/json"), "{}", " is missing"),
        (Some("Application/JSON;charset=UTF-8"), r#"{"result":"ok"}"#, " is missing"),
    ] {
        let (script, site) = scripted();
        always(&script, 200, content_type, body);
        let check = |outcome: hulft_webconnect::Result<()>| {
            let error = outcome.expect_err(body);
            assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Decode, 200), "{error}");
            assert!(error.to_string().contains(reason) && error.outcome_unknown(), "{body}: {error}");
        };
        with_value!(&site, check);
        let (script, site) = scripted();
        always(&script, 200, content_type, body);
        changes!(&site, check);
    }
}

#[tokio::test]
async fn an_effect_is_a_success_without_a_body_and_an_error_with_a_login_page() {
    for (content_type, body) in [
        (None, ""),
        (Some("text/html"), ""),
        (Some("application/json"), "{}"),
        (Some("application/json"), r#"{"result":"ok"}"#),
    ] {
        let (script, site) = scripted();
        always(&script, 200, content_type, body);
        effects!(&site, |outcome: hulft_webconnect::Result<()>| outcome.expect(body));
    }
    for (content_type, body) in [
        (Some("text/html"), HTML),
        (None, HTML),
        (Some("application/json"), "[]"),
        (Some("application/json"), r#"{"code":"E1","message":"It failed."}"#),
    ] {
        let (script, site) = scripted();
        always(&script, 200, content_type, body);
        effects!(&site, |outcome: hulft_webconnect::Result<()>| {
            let error = outcome.expect_err(body);
            assert!(error.outcome_unknown() && error.to_string().contains("does not look like"), "{error}");
        });
    }
}

#[tokio::test]
async fn a_list_needs_its_total_and_its_rows() {
    for body in [r#"{"totalSize":0}"#, r#"{"status":[]}"#, r#"{"totalSize":1,"agents":[]}"#] {
        let (script, site) = scripted();
        always(&script, 200, None, body);
        let error = site.agents().list().page().await.unwrap_err().to_string();
        assert!(error.contains("`totalSize` is missing") || error.contains("`status` is missing"), "{error}");
    }
    let (script, site) = scripted();
    always(&script, 200, None, r#"{"totalSize":2,"accounts":[{"id":"a"},{"id":null}]}"#);
    let error = site.accounts().list().page().await.unwrap_err().to_string();
    assert!(error.contains("`accounts[1].id` is missing"), "{error}");
    let (script, site) = scripted();
    always(&script, 200, None, r#"{"totalSize":0,"accounts":[]}"#);
    assert_eq!(site.accounts().list().all().await.unwrap(), []);
}

#[tokio::test]
async fn a_byte_order_mark_before_json_is_skipped() {
    let (script, site) = scripted();
    let respond = |status: u16, body: &str| {
        script.respond(Response::builder().status(status).body(format!("{BOM}{body}")).unwrap());
    };
    respond(200, &format!(r#"{{"id":"{UUID}"}}"#));
    assert_eq!(site.accounts().get(UUID).await.unwrap().unwrap().id, UUID);
    respond(200, r#"{"totalSize":1,"logs":[{"processingId":"7"}]}"#);
    assert_eq!(site.relay_logs().list().page().await.unwrap().rows[0].processing_id, "7");
    respond(200, r#"{"totalSize":1,"logs":[{"processingId":"7"}]}"#);
    assert_eq!(site.relay_logs().get("7").await.unwrap().unwrap().processing_id, "7");
    respond(404, r#"{"code":"E1","message":"There is no such data."}"#);
    assert_eq!(site.accounts().get(UUID).await.unwrap(), None);
    respond(200, "");
    site.connections().delete("hq").await.unwrap();
    respond(200, r#"{"totalStatus":"0"}"#);
    site.service_status().await.unwrap();
    respond(400, r#"{"code":"E2","ipAddressError":[{"code":"E3","message":"m","index":1}]}"#);
    let error = site.ip_filter_groups().register("office", ["192.0.2.1"]).await.unwrap_err();
    assert_eq!(IpAddressError::from_error(&error)[0].index, 1);
}

#[tokio::test]
async fn a_change_without_a_body_in_the_response_is_a_success_without_a_value() {
    for (status, content_type, body) in
        [(200, None, ""), (201, Some("text/html"), ""), (204, None, ""), (200, Some("application/json"), BOM)]
    {
        let (script, site) = scripted();
        always(&script, status, content_type, body);
        changes!(&site, |outcome: hulft_webconnect::Result<()>| outcome.unwrap());
        assert_eq!(site.accounts().update(UUID).await.unwrap(), None);
    }
    let (script, site) = scripted();
    always(&script, 200, None, &format!(r#"{{"id":"{UUID}","memo":"m"}}"#));
    assert_eq!(site.accounts().update(UUID).await.unwrap().unwrap().memo, "m");
}

#[tokio::test]
async fn an_unreadable_value_is_named_with_its_row_and_field() {
    let agents = |index: &str, odd: &str| {
        let row = |id: u32, closed: &str| format!(r#"{{"agentId":"a{id}","willBeClosed":{closed}}}"#);
        let rows = [row(0, "true"), row(1, "1"), row(2, odd)].join(",");
        format!(r#"{{"totalSize":9,"startIndex":{index},"status":[{rows}]}}"#)
    };
    for (index, odd, text) in [
        ("6", r#""planted""#, "could not read `status[2].willBeClosed` (row 8 of the list): it is a string"),
        (r#""0""#, "[]", "could not read `status[2].willBeClosed` (row 2 of the list): it is a list"),
        ("null", "7", "could not read `status[2].willBeClosed` (row 2 of the list): it is a number"),
        ("[]", "true", "could not read `startIndex`: it is a list"),
    ] {
        let (script, site) = scripted();
        always(&script, 200, None, &agents(index, odd));
        let error = site.agents().list().page().await.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::Decode, false));
        assert!(!format!("{error:?}").contains("planted"), "values can be secrets: {error:?}");
    }
}

#[tokio::test]
async fn an_unreadable_value_of_a_single_item_is_named_with_its_path() {
    let (script, site) = scripted();
    let respond = |body: &str| {
        script.respond(Response::new(body.to_owned()));
    };
    respond(r#"{"browserToHulftDefinitionId":"d","hulft":{"hostName":"h","hulftReceivingPort":-1}}"#);
    let error = site.browser_to_hulft().get("d").await.unwrap_err().to_string();
    assert!(error.contains("could not read `hulft.hulftReceivingPort`: it is a number"), "{error}");
    respond(r#"{"id":"g","browserToHulftDefinitions":[{"id":"a"},{"id":{}}]}"#);
    let error = site.browser_transfer_groups().get(UUID).await.unwrap_err().to_string();
    assert!(error.contains("could not read `browserToHulftDefinitions[1].id`: it is an object"), "{error}");
    respond(r#"{"totalSize":2,"logs":[{"processingId":"7"},[]]}"#);
    let error = site.relay_logs().get("7").await.unwrap_err().to_string();
    assert!(error.contains("could not read `logs[1]` (row 1 of the list): it is a list"), "{error}");
    respond(r#"{"totalStatus":"0","totalSize":"many"}"#);
    let error = site.service_status().await.unwrap_err().to_string();
    assert!(error.contains("could not read `totalSize`: it is a string"), "{error}");
    respond(r#"{"id":"0123"#);
    let error = site.accounts().get(UUID).await.unwrap_err().to_string();
    assert!(error.contains("not valid JSON at line 1 column 11 of 11 bytes"), "{error}");
}
