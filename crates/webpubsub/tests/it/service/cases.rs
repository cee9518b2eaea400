//! Every operation, without and with all options, and the request that the specification describes.

use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use webpubsub::filter::{groups, user_id};
use webpubsub::{ClientProtocol, Connections, Message, Permission, Result, Role, ServiceClient};

pub(crate) type Sent = Pin<Box<dyn Future<Output = Result<()>>>>;

/// One call. `{}` in a path is replaced by the name that the call is given.
pub(crate) struct Case {
    pub(crate) id: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) query: &'static str,
    pub(crate) body: Option<(&'static str, &'static str)>,
    pub(crate) status: usize,
    pub(crate) response: &'static str,
    pub(crate) call: fn(&ServiceClient, &str) -> Sent,
}

/// The token of the specification's section 4, as a response.
const TOKEN: &str = r#"{"token":"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJodHRwOi8vbG9jYWxob3N0OjgwODAvY2xpZW50L2h1YnMvY2hhdCIsInN1YiI6InVzZXIxIiwicm9sZSI6WyJ3ZWJwdWJzdWIuc2VuZFRvR3JvdXAuZzEiXSwid2VicHVic3ViLmdyb3VwIjpbImcxIl0sImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ.4NcJfT0mhF8-H1gbrWvtGEwK17k9kmLyeko-Nn4ocbc"}"#;
const TEXT: Option<(&str, &str)> = Some(("text/plain", "hi"));
const JSON: Option<(&str, &str)> = Some(("application/json", r#"{"a":1}"#));
const BYTES: Option<(&str, &str)> = Some(("application/octet-stream", "\u{1}\u{2}"));

fn send<T: 'static>(builder: impl IntoFuture<Output = Result<T>> + 'static) -> Sent {
    Box::pin(async move { builder.await.map(drop) })
}

fn case(
    id: &'static str,
    method: &'static str,
    path: &'static str,
    call: fn(&ServiceClient, &str) -> Sent,
) -> Case {
    let status = match (method, path) {
        (_, path) if path.ends_with(":send") => 202,
        ("DELETE", _) => 204,
        (_, path) if path.ends_with(":closeConnections") => 204,
        _ => 200,
    };
    Case { id, method, path, query: "", body: None, status, response: "", call }
}

impl Case {
    fn query(self, query: &'static str) -> Self {
        Self { query, ..self }
    }

    fn body(self, body: Option<(&'static str, &'static str)>) -> Self {
        Self { body, ..self }
    }

    fn respond(self, response: &'static str) -> Self {
        Self { response, ..self }
    }

    /// Returns the target with `name`, which is already escaped, in place of `{}`.
    pub(crate) fn target(&self, name: &str) -> String {
        let path = self.path.replace("{}", name);
        let more = if self.query.is_empty() { String::new() } else { format!("&{}", self.query) };
        format!("{path}?api-version=2024-12-01{more}")
    }
}

pub(crate) fn all() -> Vec<Case> {
    [hub(), group(), user(), connection()].into_iter().flatten().collect()
}

fn hub() -> Vec<Case> {
    vec![
        case("HealthApi_GetServiceStatus", "HEAD", "/api/health", |s, _| send(s.check_health())),
        case("WebPubSub_AddConnectionsToGroups", "POST", "/api/hubs/chat/:addToGroups", |s, _| {
            send(s.add_connections_to_groups(["g1", "a/b"], Connections::all()))
        })
        .body(Some(("application/json", r#"{"groups":["g1","a/b"]}"#))),
        case("WebPubSub_AddConnectionsToGroups", "POST", "/api/hubs/chat/:addToGroups", |s, _| {
            send(s.add_connections_to_groups(["g1"], Connections::matching(user_id().eq("o'hara"))))
        })
        .body(Some(("application/json", r#"{"groups":["g1"],"filter":"userId eq 'o''hara'"}"#))),
        case("WebPubSub_RemoveConnectionsFromGroups", "POST", "/api/hubs/chat/:removeFromGroups", |s, _| {
            send(s.remove_connections_from_groups(["g1"], Connections::all()))
        })
        .body(Some(("application/json", r#"{"groups":["g1"]}"#))),
        case("WebPubSub_RemoveConnectionsFromGroups", "POST", "/api/hubs/chat/:removeFromGroups", |s, _| {
            send(s.remove_connections_from_groups(["g1"], Connections::matching(groups().contains("g2"))))
        })
        .body(Some(("application/json", r#"{"groups":["g1"],"filter":"'g2' in groups"}"#))),
        case("WebPubSub_CloseAllConnections", "POST", "/api/hubs/chat/:closeConnections", |s, _| {
            send(s.close_all_connections())
        }),
        case("WebPubSub_CloseAllConnections", "POST", "/api/hubs/chat/:closeConnections", |s, _| {
            send(s.close_all_connections().excluded(["c1", "c&2"]).reason("not this").reason("bye now"))
        })
        .query("excluded=c1&excluded=c%262&reason=bye%20now"),
        case("WebPubSub_GenerateClientToken", "POST", "/api/hubs/chat/:generateToken", |s, _| {
            send(s.client_access())
        })
        .query("minutesToExpire=60")
        .respond(TOKEN),
        case("WebPubSub_GenerateClientToken", "POST", "/api/hubs/chat/:generateToken", |s, _| {
            let access = s.client_access().user("a&b").roles([Role::send_to_any_group(), Role::raw("x")]);
            let access = access.groups(["g1", "日本"]).lifetime(Duration::from_secs(60));
            send(access.protocol(ClientProtocol::Mqtt))
        })
        .query(
            "userId=a%26b&role=webpubsub.sendToGroup&role=x&group=g1&group=%E6%97%A5%E6%9C%AC&minutesToExpire=1&clientType=MQTT",
        )
        .respond(TOKEN),
        case("WebPubSub_SendToAll", "POST", "/api/hubs/chat/:send", |s, _| send(s.send_to_all("hi"))).body(TEXT),
        case("WebPubSub_SendToAll", "POST", "/api/hubs/chat/:send", |s, _| {
            let message = Message::json(&serde_json::json!({"a": 1}));
            let sending = s.send_to_all(message).excluded(["c1", "c2"]).message_ttl_seconds(300);
            send(sending.filter(user_id().ne("a")))
        })
        .query("excluded=c1&excluded=c2&messageTtlSeconds=300&filter=userId%20ne%20%27a%27")
        .body(JSON),
    ]
}

fn group() -> Vec<Case> {
    vec![
        case("WebPubSub_GroupExists", "HEAD", "/api/hubs/chat/groups/{}", |s, n| send(s.group(n).exists())),
        case(
            "WebPubSub_CloseGroupConnections",
            "POST",
            "/api/hubs/chat/groups/{}/:closeConnections",
            |s, n| send(s.group(n).close_connections()),
        ),
        case(
            "WebPubSub_CloseGroupConnections",
            "POST",
            "/api/hubs/chat/groups/{}/:closeConnections",
            |s, n| send(s.group(n).close_connections().excluded(["c1", "c2"]).reason("é")),
        )
        .query("excluded=c1&excluded=c2&reason=%C3%A9"),
        case("WebPubSub_SendToGroup", "POST", "/api/hubs/chat/groups/{}/:send", |s, n| {
            send(s.group(n).send("hi"))
        })
        .body(TEXT),
        case("WebPubSub_SendToGroup", "POST", "/api/hubs/chat/groups/{}/:send", |s, n| {
            let sending = s.group(n).send(Message::binary(vec![1, 2])).excluded(["c1"]);
            send(sending.filter(user_id().is_null()).message_ttl_seconds(0))
        })
        .query("excluded=c1&filter=userId%20eq%20null&messageTtlSeconds=0")
        .body(BYTES),
        case("WebPubSub_ListConnectionsInGroup", "GET", "/api/hubs/chat/groups/{}/connections", |s, n| {
            send(s.group(n).list_connections().all())
        })
        .respond(r#"{"value":[]}"#),
        case("WebPubSub_ListConnectionsInGroup", "GET", "/api/hubs/chat/groups/{}/connections", |s, n| {
            let list = s.group(n).list_connections().page_size(200).top(2_147_483_647);
            send(list.continuation_token("a/b=").all())
        })
        .query("maxpagesize=200&top=2147483647&continuationToken=a%2Fb%3D")
        .respond(r#"{"value":[]}"#),
        case("WebPubSub_AddConnectionToGroup", "PUT", "/api/hubs/chat/groups/{}/connections/{}", |s, n| {
            send(s.group(n).add_connection(n))
        }),
        case(
            "WebPubSub_RemoveConnectionFromGroup",
            "DELETE",
            "/api/hubs/chat/groups/{}/connections/{}",
            |s, n| send(s.group(n).remove_connection(n)),
        ),
    ]
}

fn user() -> Vec<Case> {
    vec![
        case("WebPubSub_UserExists", "HEAD", "/api/hubs/chat/users/{}", |s, n| send(s.user(n).exists())),
        case(
            "WebPubSub_CloseUserConnections",
            "POST",
            "/api/hubs/chat/users/{}/:closeConnections",
            |s, n| send(s.user(n).close_connections()),
        ),
        case(
            "WebPubSub_CloseUserConnections",
            "POST",
            "/api/hubs/chat/users/{}/:closeConnections",
            |s, n| send(s.user(n).close_connections().excluded(["c1", "c2"]).reason("bye")),
        )
        .query("excluded=c1&excluded=c2&reason=bye"),
        case("WebPubSub_SendToUser", "POST", "/api/hubs/chat/users/{}/:send", |s, n| {
            send(s.user(n).send("hi"))
        })
        .body(TEXT),
        case("WebPubSub_SendToUser", "POST", "/api/hubs/chat/users/{}/:send", |s, n| {
            let sending = s.user(n).send(String::from("hi")).filter(groups().contains("g"));
            send(sending.message_ttl_seconds(1))
        })
        .query("filter=%27g%27%20in%20groups&messageTtlSeconds=1")
        .body(TEXT),
        case("WebPubSub_RemoveUserFromAllGroups", "DELETE", "/api/hubs/chat/users/{}/groups", |s, n| {
            send(s.user(n).remove_from_all_groups())
        }),
        case("WebPubSub_AddUserToGroup", "PUT", "/api/hubs/chat/users/{}/groups/{}", |s, n| {
            send(s.user(n).add_to_group(n))
        }),
        case("WebPubSub_RemoveUserFromGroup", "DELETE", "/api/hubs/chat/users/{}/groups/{}", |s, n| {
            send(s.user(n).remove_from_group(n))
        }),
    ]
}

fn connection() -> Vec<Case> {
    const SEND: &str = "/api/hubs/chat/permissions/sendToGroup/connections/{}";
    const JOIN: &str = "/api/hubs/chat/permissions/joinLeaveGroup/connections/{}";
    vec![
        case("WebPubSub_ConnectionExists", "HEAD", "/api/hubs/chat/connections/{}", |s, n| {
            send(s.connection(n).exists())
        }),
        case("WebPubSub_CloseConnection", "DELETE", "/api/hubs/chat/connections/{}", |s, n| {
            send(s.connection(n).close())
        }),
        case("WebPubSub_CloseConnection", "DELETE", "/api/hubs/chat/connections/{}", |s, n| {
            send(s.connection(n).close().reason("bye"))
        })
        .query("reason=bye"),
        case("WebPubSub_SendToConnection", "POST", "/api/hubs/chat/connections/{}/:send", |s, n| {
            send(s.connection(n).send("hi"))
        })
        .body(TEXT),
        case("WebPubSub_SendToConnection", "POST", "/api/hubs/chat/connections/{}/:send", |s, n| {
            send(s.connection(n).send(Message::text("hi")).message_ttl_seconds(7).message_ttl_seconds(8))
        })
        .query("messageTtlSeconds=8")
        .body(TEXT),
        case(
            "WebPubSub_RemoveConnectionFromAllGroups",
            "DELETE",
            "/api/hubs/chat/connections/{}/groups",
            |s, n| send(s.connection(n).remove_from_all_groups()),
        ),
        case("WebPubSub_GrantPermission", "PUT", SEND, |s, n| {
            send(s.connection(n).grant_permission(Permission::SendToGroup))
        }),
        case("WebPubSub_GrantPermission", "PUT", JOIN, |s, n| {
            send(s.connection(n).grant_permission(Permission::JoinLeaveGroup).group("a&b"))
        })
        .query("targetName=a%26b"),
        case("WebPubSub_CheckPermission", "HEAD", SEND, |s, n| {
            send(s.connection(n).has_permission(Permission::SendToGroup))
        }),
        case(
            "WebPubSub_CheckPermission",
            "HEAD",
            "/api/hubs/chat/permissions/a%2Fb/connections/{}",
            |s, n| send(s.connection(n).has_permission("a/b").group("g")),
        )
        .query("targetName=g"),
        case("WebPubSub_RevokePermission", "DELETE", SEND, |s, n| {
            send(s.connection(n).revoke_permission("sendToGroup"))
        }),
        case("WebPubSub_RevokePermission", "DELETE", JOIN, |s, n| {
            send(s.connection(n).revoke_permission(Permission::JoinLeaveGroup).group("g"))
        })
        .query("targetName=g"),
    ]
}
