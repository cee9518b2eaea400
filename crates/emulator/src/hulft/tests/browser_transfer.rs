//! Browser transfer settings of both kinds.

use super::*;

/// The two kinds, identified by the start of their names on the wire.
const KINDS: [&str; 2] = ["browserToHulft", "hulftToBrowser"];

pub(super) fn path(kind: &str) -> &'static str {
    match kind {
        "browserToHulft" => "/browser-transfer/definition/browser-to-hulft",
        _ => "/browser-transfer/definition/hulft-to-browser",
    }
}

/// The smallest valid registration.
pub(super) fn setting(kind: &str, id: &str, browser: &str, hulft: &str) -> Value {
    let mut body = json!({
        format!("{kind}DefinitionId"): id,
        "fileId": "FILEID1",
        "browser": {"connectionId": browser, "agentId": "agent1"},
        "hulft": {"connectionId": hulft, "agentId": "agent2", "hostName": "host"},
    });
    if kind == "hulftToBrowser" {
        body["browser"]["useReceiveFileName"] = json!("false");
    }
    body
}

async fn site() -> Site {
    Site::with_connections(&["id1", "id2"]).await
}

const EXAMPLES: [&str; 2] = [
    concat!(
        r#"{"browserToHulftDefinitionId":"browser1","description":"d","fileId":"FILEID1","memo":"m","#,
        r#""browser":{"connectionId":"id1","agentId":"agent1","hostName":"HWC-BROWSER"},"#,
        r#""hulft":{"connectionId":"id2","agentId":"agent2","hostName":"host","hulftReceivingPort":30000,"#,
        r#""msg0":"","msg1":"","msg2":"","msg3":"","msg4":"","msg5":"","msgl0":"","msgl1":""}}"#
    ),
    concat!(
        r#"{"hulftToBrowserDefinitionId":"browser1","description":"d","fileId":"FILEID1","memo":"m","#,
        r#""browser":{"connectionId":"id1","agentId":"agent1","hostName":"HWC-BROWSER","#,
        r#""useReceiveFileName":"true","receiveFileName":"file1"},"#,
        r#""hulft":{"connectionId":"id2","agentId":"agent2","hostName":"host","hulftRequestAcknowledgePort":31000,"#,
        r#""msg0":"","msg1":"","msg2":"","msg3":"","msg4":"","msg5":"","msgl0":"","msgl1":""}}"#
    ),
];

