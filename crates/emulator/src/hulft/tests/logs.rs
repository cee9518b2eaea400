//! The relay log and the log of denied accesses.

use std::time::SystemTime;

use super::*;

fn file_names(response: &Received) -> Vec<String> {
    response.column("logs", "fileName")
}

fn line(name: &str, seconds: u64) -> RelayLog {
    let start_time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    RelayLog { file_name: name.to_owned(), start_time, end_time: start_time, ..RelayLog::default() }
}

#[tokio::test]
async fn a_line_is_written_as_in_the_vendors_example() {
    let site = Site::new();
    site.hulft.add_relay_log(RelayLog::default());
    let expected = concat!(
        r#"{"totalSize":1,"fetchSize":1,"startIndex":0,"maxResults":1,"logs":[{"status":"1","#,
        r#""startTime":"2016-06-30 12:13:01.226","endTime":"2016-06-30 12:13:02.226","#,
        r#""senderConnectionId":"id1","senderAgentId":"agent1","senderHostName":"host1","#,
        r#""receiverConnectionId":"id2","receiverAgentId":"agent2","receiverHostName":"host2","#,
        r#""fileId":"FILEID1","fileName":"example","processingId":"CCC3D6B33DF4F42EA4734BD88519525A32","#,
        r#""dataSize":"60","dataSizeOnRoute":"60","transferRate":"60","#,
        r#""senderClientType":"hulft","receiverClientType":"data_transfer_api","#,
        r#""senderSecondaryAccount":"sender@example.com","receiverSecondaryAccount":"receiver@example.com"}]}"#
    );
    assert_eq!(site.get("/relay/log?maxResults=1").await.text(), expected);
    let one = site.get("/relay/log/CCC3D6B33DF4F42EA4734BD88519525A32?maxResults=1").await;
    assert_eq!(one.text(), expected, "a single one is a list too");
    site.get("/relay/log/CCC").await.is_empty(204);
    site.hulft.add_relay_log(RelayLog { result: RelayResult::Error, ..RelayLog::default() });
    assert_eq!(site.get("/relay/log").await.column("logs", "status"), ["2", "1"]);
}

#[tokio::test]
async fn unset_members_are_null() {
    let site = Site::new();
    site.hulft.add_relay_logs(1);
    let line = site.get("/relay/log").await.body(200)["logs"][0].clone();
    assert_eq!(
        (&line["senderSecondaryAccount"], &line["receiverSecondaryAccount"]),
        (&json!(null), &json!(null))
    );
}

#[tokio::test]
async fn the_transfer_that_started_last_comes_first() {
    let site = Site::new();
    for (name, seconds) in [("second", 200), ("third", 300), ("first", 100), ("fourth", 300)] {
        site.hulft.add_relay_log(line(name, seconds));
    }
    assert_eq!(file_names(&site.get("/relay/log").await), ["fourth", "third", "second", "first"]);
}

#[tokio::test]
async fn lines_are_found_by_file_id_sides_and_accounts() {
    let site = Site::new();
    let mut other = line("other", 100);
    other.file_id = "FILEID2".to_owned();
    (other.sender.connection_id, other.receiver.connection_id) = ("id2".to_owned(), "id1".to_owned());
    (other.sender.secondary_account, other.receiver.secondary_account) =
        (None, Some("x@example.com".to_owned()));
    site.hulft.add_relay_log(other);
    site.hulft.add_relay_log(line("example", 200));
    for (query, found) in [
        ("fileId=FILEID1", Some("example")),
        ("fileId=FILEID2", Some("other")),
        ("fileId=fileid1", None),
        ("senderConnectionId=id1", Some("example")),
        ("senderConnectionId=id2", Some("other")),
        ("receiverConnectionId=id1", Some("other")),
        ("senderSecondaryAccount=sender@example.com", Some("example")),
        ("receiverSecondaryAccount=x@example.com", Some("other")),
        ("fileId=FILEID1&senderConnectionId=id2", None),
        ("fileId=FILEID2&senderConnectionId=id2&receiverSecondaryAccount=", Some("other")),
    ] {
        let response = site.get(&format!("/relay/log?{query}")).await;
        match found {
            Some(name) => assert_eq!(file_names(&response), [name], "{query}"),
            None => response.is_empty(204),
        }
    }
    let blank = "senderConnectionId=&receiverConnectionId=&senderSecondaryAccount=&receiverSecondaryAccount=";
    assert_eq!(site.get(&format!("/relay/log?{blank}")).await.body(200)["totalSize"], 2);
    site.get("/relay/log?fileId=").await.rejected(400, "EMULATOR_INVALID_PARAMETER");
}

