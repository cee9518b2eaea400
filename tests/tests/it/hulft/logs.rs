//! Logs, agents at work and what is only read, over real sockets.

use hulft_webconnect::{Date, Direction, Health, TimeZone, TransferStatus};
use service_emulator::Emulator;
use service_emulator::hulft::EndpointStatus;

use super::{start, unpaced};

#[tokio::test]
async fn a_log_is_walked_whole_newest_first() {
    let (emulator, site) = start().await;
    emulator.hulft().add_relay_logs(2_345);
    let logs = site.relay_logs().list().all().await.unwrap();
    assert_eq!(logs.len(), 2_345);
    assert!(logs.windows(2).all(|pair| pair[0].start_time.as_str() > pair[1].start_time.as_str()));
    let mut ids: Vec<_> = logs.iter().map(|log| &log.processing_id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 2_345);
    assert!(
        logs.iter().all(|log| log.start_time.to_system_time().is_some() && log.data_size.as_u64().is_some())
    );
}

#[tokio::test]
async fn a_log_longer_than_the_service_gives_out_is_read_by_dates() {
    let (emulator, site) = start().await;
    emulator.hulft().add_relay_logs(11_500);
    let error = site.relay_logs().list().all().await.unwrap_err();
    assert!(error.to_string().contains("narrow it by date"), "{error}");
    // A row a minute from 2024-01-01 on.
    let day = |day| Date::new(2024, 1, day).unwrap();
    let early = site.relay_logs().list().from(day(1)).to(day(4)).all().await.unwrap();
    let late = site.relay_logs().list().from(day(5)).all().await.unwrap();
    assert_eq!((early.len(), late.len()), (4 * 1_440, 11_500 - 4 * 1_440));
    assert!(early.iter().all(|log| log.start_time.date().unwrap() <= day(4)));
}

#[tokio::test]
async fn a_long_log_is_read_by_one_call_whether_or_not_a_search_includes_its_last_day() {
    for included in [true, false] {
        let emulator = Emulator::start().await.unwrap();
        emulator.hulft().rate_limit(None);
        emulator.hulft().searches_include_to(included);
        // A row a minute from 2024-01-01 on: the last one is on 2024-01-09.
        emulator.hulft().add_relay_logs(12_000);
        let site = unpaced(&emulator, &emulator.hulft().api_key());
        let (first, last) = (Date::new(2024, 1, 1).unwrap(), Date::new(2024, 1, 9).unwrap());
        let one_day = site.relay_logs().list().from(last).to(last).all().await.unwrap();
        assert_eq!(one_day.is_empty(), !included);
        let end = if included { last } else { Date::new(2024, 1, 10).unwrap() };
        let rows = site.relay_logs().list().from(first).to(end).by_date().all().await.unwrap();
        assert_eq!(rows.len(), 12_000);
        assert!(rows.windows(2).all(|pair| pair[0].start_time.as_str() > pair[1].start_time.as_str()));
    }
}

#[tokio::test]
async fn times_and_days_are_of_the_zone_that_is_asked_for() {
    let (emulator, site) = start().await;
    emulator.hulft().add_relay_logs(1);
    let utc = site.relay_logs().list().all().await.unwrap().remove(0);
    assert_eq!(utc.start_time.to_string(), "2024-01-01 00:00:00.000 UTC");
    let tokyo = TimeZone::new("Asia/Tokyo").unwrap();
    let log = site.relay_logs().get(&utc.processing_id).time_zone(tokyo).await.unwrap().unwrap();
    assert_eq!(log.start_time.to_string(), "2024-01-01 09:00:00.000 Asia/Tokyo");
}

#[tokio::test]
async fn logs_are_searched_by_file_and_by_transfer() {
    let (emulator, site) = start().await;
    emulator.hulft().add_relay_logs(50);
    let of_file = site.relay_logs().list_by_file("FILE2").all().await.unwrap();
    assert_eq!(of_file.len(), 10);
    assert!(of_file.iter().all(|log| log.file_id == "FILE2"));
    let first = &of_file[0];
    let sender =
        site.relay_logs().list().sender_connection_id(&first.sender_connection_id).all().await.unwrap();
    assert!(sender.contains(first));
    assert_eq!(site.relay_logs().list().receiver_connection_id("unknown").all().await.unwrap(), []);
    assert_eq!(site.relay_logs().get(&first.processing_id).await.unwrap().as_ref(), Some(first));
    assert_eq!(site.relay_logs().list_by_transfer(&first.processing_id).all().await.unwrap().len(), 1);
    assert_eq!(site.relay_logs().get("0").await.unwrap(), None);
}

#[tokio::test]
async fn a_transfer_of_a_disconnected_agent_is_in_the_log_as_failed() {
    let (emulator, site) = start().await;
    emulator.hulft().add_sample_agents();
    let agents = site.agents().list_by_direction(&Direction::Send).all().await.unwrap();
    let agent = agents.iter().find(|agent| agent.supports_disconnection).unwrap();
    let transfer = emulator.hulft().start_transfer(&agent.session_id).unwrap();
    site.agents().disconnect_agent(agent).await.unwrap();
    let log = site.relay_logs().get(&transfer).await.unwrap().unwrap();
    assert_eq!((log.status, log.sender_agent_id.as_str()), (TransferStatus::Failed, agent.agent_id.as_str()));
}

#[tokio::test]
async fn denied_accesses_are_read() {
    let (emulator, site) = start().await;
    emulator.hulft().add_sample_data();
    let denials = site.access_denials().list().all().await.unwrap();
    assert!(!denials.is_empty());
    for denial in denials {
        assert!(
            denial.login_account.is_some() == denial.connection_ids.is_empty(),
            "one or the other: {denial:?}"
        );
        assert!(!denial.source_ip.is_empty());
    }
}

#[tokio::test]
async fn the_service_status_tells_of_a_disruption() {
    let (emulator, site) = start().await;
    let status = site.service_status().await.unwrap();
    assert_eq!(status.total_status, Health::Normal);
    let endpoint = &status.services[0].endpoint;
    assert!(emulator.hulft().set_service_status(endpoint, EndpointStatus::Disrupted));
    let status = site.service_status().await.unwrap();
    assert_eq!((&status.services[0].status, &status.total_status), (&Health::Disrupted, &Health::Disrupted));
}

#[tokio::test]
#[expect(deprecated, reason = "deprecated operations are operations")]
async fn a_previous_secondary_account_is_read_and_deleted() {
    let (emulator, site) = start().await;
    emulator.hulft().add_sample_data();
    let accounts = site.secondary_accounts();
    let page = accounts.list().page().await.unwrap();
    assert!(page.has_unavailable_mail.is_some());
    let account = page.rows[0].clone();
    assert_eq!(accounts.get(&account.id).await.unwrap().as_ref(), Some(&account));
    accounts.delete(&account.id).await.unwrap();
    assert_eq!(accounts.get(&account.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_block_is_told_with_its_end() {
    let (emulator, site) = start().await;
    emulator.hulft().rate_limit(Some(2));
    let site_of_others = unpaced(&emulator, &emulator.hulft().api_key());
    for _ in 0..2 {
        site_of_others.service_status().await.unwrap();
    }
    let error = site.service_status().await.unwrap_err();
    assert!(error.is_throttled() && error.retry_after().is_some_and(|wait| wait.as_secs() > 590), "{error}");
}
