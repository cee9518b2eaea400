//! The status of the service's endpoints.

use super::*;

#[tokio::test]
async fn the_status_is_written_as_in_the_vendors_example() {
    let site = Site::new();
    let expected = concat!(
        r#"{"totalSize":4,"fetchSize":4,"startIndex":0,"maxResults":4,"totalStatus":"0","serviceStatus":["#,
        r#"{"region":"California","endpoint":"california-service1.webconnect.hulft.com","status":"0"},"#,
        r#"{"region":"Tokyo","endpoint":"service2.tokyo.webconnect.hulft.com","status":"0"}],"dataTransferSiteStatus":["#,
        r#"{"region":"California","endpoint":"california-ap.webconnect.hulft.com","status":"0"},"#,
        r#"{"region":"Tokyo","endpoint":"service-ap.tokyo.webconnect.hulft.com","status":"0"}]}"#
    );
    assert_eq!(site.get("/service/status").await.text(), expected);
}

#[tokio::test]
async fn the_total_is_the_worst_of_all() {
    let site = Site::new();
    let total = async || site.get("/service/status").await.body(200)["totalStatus"].clone();
    let tokyo = "service2.tokyo.webconnect.hulft.com";
    assert!(site.hulft.set_service_status(tokyo, EndpointStatus::PerformanceIssues));
    assert_eq!(total().await, "9");
    assert!(site.hulft.set_service_status("california-ap.webconnect.hulft.com", EndpointStatus::Disrupted));
    assert_eq!(total().await, "1");
    let body = site.get("/service/status").await.body(200);
    assert_eq!(
        (&body["serviceStatus"][1]["status"], &body["dataTransferSiteStatus"][0]["status"]),
        (&json!("9"), &json!("1"))
    );
    assert!(site.hulft.set_service_status("california-ap.webconnect.hulft.com", EndpointStatus::Normal));
    assert_eq!(total().await, "9");
    assert!(!site.hulft.set_service_status("elsewhere", EndpointStatus::Disrupted));
}
