//! Defines the operations of the Site API, in the order of the vendor's list.
//!
//! Requests are built from these definitions. The vendor documents the success statuses for all operations together, so
//! each operation accepts every 2xx status. A GET of a single item also accepts 404, which means that the item does not
//! exist (the vendor lists 204 for this case, and no 404).

use http::Method;
use service_core::Operation;

/// The parameters of every list.
const LIST: &[&str] = &["startIndex", "maxResults", "from", "to", "timezone"];
/// The parameters of the relay log.
const LOG: &[&str] = &[
    "startIndex",
    "maxResults",
    "from",
    "to",
    "timezone",
    "senderConnectionId",
    "receiverConnectionId",
    "senderSecondaryAccount",
    "receiverSecondaryAccount",
];
/// The parameters of the relay log of one file.
const LOG_OF_FILE: &[&str] = &[
    "fileId",
    "startIndex",
    "maxResults",
    "from",
    "to",
    "timezone",
    "senderConnectionId",
    "receiverConnectionId",
    "senderSecondaryAccount",
    "receiverSecondaryAccount",
];

const SUCCESS: [u16; 8] = [200, 201, 202, 203, 204, 205, 206, 207];
const SUCCESS_OR_NONE: [u16; 9] = [200, 201, 202, 203, 204, 205, 206, 207, 404];

/// The maximum size of a page. It has up to 1,000 rows, and some of them hold lists of their own.
const MAX_PAGE_BYTES: usize = 16 * 1024 * 1024;

const fn list(id: &'static str, path: &'static str, query: &'static [&'static str]) -> Operation {
    let list = Operation::new(id, Method::GET, path).query(query).success(&SUCCESS).idempotent();
    list.max_response_bytes(MAX_PAGE_BYTES)
}

const fn get(id: &'static str, path: &'static str, query: &'static [&'static str]) -> Operation {
    Operation::new(id, Method::GET, path).query(query).success(&SUCCESS_OR_NONE).idempotent()
}

const fn post(id: &'static str, path: &'static str, query: &'static [&'static str]) -> Operation {
    Operation::new(id, Method::POST, path).query(query).success(&SUCCESS)
}

const fn put(id: &'static str, path: &'static str, query: &'static [&'static str]) -> Operation {
    Operation::new(id, Method::PUT, path).query(query).success(&SUCCESS).idempotent()
}

const fn delete(id: &'static str, path: &'static str, query: &'static [&'static str]) -> Operation {
    Operation::new(id, Method::DELETE, path).query(query).success(&SUCCESS).idempotent()
}

/// One row per operation: constant, id, kind, path below `/api/v2`, query names, and scope of the API key (empty if the
/// vendor does not document one).
macro_rules! operations {
    ($($name:ident $id:literal $kind:ident $path:literal $query:ident $scope:literal;)*) => {
        $(
            #[doc = concat!("Sends a request to `", $path, "`. See [`scope`] for the scope that it requires.")]
            pub static $name: Operation = $kind($id, concat!("/api/v2", $path), $query);
        )*

        /// Contains all operations, in the order of the vendor's list.
        pub static ALL: [&Operation; 55] = [$(&$name),*];

        /// The scopes that API keys need, labeled as in the vendor's console: `resource: action`.
        const SCOPES: [(&str, &str); 55] = [$(($id, $scope)),*];
    };
}

const NONE: &[&str] = &[];

