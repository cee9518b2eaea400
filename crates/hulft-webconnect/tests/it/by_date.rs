//! Searches of relay logs that are split by date, in virtual time, with a service that includes the day of `to` and with one
//! that does not.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use hulft_webconnect::{
    Clock, Date, Error, ErrorKind, Progress, RelayLogs, Result, SiteClient, Transport, Upgrade,
};
use service_core::testing::ManualClock;

use crate::common::max_in_a_minute;

/// A service whose log has this many rows on each day since 2024-01-01.
#[derive(Debug)]
struct Log {
    days: Vec<u64>,
    includes_to: bool,
    /// Whether rows on the day of `from` are missing from a search.
    loses_from: bool,
    /// Fails requests beginning with this one.
    fails_at: usize,
    clock: ManualClock,
    sent: Mutex<Vec<Duration>>,
}

fn log(days: Vec<u64>) -> Log {
    let clock = ManualClock::jumping(SystemTime::UNIX_EPOCH);
    let (sent, fails_at) = (Mutex::default(), usize::MAX);
    Log { days, includes_to: true, loses_from: false, fails_at, clock, sent }
}

impl Log {
    fn start(self) -> (Arc<Self>, RelayLogs) {
        let clock = Arc::new(self.clock.clone());
        let service = Arc::new(self);
        let transport = Arc::clone(&service) as Arc<dyn Transport>;
        let site = SiteClient::builder("planted-key").transport(transport).clock(clock).build().unwrap();
        (service, site.relay_logs())
    }

    fn page(&self, query: &str) -> Response<Bytes> {
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let number = |name: &str| value(name).unwrap().parse::<usize>().unwrap();
        let (from, to) = (value("from").unwrap(), value("to").unwrap());
        let (start, max) = (number("startIndex"), number("maxResults"));
        assert!(start <= 10_000 && max <= 1_000 && from <= to, "{query}");
        let found = |day: &str| {
            let after = if self.loses_from { day > from } else { day >= from };
            after && if self.includes_to { day <= to } else { day < to }
        };
        // Newest first.
        let days = self.days.iter().enumerate().rev().map(|(index, rows)| (day(index), *rows));
        let days: Vec<_> = days.filter(|(day, _)| found(&day.to_string().replace('-', ""))).collect();
        let total: u64 = days.iter().map(|(_, rows)| rows).sum();
        if total == 0 {
            return Response::builder().status(204).body(Bytes::new()).unwrap();
        }
        let rows = days.iter().flat_map(|(day, rows)| (0..*rows).rev().map(move |row| (day, row)));
        let logs: Vec<_> = rows.skip(start).take(max).map(|(day, row)| format!("{day} {row}")).collect();
        let logs: Vec<_> = logs.into_iter().map(|id| serde_json::json!({"processingId": id})).collect();
        let page = serde_json::json!({"totalSize": total, "startIndex": start, "logs": logs});
        Response::new(page.to_string().into())
    }
}

#[async_trait]
impl Transport for Log {
    async fn send(&self, request: Request<Bytes>, _: &service_core::SendOptions) -> Result<Response<Bytes>> {
        let count = {
            let mut sent = self.sent.lock().unwrap();
            sent.push(self.clock.elapsed());
            sent.len()
        };
        if count > self.fails_at {
            return Ok(Response::builder().status(400).body(Bytes::new()).unwrap());
        }
        Ok(self.page(request.uri().query().unwrap()))
    }

    async fn upgrade(&self, _: Request<()>, _: &service_core::SendOptions) -> Result<Upgrade> {
        Err(Error::new(ErrorKind::Transport, "upgrades are not supported").permanent())
    }
}

/// The day with this index, from 2024-01-01 to 2024-04-30.
fn day(index: usize) -> Date {
    let mut index = u8::try_from(index).unwrap();
    for (month, days) in [(1, 31), (2, 29), (3, 31), (4, 30)] {
        if index < days {
            return Date::new(2024, month, index + 1).unwrap();
        }
        index -= days;
    }
    panic!("a later day");
}

/// The IDs of all rows, newest first.
fn ids(days: &[u64]) -> Vec<String> {
    let days = days.iter().enumerate().rev();
    days.flat_map(|(index, rows)| (0..*rows).rev().map(move |row| format!("{} {row}", day(index)))).collect()
}

#[tokio::test]
async fn fifty_thousand_rows_over_two_months_are_read_once_each_within_the_rate_limit() {
    for (includes_to, loses_from) in [(true, false), (false, false), (true, true)] {
        // Busy and quiet days, and days without a transfer.
        let days: Vec<u64> = (0..60).map(|day| [0, 2_500, 833, 1_000, 0, 667][day % 6]).collect();
        // The first day and the day behind the last one have no rows, so that either bound may be excluded.
        let (service, logs) = Log { includes_to, loses_from, ..log(days.clone()) }.start();
        let reports = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&reports);
        let search = logs.list().from(day(0)).to(day(60)).by_date();
        let search = search.on_progress(move |progress: Progress| seen.lock().unwrap().push(progress));
        let rows = search.all().await.unwrap();
        let found: Vec<_> = rows.into_iter().map(|row| row.processing_id).collect();
        assert_eq!(found.len(), 50_000, "to included: {includes_to}");
        assert_eq!(found.iter().collect::<HashSet<_>>().len(), 50_000, "no row appears twice");
        assert_eq!(found, ids(&days), "newest first");
        let reports = reports.lock().unwrap();
        assert!(reports.windows(2).all(|pair| pair[0].rows <= pair[1].rows && pair[1].total == 50_000));
        assert_eq!(reports.last().map(|last| (last.rows, last.total)), Some((50_000, 50_000)));
        let sent = service.sent.lock().unwrap();
        assert!(max_in_a_minute(&sent) <= 100 && sent.len() <= 85, "{} requests", sent.len());
    }
}

