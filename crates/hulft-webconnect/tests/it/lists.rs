//! Lists: which pages are requested, where lists end, and what ends them early.

use std::time::Duration;

use crate::common::Service;
use futures_util::StreamExt;
use hulft_webconnect::{Date, Pager, RelayLog, Result, RetryOptions, TimeZone};

fn rows(logs: &[RelayLog]) -> Vec<u64> {
    logs.iter().map(|log| log.processing_id.parse().unwrap()).collect()
}

/// Takes all rows, and checks that the list remains at its end.
async fn walk(mut list: Pager<RelayLog>) -> (Vec<u64>, Option<String>) {
    let (mut logs, mut error) = (Vec::new(), None);
    while let Some(row) = list.next().await {
        match row {
            Ok(log) => logs.push(log),
            Err(failure) => error = Some(failure.to_string()),
        }
    }
    assert!(list.next().await.is_none(), "the end is the end");
    (rows(&logs), error)
}

#[tokio::test]
async fn every_row_is_returned_once_for_any_page_size() {
    for (total, size, requests) in
        [(0, 30, 1), (1, 1, 1), (29, 30, 1), (30, 30, 1), (31, 30, 2), (2_000, 1_000, 2), (2_001, 999, 3)]
    {
        let (service, site) = Service { rows: total, ..Service::default() }.client();
        let (seen, error) = walk(site.relay_logs().list().page_size(size)).await;
        assert_eq!((seen, error), ((0..total).collect(), None), "{total} rows by {size}");
        assert_eq!(service.sent().len(), requests, "{total} rows by {size}");
    }
}

#[tokio::test]
async fn rows_out_of_reach_are_an_error_after_all_rows_within_reach() {
    for (size, requests) in [(1_000, 11), (999, 12), (700, 16), (30, 367)] {
        let (service, site) = Service { rows: 11_001, limited: false, ..Service::default() }.client();
        let (seen, error) = walk(site.relay_logs().list().page_size(size)).await;
        assert_eq!(seen, (0..11_000).collect::<Vec<_>>(), "pages of {size}");
        let error = error.unwrap();
        assert!(error.contains("narrow it by date with `from` and `to`, got \"11001 rows\""), "{error}");
        assert_eq!(service.sent().len(), requests, "pages of {size}: no page out of reach is requested");
    }
}

#[tokio::test]
async fn a_list_that_ends_within_reach_has_no_error() {
    let (service, site) = Service { rows: 11_000, ..Service::default() }.client();
    let (seen, error) = walk(site.relay_logs().list()).await;
    assert_eq!((seen.len(), error, service.sent().len()), (11_000, None, 11));
}

#[tokio::test]
async fn the_last_possible_start_is_within_bounds() {
    let (service, site) = Service { rows: 20_000, ..Service::default() }.client();
    let (seen, error) = walk(site.relay_logs().list().start_index(10_000).page_size(1_000)).await;
    assert_eq!(seen, (10_000..11_000).collect::<Vec<_>>());
    assert!(error.is_some());
    assert_eq!(service.queries(), ["startIndex=10000&maxResults=1000"]);
}

#[tokio::test]
async fn pages_that_are_shorter_than_asked_for_do_not_end_a_list() {
    let (_, site) = Service { rows: 100, page_cap: 7, ..Service::default() }.client();
    assert_eq!(walk(site.relay_logs().list()).await, ((0..100).collect(), None));
}

#[tokio::test]
async fn a_list_that_matches_nothing_is_one_page_without_rows() {
    let (_, site) = Service { status: |_| 204, ..Service::default() }.client();
    let mut pages = site.relay_logs().list().pages();
    let page = pages.next().await.unwrap().unwrap();
    assert_eq!((page.total_size, page.rows.len()), (0, 0));
    assert!(pages.next().await.is_none());
    assert_eq!(site.relay_logs().list().all().await.unwrap(), []);
    assert_eq!(site.relay_logs().get("none").await.unwrap(), None);
}