operations! {
    LIST_ACCESS_DENIALS "ListAccessDenials" list "/access-denial/log" LIST "";
    LIST_ACCOUNTS "ListAccounts" list "/accounts/definition" LIST "";
    GET_ACCOUNT "GetAccount" get "/accounts/definition/{accountId}" NONE "";
    REGISTER_ACCOUNT "RegisterAccount" post "/accounts/definition" NONE "";
    REQUEST_PASSWORD_MAIL "RequestPasswordMail" post "/accounts/password/set-request" NONE "";
    UPDATE_ACCOUNT "UpdateAccount" put "/accounts/definition/{accountId}" NONE "";
    DELETE_ACCOUNT "DeleteAccount" delete "/accounts/definition/{accountId}" NONE "";
    LIST_AGENT_STATUS "ListAgentStatus" list "/agent/status" LIST "Agent: Get";
    LIST_AGENT_STATUS_BY_DIRECTION "ListAgentStatusByDirection" list "/agent/status/{direction}" LIST "Agent: Get";
    DISCONNECT_AGENT "DisconnectAgent" post "/agent/disconnection" NONE "Agent: Disconnect";
    LIST_BROWSER_TRANSFER_GROUPS "ListBrowserTransferGroups" list "/browser-transfer-groups" LIST "";
    GET_BROWSER_TRANSFER_GROUP "GetBrowserTransferGroup" get "/browser-transfer-groups/{browserTransferGroupId}" NONE "";
    REGISTER_BROWSER_TRANSFER_GROUP "RegisterBrowserTransferGroup" post "/browser-transfer-groups" NONE "";
    UPDATE_BROWSER_TRANSFER_GROUP "UpdateBrowserTransferGroup" put "/browser-transfer-groups/{browserTransferGroupId}" NONE "";
    DELETE_BROWSER_TRANSFER_GROUP "DeleteBrowserTransferGroup" delete "/browser-transfer-groups/{browserTransferGroupId}" NONE "";
    LIST_BROWSER_TO_HULFT "ListBrowserToHulft" list "/browser-transfer/definition/browser-to-hulft" LIST "Browser Send File: Get";
    GET_BROWSER_TO_HULFT "GetBrowserToHulft" get "/browser-transfer/definition/browser-to-hulft/{browserToHulftDefinitionId}" NONE "Browser Send File: Get";
    REGISTER_BROWSER_TO_HULFT "RegisterBrowserToHulft" post "/browser-transfer/definition/browser-to-hulft" NONE "Browser Send File: Create";
    UPDATE_BROWSER_TO_HULFT "UpdateBrowserToHulft" put "/browser-transfer/definition/browser-to-hulft/{browserToHulftDefinitionId}" NONE "Browser Send File: Update";
    DELETE_BROWSER_TO_HULFT "DeleteBrowserToHulft" delete "/browser-transfer/definition/browser-to-hulft/{browserToHulftDefinitionId}" NONE "Browser Send File: Delete";
    LIST_HULFT_TO_BROWSER "ListHulftToBrowser" list "/browser-transfer/definition/hulft-to-browser" LIST "Browser Send Request: Get";
    GET_HULFT_TO_BROWSER "GetHulftToBrowser" get "/browser-transfer/definition/hulft-to-browser/{hulftToBrowserDefinitionId}" NONE "Browser Send Request: Get";
    REGISTER_HULFT_TO_BROWSER "RegisterHulftToBrowser" post "/browser-transfer/definition/hulft-to-browser" NONE "Browser Send Request: Create";
    UPDATE_HULFT_TO_BROWSER "UpdateHulftToBrowser" put "/browser-transfer/definition/hulft-to-browser/{hulftToBrowserDefinitionId}" NONE "Browser Send Request: Update";
    DELETE_HULFT_TO_BROWSER "DeleteHulftToBrowser" delete "/browser-transfer/definition/hulft-to-browser/{hulftToBrowserDefinitionId}" NONE "Browser Send Request: Delete";
    LIST_CONNECTIONS "ListConnections" list "/connections/definition" LIST "Connection Settings: Get";
    GET_CONNECTION "GetConnection" get "/connections/definition/{connectionId}" NONE "Connection Settings: Get";
    REGISTER_CONNECTION "RegisterConnection" post "/connections/definition" NONE "Connection Settings: Create";
    UPDATE_CONNECTION "UpdateConnection" put "/connections/definition/{connectionId}" NONE "Connection Settings: Update";
    DELETE_CONNECTION "DeleteConnection" delete "/connections/definition/{connectionId}" NONE "Connection Settings: Delete";
    LIST_DCLIENTS "ListDClients" list "/dclient/definition" LIST "";
    GET_DCLIENT "GetDClient" get "/dclient/definition/{dclientUuid}" NONE "";
    REGISTER_DCLIENT "RegisterDClient" post "/dclient/definition" NONE "";
    REQUEST_DCLIENT_MAIL "RequestDClientMail" post "/dclient/user-guide/mail-request/{dclientUuid}" NONE "";
    UPDATE_DCLIENT "UpdateDClient" put "/dclient/definition/{dclientUuid}" NONE "";
    DELETE_DCLIENT "DeleteDClient" delete "/dclient/definition/{dclientUuid}" NONE "";
    LIST_IP_FILTER_GROUPS "ListIpFilterGroups" list "/ip-filter/group" LIST "";
    GET_IP_FILTER_GROUP "GetIpFilterGroup" get "/ip-filter/group/{ipFilterGroupName}" NONE "";
    REGISTER_IP_FILTER_GROUP "RegisterIpFilterGroup" post "/ip-filter/group" NONE "";
    UPDATE_IP_FILTER_GROUP "UpdateIpFilterGroup" put "/ip-filter/group/{ipFilterGroupName}" NONE "";
    DELETE_IP_FILTER_GROUP "DeleteIpFilterGroup" delete "/ip-filter/group/{ipFilterGroupName}" NONE "";
    LIST_RELAY_PERMISSIONS "ListRelayPermissions" list "/relay/permission" LIST "Relay Auth Settings: Get";
    LIST_RELAY_PERMISSIONS_BY_CONNECTION "ListRelayPermissionsByConnection" list "/relay/permission/{connectionId}" LIST "Relay Auth Settings: Get";
    LIST_RELAY_PERMISSIONS_BY_DIRECTION "ListRelayPermissionsByDirection" list "/relay/permission/{connectionId}/{direction}" LIST "Relay Auth Settings: Get";
    GET_RELAY_PERMISSION "GetRelayPermission" get "/relay/permission/{connectionId}/{remoteConnectionId}/{direction}" NONE "Relay Auth Settings: Get";
    REGISTER_RELAY_PERMISSION "RegisterRelayPermission" post "/relay/permission" NONE "Relay Auth Settings: Create";
    UPDATE_RELAY_PERMISSION "UpdateRelayPermission" put "/relay/permission/{connectionId}/{remoteConnectionId}/{direction}" NONE "Relay Auth Settings: Update";
    DELETE_RELAY_PERMISSION "DeleteRelayPermission" delete "/relay/permission/{connectionId}/{remoteConnectionId}/{direction}" NONE "Relay Auth Settings: Delete";
    LIST_RELAY_LOGS "ListRelayLogs" list "/relay/log" LOG "Relay Log: Get";
    LIST_RELAY_LOGS_BY_FILE "ListRelayLogsByFile" list "/relay/log" LOG_OF_FILE "Relay Log: Get";
    GET_RELAY_LOGS "GetRelayLogs" get "/relay/log/{processingId}" LIST "Relay Log: Get";
    GET_SERVICE_STATUS "GetServiceStatus" list "/service/status" NONE "Service Status: Get";
    LIST_SECONDARY_ACCOUNTS "ListSecondaryAccounts" list "/secondary-account/definition" LIST "Previous secondary account for Browser Transfer Settings: Get";
    GET_SECONDARY_ACCOUNT "GetSecondaryAccount" get "/secondary-account/definition/{secondaryAccountId}" NONE "Previous secondary account for Browser Transfer Settings: Get";
    DELETE_SECONDARY_ACCOUNT "DeleteSecondaryAccount" delete "/secondary-account/definition/{secondaryAccountId}" NONE "Previous secondary account for Browser Transfer Settings: Delete";
}

/// Returns the scope that an API key needs for the operation with this id, labeled as in the vendor's console. Returns
/// `None` if the vendor does not document a scope, or if the operation is unknown.
#[must_use]
pub fn scope(id: &str) -> Option<&'static str> {
    let (_, scope) = SCOPES.iter().find(|(known, _)| *known == id)?;
    Some(*scope).filter(|scope| !scope.is_empty())
}