#[tokio::test]
async fn a_search_within_reach_is_not_split() {
    for (rows, requests) in [(0, 1), (1, 1), (1_000, 1), (11_000, 11)] {
        let (service, logs) = log(vec![rows]).start();
        let found = logs.list().from(day(0)).to(day(30)).by_date().all().await.unwrap();
        assert_eq!((found.len() as u64, service.sent.lock().unwrap().len()), (rows, requests));
    }
}

#[tokio::test]
async fn a_day_beyond_reach_is_an_error_with_the_rows_that_were_read() {
    for includes_to in [true, false] {
        let (_, logs) = Log { includes_to, ..log(vec![5, 11_001, 7_000, 9_000]) }.start();
        let error = logs.list().from(day(0)).to(day(4)).by_date().all().await.unwrap_err();
        assert_eq!((error.rows.len(), error.total), (27_000, 27_006));
        let newest: Vec<_> = error.rows.iter().map(|row| row.processing_id.clone()).collect();
        assert_eq!(newest[..16_000], ids(&[0, 0, 7_000, 9_000])[..]);
        let text = error.to_string();
        let to = if includes_to { "2024-01-02" } else { "2024-01-03" };
        let start =
            format!("ListRelayLogs: the search from 2024-01-02 to {to} has 11001 rows, more than the 11000");
        assert!(text.starts_with(&start), "{text}");
        assert!(text.ends_with("; 27000 of 27006 rows were read") && format!("{error:?}") == text, "{text}");
        assert!(Error::from(error).is_invalid_input());
    }
}

#[tokio::test]
async fn totals_that_do_not_add_up_are_an_error() {
    let (_, logs) = Log { loses_from: true, includes_to: false, ..log(vec![4_000; 20]) }.start();
    let error = logs.list().from(day(0)).to(day(20)).by_date().all().await.unwrap_err();
    assert!(error.to_string().contains("are not the sum of its parts"), "{error}");
    assert_eq!(error.error.kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn a_failed_request_is_an_error_with_the_rows_that_were_read() {
    let (_, logs) = Log { fails_at: 9, ..log(vec![3_000; 8]) }.start();
    let error = logs.list().from(day(0)).to(day(8)).by_date().all().await.unwrap_err();
    assert!(error.rows.len() >= 3_000 && error.total == 24_000, "{error}");
    let found: Vec<_> = error.rows.iter().map(|row| row.processing_id.clone()).collect();
    assert_eq!(found, ids(&[3_000; 8])[..found.len()], "the newest");
    assert!(error.to_string().starts_with("ListRelayLogs: 400 Bad Request"), "{error}");
}

#[tokio::test]
async fn rows_can_be_taken_one_by_one_and_the_end_is_the_end() {
    let (service, logs) = log(vec![8_000; 3]).start();
    let mut search = logs.list().from(day(0)).to(day(2)).by_date();
    assert_eq!(search.progress(), Progress::default());
    assert_eq!(search.next().await.unwrap().unwrap().processing_id, "2024-01-03 7999");
    assert_eq!((search.progress().rows, search.progress().total), (1_000, 24_000));
    let before = service.sent.lock().unwrap().len();
    for _ in 1..1_000 {
        search.next().await.unwrap().unwrap();
    }
    assert_eq!(service.sent.lock().unwrap().len(), before, "pages are requested as rows are taken");
    let mut rows = 1_000;
    while let Some(row) = search.next().await {
        row.unwrap();
        rows += 1;
    }
    assert_eq!(rows, 24_000);
    assert!(search.next().await.is_none());
}

#[tokio::test]
async fn a_search_by_date_needs_both_days_and_the_first_row() {
    let (service, logs) = log(vec![1]).start();
    for (search, text) in [
        (logs.list().from(day(0)), "needs both `from` and `to`"),
        (logs.list().to(day(0)), "needs both `from` and `to`"),
        (logs.list().from(day(0)).to(day(1)).start_index(5), "without `start_index`"),
        (logs.list().from(day(1)).to(day(0)), "from must not be after `to`"),
        (logs.list().from(day(0)).to(day(1)).page_size(0), "maxResults must be between"),
    ] {
        let error = search.by_date().all().await.unwrap_err();
        assert!(error.error.is_invalid_input() && error.to_string().contains(text), "{error}");
    }
    assert_eq!(service.sent.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn all_rows_of_a_search_beyond_reach_fail_with_the_first_page() {
    let (service, logs) = log(vec![20_050]).start();
    let error = logs.list().from(day(0)).to(day(1)).all().await.unwrap_err();
    assert!(error.to_string().contains("got \"20050 rows\""), "{error}");
    assert_eq!(service.sent.lock().unwrap().len(), 1);
}