#[tokio::test]
async fn a_setting_is_registered_read_and_deleted_as_in_the_vendors_examples() {
    let site = site().await;
    for (kind, example) in KINDS.into_iter().zip(EXAMPLES) {
        let mut body = setting(kind, "browser1", "id1", "id2");
        (body["description"], body["memo"]) = (json!("d"), json!("m"));
        if kind == "hulftToBrowser" {
            body["browser"]["useReceiveFileName"] = json!("true");
            body["browser"]["receiveFileName"] = json!("file1");
        }
        let response = site.post(path(kind), body.clone()).await;
        assert_eq!((response.status(), response.text()), (201, example));
        let one = format!("{}/browser1", path(kind));
        assert_eq!(response.location(), Some(format!("http://site.example/api/v2{one}").as_str()));
        assert_eq!(site.get(&one).await.text(), example);
        let list = format!(
            r#"{{"totalSize":1,"fetchSize":1,"startIndex":0,"maxResults":30,"{kind}Definitions":[{example}]}}"#
        );
        assert_eq!(site.get(path(kind)).await.text(), list);
        site.post(path(kind), body).await.rejected(400, "E300003");
        site.delete(&one).await.is_empty(200);
        site.get(&one).await.is_empty(204);
        site.delete(&one).await.rejected(404, "EMULATOR_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_change_is_merged_into_the_nested_objects() {
    let site = site().await;
    for (kind, port) in KINDS.into_iter().zip(["hulftReceivingPort", "hulftRequestAcknowledgePort"]) {
        let before = site.post(path(kind), setting(kind, "a", "id1", "id2")).await.body(201);
        let one = format!("{}/a", path(kind));
        assert_eq!(site.put(&one, json!({})).await.body(200), before);
        assert_eq!(site.put(&one, json!({"browser": {}, "hulft": {}})).await.body(200), before);
        let change = json!({"memo": "new", "browser": {"agentId": "other"}, "hulft": {port: 1, "msg5": "five", "msgl1": "long"}});
        let mut expected = before;
        expected["memo"] = json!("new");
        expected["browser"]["agentId"] = json!("other");
        (expected["hulft"][port], expected["hulft"]["msg5"], expected["hulft"]["msgl1"]) =
            (json!(1), json!("five"), json!("long"));
        assert_eq!(site.put(&one, change).await.body(200), expected);
        assert_eq!(site.get(&one).await.body(200), expected);
    }
}

#[tokio::test]
async fn members_without_a_default_are_required() {
    let site = site().await;
    for kind in KINDS {
        let body = setting(kind, "a", "id1", "id2");
        let id = format!("{kind}DefinitionId");
        let mut members = vec![
            id.as_str(),
            "fileId",
            "browser",
            "browser.connectionId",
            "browser.agentId",
            "hulft",
            "hulft.connectionId",
            "hulft.agentId",
            "hulft.hostName",
        ];
        if kind == "hulftToBrowser" {
            members.push("browser.useReceiveFileName");
        }
        for member in members {
            site.post(path(kind), without(body.clone(), member)).await.rejects(member);
        }
        site.get(path(kind)).await.is_empty(204);
    }
}

#[tokio::test]
async fn every_field_must_follow_its_rule() {
    let site = site().await;
    for (kind, port, other_port) in [
        ("browserToHulft", "hulft.hulftReceivingPort", "hulft.hulftRequestAcknowledgePort"),
        ("hulftToBrowser", "hulft.hulftRequestAcknowledgePort", "hulft.hulftReceivingPort"),
    ] {
        let id = format!("{kind}DefinitionId");
        let body = setting(kind, "a", "id1", "id2");
        let text = |count| json!("m".repeat(count));
        for bad in [json!("n".repeat(33)), json!(".."), json!("a_b"), json!(""), json!(1)] {
            site.post(path(kind), with(body.clone(), &id, bad)).await.rejects(&id);
        }
        site.post(path(kind), body.clone()).await.body(201);
        site.post(path(kind), with(body.clone(), &id, json!("n".repeat(32)))).await.body(201);
        let one = format!("{}/a", path(kind));
        site.put(&one, json!({&id: "a"})).await.rejects(&id);
        for (member, at, above) in [
            ("description", text(256), text(257)),
            ("memo", text(256), text(257)),
            ("fileId", json!("F".repeat(50)), json!("F".repeat(51))),
            ("browser.agentId", text(25), text(26)),
            ("hulft.agentId", text(25), text(26)),
            ("hulft.hostName", text(25), text(26)),
            ("hulft.msg0", text(50), text(51)),
            ("hulft.msg5", text(50), text(51)),
            ("hulft.msgl0", text(200), text(201)),
            ("hulft.msgl1", text(200), text(201)),
            (port, json!(65_535), json!(65_536)),
            (port, json!(1), json!(0)),
        ] {
            let (at, above) = (with(json!({}), member, at), with(json!({}), member, above));
            assert_eq!(site.put(&one, at).await.status(), 200, "{member}");
            site.put(&one, above).await.rejects(member);
        }
        for (member, bad) in [
            ("fileId", json!("lower")),
            ("fileId", json!("")),
            ("description", json!(null)),
            ("browser", json!("x")),
            ("browser", json!(null)),
            ("hulft", json!([])),
            ("browser.connectionId", json!("seventeen-letters")),
            ("hulft.connectionId", json!("")),
            ("browser.hostName", json!("HWC-BROWSER")),
            (port, json!("30000")),
            (other_port, json!(30_000)),
        ] {
            site.put(&one, with(json!({}), member, bad.clone())).await.rejects(member);
            let new = with(with(body.clone(), &id, json!("b")), member, bad);
            site.post(path(kind), new).await.rejects(member);
        }
    }
}

#[tokio::test]
async fn connection_ids_have_to_be_registered() {
    let site = site().await;
    for kind in KINDS {
        let body = setting(kind, "a", "id1", "id2");
        site.post(path(kind), body.clone()).await.body(201);
        for member in ["browser.connectionId", "hulft.connectionId"] {
            let new =
                with(with(body.clone(), member, json!("id3")), &format!("{kind}DefinitionId"), json!("b"));
            site.post(path(kind), new).await.rejected(400, "EMULATOR_UNKNOWN_REFERENCE");
            let change = with(json!({}), member, json!("id3"));
            site.put(&format!("{}/a", path(kind)), change).await.rejected(400, "EMULATOR_UNKNOWN_REFERENCE");
        }
    }
}

#[tokio::test]
async fn only_send_requests_have_a_displayed_file_name() {
    let site = site().await;
    let file = setting("browserToHulft", "a", "id1", "id2");
    for member in ["browser.useReceiveFileName", "browser.receiveFileName"] {
        site.post(path("browserToHulft"), with(file.clone(), member, json!("true"))).await.rejects(member);
    }
    let requests = path("hulftToBrowser");
    let request = setting("hulftToBrowser", "a", "id1", "id2");
    for bad in [json!(true), json!("True"), json!("")] {
        let bad = with(request.clone(), "browser.useReceiveFileName", bad);
        site.post(requests, bad).await.rejects("browser.useReceiveFileName");
    }
    let nameless = with(request.clone(), "browser.useReceiveFileName", json!("true"));
    site.post(requests, nameless).await.rejects("browser.receiveFileName");
    let registered = site.post(requests, request).await.body(201);
    assert_eq!(registered["browser"]["receiveFileName"], "");
    let one = format!("{requests}/a");
    site.put(&one, json!({"browser": {"useReceiveFileName": "true"}}))
        .await
        .rejects("browser.receiveFileName");
    site.put(&one, json!({"browser": {"receiveFileName": "f".repeat(257)}}))
        .await
        .rejects("browser.receiveFileName");
    site.put(&one, json!({"browser": {"receiveFileName": "file1"}})).await.body(200);
    let changed = site.put(&one, json!({"browser": {"useReceiveFileName": "true"}})).await.body(200);
    assert_eq!(
        (&changed["browser"]["useReceiveFileName"], &changed["browser"]["receiveFileName"]),
        (&json!("true"), &json!("file1"))
    );
}

#[tokio::test]
async fn a_deleted_setting_is_no_longer_in_a_group() {
    let site = site().await;
    for kind in KINDS {
        site.post(path(kind), setting(kind, "a", "id1", "id2")).await.body(201);
    }
    let body =
        json!({"name": "g", "browserToHulftDefinitionIds": ["a"], "hulftToBrowserDefinitionIds": ["a"]});
    let group = site.post("/browser-transfer-groups", body).await.body(201);
    let group = format!("/browser-transfer-groups/{}", group["id"].as_str().unwrap());
    site.delete(&format!("{}/a", path("browserToHulft"))).await.is_empty(200);
    let body = site.get(&group).await.body(200);
    assert_eq!(body["browserToHulftDefinitions"], json!([]));
    assert_eq!(
        body["hulftToBrowserDefinitions"],
        json!([{"id": "a", "description": null}]),
        "of the other kind"
    );
}
