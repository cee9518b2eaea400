//! The setters that the requests of both directions share, and the links to the vendor's pages.

/// Defines the setters that registrations and updates share.
macro_rules! setters {
    ($builder:ty, $port:ident, $purpose:literal, $default:literal) => {
        impl $builder {
            /// Sets the description. Default for a registration: an empty description.
            pub fn description(mut self, text: impl Into<String>) -> Self {
                self.call.body.description = Some(text.into());
                self
            }

            /// Sets the note. Default for a registration: an empty note.
            pub fn memo(mut self, memo: impl Into<String>) -> Self {
                self.call.body.memo = Some(memo.into());
                self
            }

            #[doc = concat!("Sets the port that the host ", $purpose, ": 1 to 65,535. Default for a registration: ", $default, ".")]
            pub fn port(mut self, port: u16) -> Self {
                self.call.check(rules::number("port", port.into(), 1, u16::MAX.into()));
                self.call.body.hulft().$port = Some(port);
                self
            }

            /// Sets one of the messages `msg0` to `msg5`, by its number. Default for a registration: an empty message.
            pub fn message(self, number: u8, text: impl Into<String>) -> Self {
                self.with_message("msg", number, 5, text.into())
            }

            /// Sets one of the long messages `msgl0` and `msgl1`, by its number. Default for a registration: an empty
            /// message.
            pub fn long_message(self, number: u8, text: impl Into<String>) -> Self {
                self.with_message("msgl", number, 1, text.into())
            }

            fn with_message(mut self, name: &str, number: u8, max: u8, text: String) -> Self {
                self.call.check(rules::number(name, number.into(), 0, max.into()));
                self.call.body.hulft().messages.insert(format!("{name}{number}"), text);
                self
            }
        }
    };
}

/// Adds the link to the page of the vendor's documentation.
macro_rules! vendor_page {
    ($page:literal) => {
        concat!(
            "\n\nSee the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/",
            $page,
            ".htm)."
        )
    };
}