#[tokio::test]
async fn pages_contain_totals_and_their_position() {
    let (service, site) = Service { rows: 65, ..Service::default() }.client();
    let pages: Vec<Result<_>> = site.relay_logs().list().page_size(30).pages().collect().await;
    let summaries: Vec<_> = pages.into_iter().map(Result::unwrap).collect();
    let summaries: Vec<_> =
        summaries.iter().map(|page| (page.total_size, page.start_index, page.rows.len())).collect();
    assert_eq!(summaries, [(65, 0, 30), (65, 30, 30), (65, 60, 5)]);
    let first = site.relay_logs().list().start_index(60).page_size(10).page().await.unwrap();
    assert_eq!((first.total_size, first.rows.len(), service.sent().len()), (65, 5, 4));
}

#[tokio::test]
async fn a_list_is_a_stream_of_rows() {
    let (service, site) = Service { rows: 50, ..Service::default() }.client();
    let logs: Vec<_> = site.relay_logs().list().page_size(20).take(21).collect().await;
    let logs: Vec<_> = logs.into_iter().map(Result::unwrap).collect();
    assert_eq!(rows(&logs), (0..21).collect::<Vec<_>>());
    assert_eq!(service.sent().len(), 2, "the third page was not needed");
}

#[tokio::test]
async fn rows_that_are_left_are_given_behind_those_that_were_taken() {
    let (service, site) = Service { rows: 50, ..Service::default() }.client();
    let mut list = site.relay_logs().list().page_size(20);
    for row in 0..3 {
        assert_eq!(list.next().await.unwrap().unwrap().processing_id, row.to_string());
    }
    assert_eq!(rows(&list.all().await.unwrap()), (3..50).collect::<Vec<_>>());
    assert_eq!(service.sent().len(), 3);
}

#[tokio::test]
async fn a_failed_page_ends_the_list() {
    let status = |number| if number == 1 { 400 } else { 200 };
    let (service, site) = Service { rows: 100, status, ..Service::default() }.client();
    let (seen, error) = walk(site.relay_logs().list().page_size(30)).await;
    assert_eq!(seen, (0..30).collect::<Vec<_>>());
    assert!(error.unwrap().starts_with("ListRelayLogs: 400"));
    assert_eq!(service.sent().len(), 2);
}

#[tokio::test]
async fn search_conditions_go_with_every_page_and_name_the_zone_of_its_times() {
    let (service, site) = Service { rows: 3, ..Service::default() }.client();
    let list = site.relay_logs().list().page_size(2).time_zone(TimeZone::new("Asia/Tokyo").unwrap());
    let day = Date::new(2024, 2, 29).unwrap();
    let logs = list.from(day).to(day).sender_connection_id("a&b=c").all().await.unwrap();
    let expected = |start| {
        format!(
            "timezone=Asia%2FTokyo&senderConnectionId=a%26b%3Dc&startIndex={start}&maxResults=2&from=20240229&to=20240229"
        )
    };
    assert_eq!(service.queries(), [expected(0), expected(2)]);
    assert!(logs.iter().all(|log| log.start_time.time_zone().as_str() == "Asia/Tokyo"));
}

#[tokio::test]
async fn settings_of_calls_hold_for_every_page() {
    let (service, site) = Service { rows: 3, ..Service::default() }.client();
    let list = site.relay_logs().list().page_size(2).header("x-trace", "t1").retry(RetryOptions::none());
    list.deadline(Duration::from_secs(5)).attempt_timeout(Duration::from_secs(5)).all().await.unwrap();
    let requests = std::mem::take(&mut service.seen.lock().unwrap().requests);
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.headers()["x-trace"] == "t1"));
    let (service, site) = Service { status: |_| 500, ..Service::default() }.client();
    site.relay_logs().list().retry(RetryOptions::none()).all().await.unwrap_err();
    assert_eq!(service.sent().len(), 1);
}

