//! Which client a document belongs to.

use service_core::{BoxError, Operation};

use super::document::Document;

/// One client, and what its service's documents are known by.
#[derive(Debug)]
pub struct Service {
    /// The client's crate.
    pub name: &'static str,
    /// The operations that the client knows.
    pub known: &'static [&'static Operation],
    /// Appears in the title of every document of the service.
    title: &'static str,
    /// Appears in its paths and in those of no other service.
    path: &'static str,
}

/// Every client there is.
pub static SERVICES: [Service; 3] = [
    Service {
        name: "webpubsub",
        known: &webpubsub::operations::ALL,
        title: "Azure Web PubSub Service",
        path: "/api/hubs/{hub}",
    },
    Service {
        name: "eventgrid-namespaces",
        known: &eventgrid_namespaces::operations::ALL,
        title: "Azure.Messaging.EventGridClient",
        path: "/topics/{topicName}/eventsubscriptions/",
    },
    Service {
        name: "hulft-webconnect",
        known: &hulft_webconnect::operations::ALL,
        title: "HULFT-WebConnect Site API",
        path: "/api/v2/agent/",
    },
];

impl Service {
    /// The client that a document belongs to: by a path that no other service has, or by its title.
    ///
    /// # Errors
    ///
    /// A document of none of the services.
    pub fn of(document: &Document) -> Result<&'static Self, BoxError> {
        let has_path =
            |service: &Self| document.operations.iter().any(|it| it.path.starts_with(service.path));
        let found = SERVICES.iter().find(|it| has_path(it) || document.title.contains(it.title));
        found.ok_or_else(|| {
            let names: Vec<_> = SERVICES.iter().map(|service| service.name).collect();
            let title = &document.title;
            format!(
                "is of no known service, by its title `{title}` and its paths; there are: {}",
                names.join(", ")
            )
            .into()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn document(title: &str, path: &str) -> Document {
        let text = format!(
            r#"{{"swagger": "2.0", "info": {{"title": "{title}"}}, "paths": {{"{path}": {{"get": {{}}}}}}}}"#
        );
        Document::parse(&text, Path::new("")).unwrap()
    }

    #[test]
    fn a_service_is_known_by_a_path_or_by_its_title() {
        for (title, path, name) in [
            ("", "/api/hubs/{hub}/:new", "webpubsub"),
            ("Azure Web PubSub Service REST API", "/v2/hubs", "webpubsub"),
            ("", "/topics/{topicName}/eventsubscriptions/{name}:peek", "eventgrid-namespaces"),
            ("Azure.Messaging.EventGridClient", "/", "eventgrid-namespaces"),
            ("", "/api/v2/agent/status", "hulft-webconnect"),
        ] {
            assert_eq!(Service::of(&document(title, path)).unwrap().name, name, "{title} {path}");
        }
    }

    #[test]
    fn a_document_of_another_service_is_rejected_with_the_names_of_the_known_ones() {
        // The data plane of Event Grid's topics outside namespaces.
        let error = Service::of(&document("EventGridClient", "/api/events")).unwrap_err().to_string();
        assert!(
            error.contains("`EventGridClient`") && error.contains("webpubsub, eventgrid-namespaces"),
            "{error}"
        );
    }
}