#[tokio::test]
async fn dates_are_days_of_the_zone_and_both_are_included() {
    let site = Site::new();
    // 2024-01-01 14:59:59 and 15:00:00 UTC, before and after midnight in Tokyo.
    site.hulft.add_relay_log(line("before", 1_704_121_199));
    site.hulft.add_relay_log(line("after", 1_704_121_200));
    for (query, found) in [
        ("from=20240101&to=20240101", &["after", "before"][..]),
        ("from=20240101", &["after", "before"]),
        ("to=20240101", &["after", "before"]),
        ("to=20231231", &[]),
        ("from=20240102", &[]),
        ("timezone=Asia/Tokyo&to=20240101", &["before"]),
        ("timezone=Asia/Tokyo&from=20240102", &["after"]),
        ("timezone=Asia/Tokyo&from=20240102&to=20240102", &["after"]),
    ] {
        for path in ["/relay/log", "/relay/log/CCC3D6B33DF4F42EA4734BD88519525A32"] {
            let response = site.get(&format!("{path}?{query}")).await;
            match found {
                [] => response.is_empty(204),
                names => assert_eq!(file_names(&response), names, "{query}"),
            }
        }
    }
    let response = site.get("/relay/log?timezone=Asia/Tokyo&maxResults=1").await;
    assert_eq!(response.column("logs", "startTime"), ["2024-01-02 00:00:00.000"]);
    assert_eq!(response.column("logs", "endTime"), ["2024-01-02 00:00:00.000"]);
}

#[tokio::test]
async fn generated_lines_are_always_the_same() {
    let (one, other) = (Site::new(), Site::new());
    one.hulft.add_relay_logs(12);
    other.hulft.add_relay_logs(5);
    other.hulft.add_relay_logs(7);
    let response = one.get("/relay/log").await;
    assert_eq!(response.text(), other.get("/relay/log").await.text());
    let times = response.column("logs", "startTime");
    assert_eq!(
        (times[11].as_str(), times[0].as_str()),
        ("2024-01-01 00:00:00.000", "2024-01-01 00:11:00.000")
    );
    assert_eq!(response.column("logs", "status").iter().filter(|status| *status == "2").count(), 1);
    let first = one.get("/relay/log/0000000000000000000000000000000001").await.body(200);
    assert_eq!(
        (&first["logs"][0]["fileId"], &first["logs"][0]["dataSize"]),
        (&json!("FILE1"), &json!("1000"))
    );
    assert_eq!(one.get("/relay/log?fileId=FILE1").await.body(200)["totalSize"], 3);
}

fn denial(denied: Denied, seconds: u64) -> AccessDenial {
    AccessDenial {
        denied,
        accessed_at: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        connection_type: "type".to_owned(),
        source_ip: "192.0.2.10".to_owned(),
        destination_endpoint: "service2.tokyo.webconnect.hulft.com".to_owned(),
        user_agent: "agent".to_owned(),
        denial_reason: "reason".to_owned(),
    }
}

#[tokio::test]
async fn a_denied_access_names_an_account_or_a_connection() {
    let site = Site::new();
    let connection_ids = vec!["abc".to_owned(), "xyz".to_owned()];
    let agent = Denied::Connection { connection_ids, agent_id: "agent1".to_owned() };
    site.hulft.add_access_denial(denial(agent, 1_704_121_199));
    let expected = concat!(
        r#"{"totalSize":1,"fetchSize":1,"startIndex":0,"maxResults":30,"accessDenialLogs":[{"loginAccount":null,"#,
        r#""accessedAt":"2024-01-01 14:59:59.000","connectionType":"type","sourceIp":"192.0.2.10","#,
        r#""destinationEndpoint":"service2.tokyo.webconnect.hulft.com","connectionId":["abc","xyz"],"#,
        r#""agentId":"agent1","userAgent":"agent","denialReason":"reason"}]}"#
    );
    assert_eq!(site.get("/access-denial/log").await.text(), expected);
    site.hulft.add_access_denial(denial(Denied::Login { account: "a@b.c".to_owned() }, 1_704_121_200));
    let newest = site.get("/access-denial/log").await.body(200)["accessDenialLogs"][0].clone();
    assert_eq!(
        [&newest["loginAccount"], &newest["connectionId"], &newest["agentId"]],
        [&json!("a@b.c"), &json!(null), &json!(null)]
    );
    let response = site.get("/access-denial/log?timezone=Asia/Tokyo&from=20240102").await;
    assert_eq!(response.column("accessDenialLogs", "accessedAt"), ["2024-01-02 00:00:00.000"]);
}
