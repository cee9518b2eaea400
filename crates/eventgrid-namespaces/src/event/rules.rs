//! The rules that a built event must satisfy, one function per kind of attribute.
//!
//! Where the draft of version 1.0.3 of the specification is stricter than 1.0.2, the draft applies, so that events are valid
//! under both.

use super::InvalidEvent;

type Checked = Result<(), InvalidEvent>;

/// The names that the specification reserves.
const RESERVED: [&str; 10] = [
    "specversion",
    "id",
    "source",
    "type",
    "datacontenttype",
    "dataschema",
    "subject",
    "time",
    "data",
    "data_base64",
];

/// Returns the set of bytes that are ASCII letters, digits or one of these marks.
const fn alphanumeric_and(marks: &[u8]) -> [bool; 256] {
    let mut set = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        set[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut mark = 0;
    while mark < marks.len() {
        set[marks[mark] as usize] = true;
        mark += 1;
    }
    set
}

static URI: [bool; 256] = alphanumeric_and(b"-._~:/?#[]@!$&'()*+,;=%");
static SCHEME: [bool; 256] = alphanumeric_and(b"+-.");
static TOKEN: [bool; 256] = alphanumeric_and(b"!#$%&'*+-.^_`|~");

fn consists_of(text: &str, set: &[bool; 256]) -> bool {
    !text.is_empty() && text.bytes().all(|byte| set[usize::from(byte)])
}

/// Returns whether the specification reserves this name, so that no extension may have it.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Returns whether a name consists of the permitted characters.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// Checks an extension's name.
pub(super) fn extension_name(name: &str) -> Checked {
    let invalid = |rule: &str| {
        let shown: String = name.chars().take(64).collect();
        Err(InvalidEvent::new(format!("the extension's name {rule}, got {shown:?}")))
    };
    if is_reserved(name) {
        return invalid("must not be reserved by CloudEvents");
    }
    if !is_name(name) {
        return invalid("must consist of one or more of `a` to `z` and `0` to `9`");
    }
    Ok(())
}

/// Checks a String: no control characters and no Unicode non-characters.
pub(super) fn string(name: &str, value: &str) -> Checked {
    // Most texts are printable ASCII. Without an early exit, the compiler vectorizes the loop.
    if value.bytes().fold(true, |printable, byte| printable & (b' '..=b'~').contains(&byte)) {
        return Ok(());
    }
    let Some(bad) = value.chars().find(|char| is_forbidden(*char)) else { return Ok(()) };
    let rule = format!("must not contain the character U+{:04X}", u32::from(bad));
    Err(InvalidEvent::attribute(name, &rule, value))
}

fn is_forbidden(char: char) -> bool {
    let code = u32::from(char);
    char.is_control() || (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
}

/// Checks a String that must not be empty.
pub(super) fn filled(name: &str, value: &str) -> Checked {
    if value.is_empty() {
        return Err(InvalidEvent::new(format!("the event's `{name}` must not be empty")));
    }
    string(name, value)
}

/// Checks a URI-reference of RFC 3986: its characters, complete percent-escapes, at most one `#`.
pub(super) fn uri_reference(name: &str, value: &str) -> Checked {
    let invalid = |rule| Err(InvalidEvent::attribute(name, rule, value));
    if !consists_of(value, &URI) {
        filled(name, value)?;
        let bad = value.chars().find(|char| !consists_of(char.encode_utf8(&mut [0; 4]), &URI));
        let rule =
            format!("must be a URI-reference, in which {:?} is percent-encoded", bad.unwrap_or_default());
        return invalid(&rule);
    }
    if value.contains('%') && !value.split('%').skip(1).all(is_escape) {
        return invalid("must be a URI-reference, in which two hexadecimal digits follow each `%`");
    }
    if value.bytes().filter(|byte| *byte == b'#').count() > 1 {
        return invalid("must be a URI-reference, which has at most one `#`");
    }
    match value.bytes().position(|byte| b":/?#".contains(&byte)).map(|end| value.split_at(end)) {
        Some((scheme, rest)) if rest.starts_with(':') && !is_scheme(scheme) => {
            invalid("must be a URI-reference, in which a valid scheme precedes the first `:`")
        }
        _ => Ok(()),
    }
}

/// Returns whether the text after a `%` begins with two hexadecimal digits.
fn is_escape(text: &str) -> bool {
    text.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2
}

/// Checks a URI, which is a URI-reference with a scheme.
pub(super) fn uri(name: &str, value: &str) -> Checked {
    uri_reference(name, value)?;
    match value.split_once(':') {
        Some((scheme, _)) if is_scheme(scheme) => Ok(()),
        _ => Err(InvalidEvent::attribute(name, "must be an absolute URI with a scheme", value)),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && consists_of(text, &SCHEME)
}

/// Checks a media type of RFC 2046: `type/subtype` and parameters.
pub(super) fn media_type(name: &str, value: &str) -> Checked {
    if is_essence(value) {
        return Ok(());
    }
    filled(name, value)?;
    let mut parts = Parameters(value);
    if parts.next().is_some_and(is_essence) && parts.all(is_parameter) {
        return Ok(());
    }
    Err(InvalidEvent::attribute(
        name,
        "must be a media type: `type/subtype`, optionally followed by `; name=value`",
        value,
    ))
}

/// Returns whether the text is `type/subtype`.
fn is_essence(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// Iterates over the parts between semicolons. A semicolon inside a quoted string is not a separator.
struct Parameters<'a>(&'a str);

impl<'a> Iterator for Parameters<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let (mut quoted, mut escaped) = (false, false);
        let end = self.0.bytes().position(|byte| {
            let ends = byte == b';' && !quoted;
            quoted ^= byte == b'"' && !escaped;
            escaped = quoted && byte == b'\\' && !escaped;
            ends
        });
        let (part, rest) = end.map_or((self.0, ""), |end| (&self.0[..end], &self.0[end + 1..]));
        self.0 = rest;
        Some(part.trim_matches([' ', '\t']))
    }
}

fn is_parameter(text: &str) -> bool {
    let Some((name, value)) = text.split_once('=') else { return false };
    let quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
    is_token(name) && (is_token(value) || quoted && value.is_ascii())
}

fn is_token(text: &str) -> bool {
    consists_of(text, &TOKEN)
}
