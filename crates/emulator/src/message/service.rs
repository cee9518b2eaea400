//! The names of the emulated services and the paths that belong to them.

use super::Request;

/// Identifies one of the emulated services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Service {
    /// Azure Web PubSub, which serves `/api/hubs`, `/api/health`, `/client`, and `/clients`.
    WebPubSub,
    /// Azure Event Grid Namespaces, which serves `/topics` and `/api/events/topics`, and the keys of Entra ID's tenants.
    EventGrid,
    /// HULFT-WebConnect, which serves `/api/v2`.
    Hulft,
}

impl Service {
    /// The name in the settings file, in the journal, and in the paths of the control API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WebPubSub => "webpubsub",
            Self::EventGrid => "eventgrid",
            Self::Hulft => "hulft",
        }
    }

    /// The service that a path belongs to.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        match request.path().as_slice() {
            ["api", "hubs" | "health", ..] | ["client" | "clients", ..] => Some(Self::WebPubSub),
            ["topics", ..] | ["api", "events", "topics", ..] => Some(Self::EventGrid),
            // Where Entra ID serves the keys of a tenant, with which tokens of deliveries are verified.
            [_, "discovery", ..]
            | [_, ".well-known", "openid-configuration"]
            | [_, "v2.0", ".well-known", "openid-configuration"] => Some(Self::EventGrid),
            ["api", "v2", ..] => Some(Self::Hulft),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_belongs_to_one_service() {
        let of = |target: &str| {
            let (method, headers) = (http::Method::GET, http::HeaderMap::new());
            Service::of(&Request::read(method, target.to_owned(), headers, bytes::Bytes::new()).unwrap())
        };
        assert_eq!(of("/api/hubs/chat/:send?api-version=1"), Some(Service::WebPubSub));
        assert_eq!(of("/api/health"), Some(Service::WebPubSub));
        assert_eq!(of("/client/hubs/chat"), Some(Service::WebPubSub));
        assert_eq!(of("/topics/orders:publish"), Some(Service::EventGrid));
        assert_eq!(of("/api/events/topics/orders:publish"), Some(Service::EventGrid));
        assert_eq!(of("/tenant/discovery/v2.0/keys"), Some(Service::EventGrid));
        assert_eq!(of("/tenant/v2.0/.well-known/openid-configuration"), Some(Service::EventGrid));
        assert_eq!(of("/api/v2/agent/status"), Some(Service::Hulft));
        assert_eq!(of("//api/v2/agent/status"), None);
        assert_eq!(of("/"), None);
    }
}
