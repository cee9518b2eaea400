//! The operations of the REST API, from which requests are built. Names, paths, parameters, and order are those of the
//! service's OpenAPI document of API version 2024-12-01. For success and idempotency, see sections 2 and 5 of the REST
//! notes.

use http::Method;
use service_core::Operation;

/// The API version that is sent unless the builder sets another one.
pub const API_VERSION: &str = "2024-12-01";

const VERSION: &[&str] = &["api-version"];
const REASON: &[&str] = &["api-version", "reason"];
const EXCLUDED_AND_REASON: &[&str] = &["api-version", "excluded", "reason"];
const TOKEN: &[&str] = &["api-version", "userId", "role", "minutesToExpire", "group", "clientType"];
const TO_ONE: &[&str] = &["api-version", "messageTtlSeconds"];
const TO_USER: &[&str] = &["api-version", "filter", "messageTtlSeconds"];
const TO_MANY: &[&str] = &["api-version", "excluded", "filter", "messageTtlSeconds"];
const PAGE: &[&str] = &["api-version", "maxpagesize", "top", "continuationToken"];
const TARGET: &[&str] = &["api-version", "targetName"];

/// Defines a send, which is accepted with 202. It is not idempotent: a message that is sent twice is delivered twice.
const fn send(id: &'static str, path: &'static str, query: &'static [&'static str]) -> Operation {
    Operation::new(id, Method::POST, path).query(query).success(&[202])
}

/// Defines a check, to which the service responds with 200 or 404.
const fn exists(id: &'static str, path: &'static str, query: &'static [&'static str]) -> Operation {
    Operation::new(id, Method::HEAD, path).query(query).success(&[200, 404]).idempotent()
}

const fn put(id: &'static str, path: &'static str, query: &'static [&'static str]) -> Operation {
    Operation::new(id, Method::PUT, path).query(query).idempotent()
}

const fn delete(id: &'static str, path: &'static str, query: &'static [&'static str]) -> Operation {
    Operation::new(id, Method::DELETE, path).query(query).success(&[204]).idempotent()
}

/// Defines an idempotent POST: repeating it does not change the state further.
const fn post(id: &'static str, path: &'static str, query: &'static [&'static str]) -> Operation {
    Operation::new(id, Method::POST, path).query(query).idempotent()
}

const fn close(id: &'static str, path: &'static str, query: &'static [&'static str]) -> Operation {
    post(id, path, query).success(&[204])
}

const fn get(id: &'static str, path: &'static str, query: &'static [&'static str]) -> Operation {
    Operation::new(id, Method::GET, path).query(query).idempotent()
}

/// Checks whether the service is healthy.
pub static CHECK_HEALTH: Operation =
    Operation::new("HealthApi_GetServiceStatus", Method::HEAD, "/api/health").query(VERSION).idempotent();

/// Defines one operation per row: constant, ID without its prefix, kind, path below the hub, and query names.
macro_rules! operations {
    ($($name:ident $id:literal $kind:ident $path:literal $query:ident;)*) => {
        $(
            #[doc = concat!("Describes the operation `WebPubSub_", $id, "`, whose path is `/api/hubs/{hub}", $path, "`.")]
            pub static $name: Operation =
                $kind(concat!("WebPubSub_", $id), concat!("/api/hubs/{hub}", $path), $query);
        )*

        /// Contains all operations, in the order of the service's document.
        pub static ALL: [&Operation; 25] = [&CHECK_HEALTH, $(&$name),*];
    };
}

operations! {
    ADD_CONNECTIONS_TO_GROUPS "AddConnectionsToGroups" post "/:addToGroups" VERSION;
    CLOSE_ALL_CONNECTIONS "CloseAllConnections" close "/:closeConnections" EXCLUDED_AND_REASON;
    GENERATE_CLIENT_TOKEN "GenerateClientToken" post "/:generateToken" TOKEN;
    REMOVE_CONNECTIONS_FROM_GROUPS "RemoveConnectionsFromGroups" post "/:removeFromGroups" VERSION;
    SEND_TO_ALL "SendToAll" send "/:send" TO_MANY;
    CLOSE_CONNECTION "CloseConnection" delete "/connections/{connectionId}" REASON;
    CONNECTION_EXISTS "ConnectionExists" exists "/connections/{connectionId}" VERSION;
    SEND_TO_CONNECTION "SendToConnection" send "/connections/{connectionId}/:send" TO_ONE;
    REMOVE_CONNECTION_FROM_ALL_GROUPS "RemoveConnectionFromAllGroups" delete "/connections/{connectionId}/groups" VERSION;
    GROUP_EXISTS "GroupExists" exists "/groups/{group}" VERSION;
    CLOSE_GROUP_CONNECTIONS "CloseGroupConnections" close "/groups/{group}/:closeConnections" EXCLUDED_AND_REASON;
    SEND_TO_GROUP "SendToGroup" send "/groups/{group}/:send" TO_MANY;
    LIST_CONNECTIONS_IN_GROUP "ListConnectionsInGroup" get "/groups/{group}/connections" PAGE;
    REMOVE_CONNECTION_FROM_GROUP "RemoveConnectionFromGroup" delete "/groups/{group}/connections/{connectionId}" VERSION;
    ADD_CONNECTION_TO_GROUP "AddConnectionToGroup" put "/groups/{group}/connections/{connectionId}" VERSION;
    REVOKE_PERMISSION "RevokePermission" delete "/permissions/{permission}/connections/{connectionId}" TARGET;
    CHECK_PERMISSION "CheckPermission" exists "/permissions/{permission}/connections/{connectionId}" TARGET;
    GRANT_PERMISSION "GrantPermission" put "/permissions/{permission}/connections/{connectionId}" TARGET;
    USER_EXISTS "UserExists" exists "/users/{userId}" VERSION;
    CLOSE_USER_CONNECTIONS "CloseUserConnections" close "/users/{userId}/:closeConnections" EXCLUDED_AND_REASON;
    SEND_TO_USER "SendToUser" send "/users/{userId}/:send" TO_USER;
    REMOVE_USER_FROM_ALL_GROUPS "RemoveUserFromAllGroups" delete "/users/{userId}/groups" VERSION;
    REMOVE_USER_FROM_GROUP "RemoveUserFromGroup" delete "/users/{userId}/groups/{group}" VERSION;
    ADD_USER_TO_GROUP "AddUserToGroup" put "/users/{userId}/groups/{group}" VERSION;
}
