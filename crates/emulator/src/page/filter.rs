//! What a viewer of the page wants to see: entries that contain a text, and requests of one service.

use crate::message::Request;

/// The filter of a view. By default, everything is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(super) text: String,
    pub(super) service: String,
}

impl Filter {
    pub(super) fn of(request: &Request) -> Self {
        let value = |name| request.query(name).unwrap_or_default().trim().to_owned();
        Self { text: value("filter"), service: value("service") }
    }

    /// Whether an entry with these texts is shown. The case of ASCII letters does not matter.
    pub(crate) fn shows<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        let wanted = self.text.to_ascii_lowercase();
        wanted.is_empty() || texts.into_iter().any(|text| text.to_ascii_lowercase().contains(&wanted))
    }

    /// Whether requests of a service are shown.
    pub(crate) fn shows_service(&self, name: &str) -> bool {
        self.service.is_empty() || self.service == name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_shown_if_one_of_its_texts_contains_the_wanted_one() {
        let filter = Filter { text: "Ann".to_owned(), service: "hulft".to_owned() };
        assert!(filter.shows(["x", "joanne"]) && !filter.shows(["x"]) && Filter::default().shows([]));
        assert!(filter.shows_service("hulft") && !filter.shows_service("-"));
    }
}
