//! Irregular values: other forms than documented, unknown values, and members that are missing or null. All of them are read;
//! values are written as in the vendor's examples.

use hulft_webconnect::{
    AccessDenial, Account, AccountStatus, Agent, BrowserTransferGroup, ClientType, Connection, DClient,
    Direction, Health, IpFilterGroup, Page, RelayLog, RelayPermission, Row, ServiceStatus, TransferStatus,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read<T: DeserializeOwned>(value: Value) -> T {
    let text = value.to_string();
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn write(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn booleans_are_read_as_booleans_and_as_texts() {
    for (wire, enabled) in [
        (json!(true), true),
        (json!("true"), true),
        (json!("True"), true),
        (json!(false), false),
        (json!("false"), false),
        (json!(""), false),
        (json!(null), false),
    ] {
        let permission: RelayPermission = read(json!({"enabled": wire}));
        let group: BrowserTransferGroup = read(json!({"enabled": wire}));
        assert_eq!((permission.enabled, group.enabled), (enabled, enabled), "{wire}");
        assert_eq!(write(&permission)["enabled"], if enabled { "true" } else { "false" });
        assert_eq!(write(&group)["enabled"], enabled);
    }
    for neither in [json!("yes"), json!(2), json!([])] {
        assert!(serde_json::from_value::<RelayPermission>(json!({"enabled": neither})).is_err(), "{neither}");
    }
}

#[test]
fn numbers_are_read_as_numbers_and_as_texts() {
    for (days, status) in [(json!(30), json!(1)), (json!("30"), json!("1"))] {
        let account: Account = read(json!({"passwordValidityPeriod": days, "statusCode": status}));
        assert_eq!((account.password_validity_days, &account.status), (30, &AccountStatus::InUse));
        assert_eq!(write(&account)["passwordValidityPeriod"], 30);
        assert_eq!(write(&account)["statusCode"], 1);
    }
    for size in [json!("60"), json!(60)] {
        let log: RelayLog = read(json!({"dataSize": size, "status": 2}));
        assert_eq!((log.data_size.as_u64(), &log.status), (Some(60), &TransferStatus::Failed));
        assert_eq!(write(&log)["dataSize"], "60");
    }
    for status in [json!(9), json!("9")] {
        let status: ServiceStatus = read(json!({"totalStatus": status}));
        assert_eq!(status.total_status, Health::PerformanceIssues);
    }
}

#[test]
fn values_that_are_new_are_kept() {
    let connection: Connection = read(json!({"connectableClientType": ["hulft", "satellite"]}));
    assert_eq!(connection.client_types, [ClientType::Hulft, ClientType::Other("satellite".into())]);
    assert_eq!(write(&connection)["connectableClientType"], json!(["hulft", "satellite"]));
    let account: Account = read(json!({"statusCode": 17, "novelty": {"a": [1]}}));
    assert_eq!(account.status, AccountStatus::Other("17".into()));
    assert_eq!(write(&account)["statusCode"], 17);
    let log: RelayLog = read(json!({"status": "0", "dataSize": "-", "startTime": "just now"}));
    assert_eq!(
        (log.status.as_str(), log.data_size.as_str(), log.start_time.as_str()),
        ("0", "-", "just now")
    );
    assert_eq!(read::<Agent>(json!({"direction": "both"})).direction, Direction::Other("both".into()));
}

#[test]
fn a_missing_group_and_a_null_group_are_no_group() {
    for wire in [json!({"connectionId": "id1"}), json!({"connectionId": "id1", "ipFilterGroupName": null})] {
        let connection: Connection = read(wire);
        assert_eq!((connection.connection_id.as_str(), connection.ip_filter_group_name), ("id1", None));
    }
}

#[test]
fn null_is_read_as_the_default_everywhere() {
    fn all_null<T: Row + Default + PartialEq + std::fmt::Debug>() {
        let Value::Object(members) = write(&T::default()) else { panic!("a row is an object") };
        let nulls: Value = members.keys().map(|name| (name.clone(), Value::Null)).collect();
        assert_eq!(read::<T>(nulls), T::default());
    }
    all_null::<AccessDenial>();
    all_null::<Account>();
    all_null::<Agent>();
    all_null::<BrowserTransferGroup>();
    all_null::<Connection>();
    all_null::<DClient>();
    all_null::<IpFilterGroup>();
    all_null::<RelayLog>();
    all_null::<RelayPermission>();
    all_null::<hulft_webconnect::BrowserToHulftDefinition>();
    all_null::<hulft_webconnect::HulftToBrowserDefinition>();
    all_null::<hulft_webconnect::SecondaryAccount>();
}

#[test]
fn a_single_string_is_read_as_a_list_of_one() {
    assert_eq!(read::<IpFilterGroup>(json!({"allowlist": "192.0.2.1"})).allowed, ["192.0.2.1"]);
    assert_eq!(read::<Agent>(json!({"connectionId": "id1"})).connection_ids, ["id1"]);
    assert!(read::<AccessDenial>(json!({"connectionId": ""})).connection_ids.is_empty());
}

#[test]
fn a_limit_is_read_as_number_and_as_object() {
    let page: Page<Connection> = read(json!({"limit": {"connectionIdLimit": 10}}));
    assert_eq!(page.limit, Some(10));
    assert_eq!(write(&page)["limit"], json!({"connectionIdLimit": 10}));
    assert_eq!(read::<Page<Connection>>(json!({"limit": 10})).limit, Some(10));
    let page: Page<Account> = read(json!({"limit": 10_000, "accounts": null, "totalSize": "5"}));
    assert_eq!((page.limit, page.total_size, page.rows.len()), (Some(10_000), 5, 0));
    assert_eq!(write(&page)["limit"], 10_000);
    assert_eq!(write(&Page::<Account>::default()).get("limit"), None);
}

#[test]
fn a_value_of_another_json_type_is_read_where_its_text_is_readable() {
    let agent: Agent =
        read(json!({"agentId": 5, "sessionId": 7.5, "endpoint": true, "connectionId": ["a", 1],
        "willBeClosed": 1, "supportingDisconnectApi": "0", "startConnection": 20160630}));
    assert_eq!(
        (agent.agent_id.as_str(), agent.session_id.as_str(), agent.endpoint.as_str()),
        ("5", "7.5", "true")
    );
    assert_eq!((agent.connection_ids.join(","), agent.start_connection.as_str()), ("a,1".into(), "20160630"));
    assert!(agent.will_be_closed && !agent.supports_disconnection);

    for (days, number) in [(json!(30.0), 30), (json!("30.0"), 30), (json!(" 30 "), 30), (json!(0.0), 0)] {
        assert_eq!(read::<Account>(json!({"passwordValidityPeriod": days})).password_validity_days, number);
    }
    for odd in [
        json!(30.5),
        json!("30.5"),
        json!(-1),
        json!(1e30),
        json!("1e3x"),
        json!(true),
        json!("NaN"),
        json!([]),
    ] {
        let account = json!({"passwordValidityPeriod": odd});
        assert!(serde_json::from_value::<Account>(account).is_err(), "{odd}");
    }
    let account: Account = read(json!({"statusCode": 1.0, "ipFilterGroupName": 12, "memo": 3}));
    assert_eq!((account.status, account.memo.as_str()), (AccountStatus::InUse, "3"));
    assert_eq!(account.ip_filter_group_name.as_deref(), Some("12"));

    let log: RelayLog = read(json!({"dataSize": 60.0, "transferRate": "60.0", "dataSizeOnRoute": u64::MAX}));
    assert_eq!((log.data_size.as_u64(), log.data_size.as_str()), (Some(60), "60"));
    assert_eq!((log.transfer_rate.as_u64(), log.data_size_on_route.as_u64()), (Some(60), Some(u64::MAX)));

    let connection: Connection = read(json!({"connectableClientType": "hulft"}));
    assert_eq!(connection.client_types, [ClientType::Hulft]);
    let page: Page<Account> =
        read(json!({"totalSize": 2.0, "fetchSize": "2.0", "limit": 10.0, "accounts": []}));
    assert_eq!((page.total_size, page.fetch_size, page.limit), (2, 2, Some(10)));
}

#[test]
fn every_text_is_read_from_a_number_and_a_boolean() {
    fn readable<T: Row + Default>() {
        let Value::Object(members) = write(&T::default()) else { panic!("a row is an object") };
        for (name, value) in members {
            if value.is_string() || value.is_null() && !["account"].contains(&name.as_str()) {
                for other in [json!(1), json!(1.0), json!("1"), json!(true)] {
                    read::<T>(json!({name.as_str(): other}));
                }
            }
        }
    }
    readable::<AccessDenial>();
    readable::<Account>();
    readable::<Agent>();
    readable::<BrowserTransferGroup>();
    readable::<Connection>();
    readable::<DClient>();
    readable::<IpFilterGroup>();
    readable::<RelayLog>();
    readable::<RelayPermission>();
    readable::<hulft_webconnect::BrowserToHulftDefinition>();
    readable::<hulft_webconnect::HulftToBrowserDefinition>();
    readable::<hulft_webconnect::SecondaryAccount>();
}