#[tokio::test]
async fn bad_arguments_are_the_only_item_and_nothing_is_sent() {
    let (service, site) = Service { rows: 3, ..Service::default() }.client();
    let (early, late) = (Date::new(2024, 1, 1).unwrap(), Date::new(2024, 1, 2).unwrap());
    let logs = site.relay_logs();
    for (list, rule) in [
        (logs.list().page_size(0), "maxResults must be between 1 and 1000, got \"0\""),
        (logs.list().page_size(1_001), "maxResults must be between 1 and 1000, got \"1001\""),
        (logs.list().start_index(10_001), "startIndex must be between 0 and 10000, got \"10001\""),
        (logs.list().from(late).to(early), "from must not be after `to`, 2024-01-01, got \"2024-01-02\""),
        (logs.list().header("bad name", "x"), "header has an invalid name"),
        (logs.list_by_file(" "), "file id must not be empty"),
        (logs.list_by_transfer(".."), "must not be a dot segment"),
        (logs.list_by_transfer("t").sender_connection_id("c"), "is not a parameter of this operation"),
    ] {
        let (seen, error) = walk(list).await;
        let error = error.unwrap();
        assert!(seen.is_empty() && error.contains(rule), "{error}");
    }
    assert_eq!(service.sent().len(), 0);
}

/// The rows of a page, regardless of the request.
fn page(total: u64, start: u64, rows: std::ops::Range<u64>) -> String {
    let rows: Vec<_> = rows.map(|row| serde_json::json!({"processingId": row.to_string()})).collect();
    serde_json::json!({"totalSize": total, "startIndex": start, "logs": rows}).to_string()
}

#[tokio::test]
async fn a_page_that_does_not_advance_ends_the_list_with_an_error() {
    for (second, text) in [
        (page(9, 3, 3..3), "the page at row 3 is empty, although the list has 9 rows"),
        (page(0, 3, 3..3), "the page at row 3 is empty, although the list has 9 rows"),
        (String::new(), "the page at row 3 is empty, although the list has 9 rows"),
        (page(9, 0, 0..3), "the page begins at row 0 instead of row 3"),
        (page(9, 6, 6..9), "the page begins at row 6 instead of row 3"),
        (page(9, 3, 0..3), "the page at row 3 repeats the rows of the previous page"),
    ] {
        let script = service_core::testing::ScriptedTransport::new();
        let site = hulft_webconnect::SiteClient::builder("planted-key")
            .transport(std::sync::Arc::new(script.clone()))
            .build()
            .unwrap();
        script.respond(http::Response::new(page(9, 0, 0..3)));
        let status = if second.is_empty() { 204 } else { 200 };
        script.respond(http::Response::builder().status(status).body(second).unwrap());
        let (seen, error) = walk(site.relay_logs().list().page_size(3)).await;
        let error = error.expect(text);
        assert!(error.starts_with("ListRelayLogs: ") && error.contains(text), "{error}");
        assert_eq!((seen, script.sent().len()), (vec![0, 1, 2], 2), "{text}");
    }
}

#[tokio::test]
async fn a_page_cap_below_the_overlap_at_the_end_of_the_reach_is_an_error() {
    let service = Service { rows: 11_000, page_cap: 700, limited: false, ..Service::default() };
    let (_, site) = service.client();
    let (seen, error) = walk(site.relay_logs().list()).await;
    assert_eq!(seen, (0..10_700).collect::<Vec<_>>());
    assert!(error.unwrap().contains("the page at row 10700 is empty, although the list has 11000 rows"));
}

#[tokio::test]
async fn a_list_that_became_shorter_while_it_was_read_ends() {
    let script = service_core::testing::ScriptedTransport::new();
    let builder = hulft_webconnect::SiteClient::builder("planted-key");
    let site = builder.transport(std::sync::Arc::new(script.clone())).build().unwrap();
    script.respond(http::Response::new(page(9, 0, 0..3))).respond(http::Response::new(page(3, 3, 3..3)));
    assert_eq!(walk(site.relay_logs().list().page_size(3)).await, (vec![0, 1, 2], None));
}
