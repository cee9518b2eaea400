//! A small contract to start with.

use std::time::{Duration, SystemTime};

use super::accounts::Account;
use super::agents::Direction;
use super::browser_transfer::{Browser, Host, SEND_FILE, SEND_REQUEST, Setting};
use super::connections::{ClientType, Connection};
use super::dclients::DClient;
use super::groups::Group;
use super::ip_filter_groups::IpFilterGroup;
use super::relay_permissions::RelayPermission;
use super::{AccessDenial, Denied, SecondaryAccount, State};

const GROUP: &str = "offices";

/// The number of lines in the sample relay log: more than one page. They end now, so that a search for today finds them.
const RELAY_LOGS: usize = 50;

impl State {
    /// Adds the samples. What is registered already is kept, so only the logs grow with every call.
    pub(super) fn add_samples(&mut self, now: SystemTime) {
        for group in ip_filter_groups() {
            let _ = self.ip_filter_groups.add(group);
        }
        for connection in connections() {
            let _ = self.connections.add(connection);
        }
        for (own, remote, direction) in [
            ("hq", "us1", Direction::Send),
            ("us1", "hq", Direction::Receive),
            ("factory", "hq", Direction::Send),
        ] {
            let _ = self.relay_permissions.add(RelayPermission::new(own, remote, direction, true));
        }
        self.add_browser_transfers();
        let _ = self.secondary_accounts.add(secondary_account());
        self.relay_logs.generate_until(RELAY_LOGS, now);
        self.access_denials.extend(access_denials(now));
    }

    /// Adds the settings, and the accounts that use them through a group and a D-Client.
    fn add_browser_transfers(&mut self) {
        let _ = self.send_files.add(send_file());
        let _ = self.send_requests.add(send_request());
        let mut account = Account::new("browser.user@example.com".to_owned());
        account.ip_filter_group_name = Some(GROUP.to_owned());
        let mut group = Group::new("partners".to_owned());
        group.account_id = Some(account.id.clone());
        group.send_file_ids = vec!["upload-orders".to_owned()];
        group.send_request_ids = vec!["download-invoices".to_owned()];
        group.enabled = true;
        if self.accounts.add(account).is_ok() {
            let _ = self.groups.add(group);
        }
        let account = Account::new("dclient.user@example.com".to_owned());
        let mut dclient = DClient::new("warehouse", "partner");
        dclient.account_id = Some(account.id.clone());
        dclient.useable = true;
        if self.accounts.add(account).is_ok() {
            let _ = self.dclients.add(dclient);
            self.switch_dclient("warehouse", Some("1.0.0"));
        }
    }
}

fn ip_filter_groups() -> [IpFilterGroup; 2] {
    let group = |name: &str, description: &str, addresses: &[&str]| IpFilterGroup {
        ip_filter_group_name: name.to_owned(),
        description: description.to_owned(),
        allowlist: addresses.iter().map(|&address| address.to_owned()).collect(),
    };
    [group(GROUP, "Our offices", &["192.0.2.0/24", "198.51.100.7"]), group("lab", "", &["203.0.113.0/28"])]
}

/// The Connection IDs of the sample Agents, and those of a browser and of a D-Client.
fn connections() -> [Connection; 6] {
    let connection = |id: &str, client_types: &[ClientType], group: Option<&str>| Connection {
        connection_id: id.to_owned(),
        password: format!("password-of-{id}"),
        client_types: client_types.to_vec(),
        ip_filter_group_name: group.map(str::to_owned),
        memo: String::new(),
    };
    [
        connection("hq", &[ClientType::Hulft, ClientType::DataTransferApi], Some(GROUP)),
        connection("branch1", &[ClientType::Hulft], None),
        connection("us1", &[ClientType::Hulft], None),
        connection("factory", &[ClientType::Hulft], None),
        connection("browser", &[ClientType::HwcBrowser], None),
        connection("partner", &[ClientType::Dclient], None),
    ]
}

fn send_file() -> Setting {
    let mut setting = Setting::new(&SEND_FILE, "upload-orders".to_owned());
    setting.description = "Orders from partners".to_owned();
    setting.file_id = "ORDERS".to_owned();
    setting.browser = browser();
    setting.hulft = Host { agent_id: "tokyo-receive".to_owned(), ..host(setting.hulft) };
    setting
}

fn send_request() -> Setting {
    let mut setting = Setting::new(&SEND_REQUEST, "download-invoices".to_owned());
    setting.file_id = "INVOICES".to_owned();
    let file_name = "invoices.csv".to_owned();
    setting.browser = Browser { uses_receive_file_name: true, receive_file_name: file_name, ..browser() };
    setting.hulft = Host { agent_id: "tokyo-send".to_owned(), ..host(setting.hulft) };
    setting
}

fn browser() -> Browser {
    Browser { connection_id: "browser".to_owned(), agent_id: "portal".to_owned(), ..Browser::default() }
}

fn host(host: Host) -> Host {
    Host { connection_id: "hq".to_owned(), host_name: "hulft1".to_owned(), ..host }
}

fn secondary_account() -> SecondaryAccount {
    SecondaryAccount {
        id: "5ec0ndary00000000000000000000001".to_owned(),
        mail_address: "former.user@example.com".to_owned(),
        password_is_managed_by_contractor: true,
        password_expires_after_days: 30,
        send_file_ids: vec!["upload-orders".to_owned()],
        send_request_ids: Vec::new(),
        ip_filter_group_name: Some(GROUP.to_owned()),
        memo: String::new(),
        is_mail_available: false,
        status_code: 1,
    }
}

fn access_denials(now: SystemTime) -> [AccessDenial; 2] {
    let denial = |denied, seconds_ago, endpoint: &str, reason: &str| AccessDenial {
        denied,
        accessed_at: now - Duration::from_secs(seconds_ago),
        connection_type: "sample".to_owned(),
        source_ip: "203.0.113.99".to_owned(),
        destination_endpoint: endpoint.to_owned(),
        user_agent: "Mozilla/5.0".to_owned(),
        denial_reason: reason.to_owned(),
    };
    let login = Denied::Login { account: "browser.user@example.com".to_owned() };
    let agent =
        Denied::Connection { connection_ids: vec!["hq".to_owned()], agent_id: "tokyo-send".to_owned() };
    [
        denial(agent, 3_600, "service2.tokyo.webconnect.hulft.com", "the address is in no allow-list"),
        denial(login, 60, "service-ap.tokyo.webconnect.hulft.com", "the address is in no allow-list"),
    ]
}
