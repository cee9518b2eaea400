//! Pages, their bounds, and their envelope, which all lists share.

use super::*;

/// A contract in which every list has rows.
fn site() -> Site {
    let site = Site::new();
    site.hulft.add_sample_data();
    site
}

const LISTS: [&str; 14] = [
    "/access-denial/log",
    "/accounts/definition",
    "/agent/status",
    "/agent/status/send",
    "/browser-transfer-groups",
    "/browser-transfer/definition/browser-to-hulft",
    "/browser-transfer/definition/hulft-to-browser",
    "/connections/definition",
    "/dclient/definition",
    "/ip-filter/group",
    "/relay/permission",
    "/relay/permission/hq/us1/send",
    "/relay/log",
    "/secondary-account/definition",
];

#[tokio::test]
async fn every_list_checks_the_bounds_of_the_query() {
    let site = site();
    for list in LISTS {
        for query in [
            "",
            "startIndex=0",
            "startIndex=10000",
            "maxResults=1",
            "maxResults=1000",
            "from=20200101&to=20200101",
            "from=&to=",
            "timezone=Asia/Tokyo",
            "timezone=Etc/GMT%2B9",
        ] {
            let response = site.get(&format!("{list}?{query}")).await;
            assert!(matches!(response.status(), 200 | 204), "{list}?{query}: {}", response.text());
        }
        for query in [
            "startIndex=-1",
            "startIndex=10001",
            "startIndex=",
            "maxResults=0",
            "maxResults=1001",
            "maxResults=%2B5",
            "maxResults=ten",
            "from=2024-01-01",
            "from=20240230",
            "from=%2B20240101",
            "from=2024011",
            "to=2024",
            "from=20240102&to=20240101",
            "timezone=",
            "timezone=Asia%20Tokyo",
            "timezone=Mars/Base",
        ] {
            site.get(&format!("{list}?{query}")).await.rejected(400, "EMULATOR_INVALID_PARAMETER");
        }
    }
}

#[tokio::test]
async fn every_list_is_in_its_envelope() {
    let site = site();
    for list in LISTS {
        let response = site.get(list).await;
        let body = response.body(200);
        let members: Vec<_> = body.as_object().unwrap().keys().collect();
        assert!((5..=6).contains(&members.len()), "{members:?}");
        let total = body["totalSize"].as_u64().unwrap();
        assert!(total > 0, "{list}");
        assert_eq!(body["fetchSize"], total.min(30));
        let start = format!(
            r#"{{"totalSize":{total},"fetchSize":{},"startIndex":0,"maxResults":30,""#,
            total.min(30)
        );
        assert!(response.text().starts_with(&start), "the order of the examples: {}", response.text());
        let behind = site.get(&format!("{list}?startIndex=10000&maxResults=1")).await.body(200);
        let envelope =
            ["totalSize", "fetchSize", "startIndex", "maxResults"].map(|name| behind[name].clone());
        assert_eq!(envelope.map(|value| value.as_u64().unwrap()), [total, 0, 10_000, 1], "{list}");
    }
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let site = Site::new();
    site.hulft.add_relay_logs(5);
    let names = |response: &Received| response.column("logs", "fileName");
    let page = site.get("/relay/log?startIndex=3&maxResults=3").await;
    assert_eq!(names(&page), ["file-1.dat", "file-0.dat"]);
    let body = page.json();
    let envelope = ["totalSize", "fetchSize", "startIndex", "maxResults"].map(|name| body[name].clone());
    assert_eq!(envelope, [5, 2, 3, 3]);
    assert_eq!(names(&site.get("/relay/log?maxResults=1").await), ["file-4.dat"]);
    assert!(names(&site.get("/relay/log?startIndex=5").await).is_empty());
}

#[tokio::test]
async fn rows_beyond_10999_are_out_of_reach() {
    let site = Site::new();
    site.hulft.add_relay_logs(11_001);
    let page = site.get("/relay/log?startIndex=10000&maxResults=1000").await;
    let body = page.body(200);
    assert_eq!((&body["totalSize"], &body["fetchSize"]), (&json!(11_001), &json!(1_000)));
    assert_eq!(body["logs"][999]["fileName"], "file-1.dat");
}
