//! The innermost cause of an error: what one line must contain, since most programs print no more than that.

use std::error::Error as StdError;
use std::io;

use super::Error;

/// The innermost error's text, on one line. An [`Error`] on the way is complete.
pub(crate) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    let mut text = None;
    for error in chain(error) {
        last = error;
        if error.is::<Error>() {
            break;
        }
        if let Some(io) = error.downcast_ref::<io::Error>()
            && io.raw_os_error().is_some()
        {
            // Without the number of the operating system's error.
            text = Some(io.kind().to_string());
        }
    }
    let text = text.unwrap_or_else(|| last.to_string());
    if text.contains("failed to lookup address") {
        return "the host name does not resolve".to_owned();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An error and its sources. An `io::Error`'s own source skips the error that it wraps.
pub(crate) fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn the_root_cause_is_one_line_without_the_number_of_the_error() {
        let refused = io::Error::from_raw_os_error(111);
        assert_eq!(root_cause(&io::Error::other(refused)), "connection refused");
        assert_eq!(root_cause(&io::Error::other("a\n b")), "a b");
        let lookup = io::Error::other("failed to lookup address information: Name or service not known");
        assert_eq!(root_cause(&lookup), "the host name does not resolve");
    }

    #[test]
    fn an_error_of_this_crate_is_the_cause_with_all_its_parts() {
        let inner = Error::new(ErrorKind::Transport, "could not connect to login.example:443: broken pipe")
            .with_source(io::Error::from_raw_os_error(32));
        assert_eq!(
            root_cause(&io::Error::other(inner)),
            "could not connect to login.example:443: broken pipe"
        );
    }
}
