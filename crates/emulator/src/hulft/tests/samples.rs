//! The sample contract that a test may start with.

use super::*;

#[test]
fn the_sample_agents_have_both_directions_and_one_old_version() {
    let site = Site::new();
    site.hulft.add_sample_agents();
    let agents = site.hulft.agents();
    let count = |direction| agents.iter().filter(|agent| agent.agent.direction == direction).count();
    assert_eq!((count(Direction::Send), count(Direction::Receive)), (2, 2));
    assert_eq!(agents.iter().filter(|agent| agent.agent.agent_version.as_str() < "1.2").count(), 1);
    assert_eq!(site.hulft.api_key().len(), 32);
}

#[tokio::test]
async fn the_sample_relay_logs_are_of_today() {
    let site = Site::new();
    let start = site.clock.now();
    site.hulft.add_sample_data();
    site.hulft.add_relay_logs_until(3, start);
    let day = |time| OffsetDateTime::from(time).date().to_string().replace('-', "");
    let (from, to) = (day(start - Duration::from_secs(3600)), day(site.clock.now()));
    let list = site.get(&format!("/relay/log?timezone=UTC&from={from}&to={to}")).await.body(200);
    assert_eq!(list["totalSize"], 53);
}

/// If a registration would reject a sample, the sample contract could not exist.
#[tokio::test]
async fn all_samples_follow_the_rules_of_registration() {
    let samples = Site::new();
    samples.hulft.add_sample_data();
    for (path, list, id, unchangeable) in [
        ("/connections/definition", "definitions", "connectionId", &["connectionId"][..]),
        ("/ip-filter/group", "ipFilter", "ipFilterGroupName", &["ipFilterGroupName"]),
        (
            "/dclient/definition",
            "dclients",
            "id",
            &["id", "dclientId", "account", "clientVersion", "connectionStatus"],
        ),
        (
            "/browser-transfer-groups",
            "browserTransferGroups",
            "id",
            &["id", "account", "browserToHulftDefinitions", "hulftToBrowserDefinitions"],
        ),
        ("/accounts/definition", "accounts", "id", &["id", "statusCode", "isVerifiedMailAddress"]),
        (
            "/browser-transfer/definition/browser-to-hulft",
            "browserToHulftDefinitions",
            "browserToHulftDefinitionId",
            &["browserToHulftDefinitionId", "browser.hostName"],
        ),
        (
            "/browser-transfer/definition/hulft-to-browser",
            "hulftToBrowserDefinitions",
            "hulftToBrowserDefinitionId",
            &["hulftToBrowserDefinitionId", "browser.hostName"],
        ),
    ] {
        let rows = samples.get(path).await.body(200)[list].clone();
        for row in rows.as_array().unwrap() {
            let one = format!("{path}/{}", row[id].as_str().unwrap());
            let mut body = unchangeable.iter().fold(row.clone(), |body, member| without(body, member));
            // The only member that is null in a response but not in a body.
            body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            let changed = samples.put(&one, body).await.body(200);
            assert_eq!(samples.get(&one).await.body(200), changed);
        }
    }
    let permissions = samples.get("/relay/permission").await.body(200)["permission"].clone();
    for row in permissions.as_array().unwrap() {
        let [own, remote, way] =
            ["connectionId", "remoteConnectionId", "direction"].map(|name| row[name].as_str().unwrap());
        samples.delete(&format!("/relay/permission/{own}/{remote}/{way}")).await.is_empty(200);
        samples.post("/relay/permission", row.clone()).await.body(201);
    }
}

#[tokio::test]
async fn sample_data_keeps_what_is_registered_already() {
    let site = Site::with_connections(&["hq"]).await;
    let body = json!({"mailAddress": "browser.user@example.com", "memo": "mine"});
    site.post("/accounts/definition", body).await.body(201);
    site.hulft.add_sample_data();
    site.hulft.add_sample_data();
    let accounts = site.get("/accounts/definition").await;
    assert_eq!(accounts.column("accounts", "memo"), ["mine", ""]);
    assert_eq!(site.get("/connections/definition").await.body(200)["totalSize"], 6);
    assert_eq!(site.get("/secondary-account/definition").await.body(200)["totalSize"], 1);
    assert_eq!(site.hulft.connection_password("hq").as_deref(), Some("password"));
}
