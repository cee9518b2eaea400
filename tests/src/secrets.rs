//! Planted secrets, and the search for them: verbatim, encoded in any way in which programs write text, and in part.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// The length of the parts that are searched for. A cut-off secret is found if it has a whole part left, which the first and
/// the last characters of a secret always are.
const PART: usize = 12;

type Part = [u8; PART];

/// The secrets of a test.
#[derive(Clone)]
pub struct Secrets {
    /// The parts of all forms of all secrets, with the kind and the form of the secret.
    parts: HashMap<Part, (String, &'static str)>,
    /// Whether a part begins with these two bytes: an index of 16 bits.
    begins: Vec<bool>,
    /// Lists of bytes, with the kind of the secret. In them, a part would be too few bytes.
    lists: Vec<(String, String)>,
}

/// A secret that a text contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// Where the text is from.
    pub place: String,
    /// The kind of the secret.
    pub kind: String,
    /// The form that the secret has in the text, such as `base64`.
    pub form: &'static str,
    /// The line of the text that contains it.
    pub line: String,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, kind, form, line } = self;
        write!(f, "{place} shows the {kind} ({form}): {line}")
    }
}

impl Default for Secrets {
    fn default() -> Self {
        Self { parts: HashMap::new(), begins: vec![false; 1 << 16], lists: Vec::new() }
    }
}

impl Secrets {
    /// Plants a secret: remembers all of its forms.
    ///
    /// # Panics
    ///
    /// Panics if the secret is so short that it would be found by accident.
    pub fn plant(&mut self, kind: &str, secret: &str) {
        assert!(secret.len() >= PART, "the {kind} is too short to be searched for");
        for (form, text) in forms(secret.as_bytes()) {
            self.add(kind, form, &text);
        }
        for part in [&secret.as_bytes()[..PART], &secret.as_bytes()[secret.len() - PART..]] {
            for separator in [", ", ","] {
                let list = part.iter().map(u8::to_string).collect::<Vec<_>>().join(separator);
                self.lists.push((list, kind.to_owned()));
            }
        }
        // The secret that a key encodes is a secret as well.
        if let Ok(decoded) = STANDARD.decode(secret)
            && decoded.len() >= PART
        {
            for (_, text) in forms(&decoded) {
                self.add(kind, "decoded from base64", &text);
            }
        }
    }

    /// Plants a JWT: its signature and its claims are secrets. Its head is the same in all tokens.
    pub fn plant_token(&mut self, kind: &str, token: &str) {
        for segment in token.split('.').skip(1).filter(|segment| segment.len() >= PART) {
            for (form, text) in forms(segment.as_bytes()) {
                self.add(kind, form, &text);
            }
        }
    }

    fn add(&mut self, kind: &str, form: &'static str, text: &str) {
        let bytes = text.as_bytes();
        let Some(last) = bytes.len().checked_sub(PART) else { return };
        for start in (0..last).step_by(PART).chain([last]) {
            let Ok(part) = Part::try_from(&bytes[start..start + PART]) else { continue };
            self.begins[begin(&part)] = true;
            self.parts.entry(part).or_insert_with(|| (kind.to_owned(), form));
        }
    }

    /// Returns the secrets in a text, one for each kind and line.
    #[must_use]
    pub fn leaks(&self, place: &str, text: &str) -> Vec<Leak> {
        let mut leaks: Vec<Leak> = Vec::new();
        for line in text.lines() {
            let windows = line.as_bytes().windows(PART).filter(|window| self.begins[begin(window)]);
            let parts = windows.filter_map(|window| self.parts.get(&Part::try_from(window).ok()?));
            let parts = parts.map(|(kind, form)| (kind, *form));
            let lists = self.lists.iter().filter(|(list, _)| line.contains(list.as_str()));
            for (kind, form) in parts.chain(lists.map(|(_, kind)| (kind, "list of bytes"))) {
                if leaks.iter().all(|other| (&other.kind, other.line.as_str()) != (kind, line)) {
                    let (place, kind, line) = (place.to_owned(), kind.clone(), line.to_owned());
                    leaks.push(Leak { place, kind, form, line });
                }
            }
        }
        leaks
    }

    /// Checks that a text contains no secret.
    ///
    /// # Panics
    ///
    /// Panics with the place and the kinds of the secrets that the text contains.
    #[track_caller]
    pub fn assert_absent(&self, place: &str, text: &str) {
        let leaks = self.leaks(place, text);
        let lines: String = leaks.iter().take(5).map(|leak| format!("\n  {leak}")).collect();
        assert!(leaks.is_empty(), "{} leaks:{lines}", leaks.len());
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} parts)", self.parts.len())
    }
}

fn begin(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// Returns the forms in which a secret may appear in a text.
fn forms(secret: &[u8]) -> Vec<(&'static str, String)> {
    let mut forms = vec![
        ("percent-encoded", escaped(secret, |byte| format!("%{byte:02X}"))),
        ("percent-encoded", escaped(secret, |byte| format!("%{byte:02x}"))),
        ("hexadecimal", secret.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))),
        ("hexadecimal", secret.iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))),
        ("bytes of Debug", format!("{}", secret.escape_ascii())),
    ];
    if let Ok(text) = std::str::from_utf8(secret) {
        let json = serde_json::Value::from(text).to_string();
        forms.insert(0, ("verbatim", text.to_owned()));
        forms.push(("JSON", json[1..json.len() - 1].to_owned()));
        forms.push(("Debug", text.escape_debug().to_string()));
        forms.push(("HTML", html(text)));
    }
    for skipped in 0..3 {
        // Within a longer text, the secret may begin at any of the three bytes of a group.
        let whole = &secret[skipped.min(secret.len())..];
        let whole = &whole[..whole.len() / 3 * 3];
        forms.push(("base64", STANDARD.encode(whole)));
        forms.push(("base64", URL_SAFE.encode(whole)));
    }
    forms
}

/// Escapes every byte that is neither a letter nor a digit nor one of `-._~`.
fn escaped(secret: &[u8], escape: impl Fn(u8) -> String) -> String {
    let mut text = String::new();
    for &byte in secret {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "{}", escape(byte));
        }
    }
    text
}

fn html(text: &str) -> String {
    let escapes = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];
    escapes.into_iter().fold(text.to_owned(), |text, (character, escape)| text.replace(character, escape))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "plänted \"s3cret\"+/&<key>";

    fn kinds(text: &str) -> Vec<(String, &'static str)> {
        let mut secrets = Secrets::default();
        secrets.plant("password", SECRET);
        secrets.plant("key", "cGxhbnRlZC1rZXktb2YtdGhlLWh1Yg==");
        secrets.plant_token("token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJlLXBsYW50ZWQ");
        secrets.leaks("log", text).into_iter().map(|leak| (leak.kind, leak.form)).collect()
    }

    #[test]
    fn a_secret_is_found_in_every_form() {
        let base64 = |before: &str| STANDARD.encode(format!("{before}{SECRET} and more"));
        let json = serde_json::json!({ "a": SECRET }).to_string();
        for (text, form) in [
            (format!("x {SECRET} y"), "verbatim"),
            ("a=pl%C3%A4nted%20%22s3cret%22%2B%2F%26%3Ckey%3E&b".to_owned(), "percent-encoded"),
            ("a=pl%c3%a4nted%20%22s3cret%22%2b%2f%26%3ckey%3e&b".to_owned(), "percent-encoded"),
            (json, "JSON"),
            (format!("{SECRET:?}"), "JSON"),
            (format!("{:?}", SECRET.as_bytes()), "list of bytes"),
            (format!("<td>{}</td>", html(SECRET)), "HTML"),
            ("706cc3a46e7465642022733363726574222b2f263c6b65793e".to_owned(), "hexadecimal"),
            (base64(""), "base64"),
            (base64("u"), "base64"),
            (base64("us"), "base64"),
            (base64("us").replace('+', "-").replace('/', "_"), "base64"),
        ] {
            assert_eq!(kinds(&text), [("password".to_owned(), form)], "{text}");
        }
    }

    #[test]
    fn a_part_of_a_secret_is_found() {
        assert_eq!(kinds("cGxhbnRlZC1rZXktb2Yt...")[0].0, "key");
        assert_eq!(kinds("...b2YtdGhlLWh1Yg==")[0].0, "key");
        assert_eq!(kinds("...aGUtaHVi"), [], "too little to be sure");
    }

    #[test]
    fn the_secret_that_a_key_encodes_is_found() {
        assert_eq!(kinds("planted-key-of-the-hub"), [("key".to_owned(), "decoded from base64")]);
    }

    #[test]
    fn each_segment_of_a_token_is_found_except_for_its_head() {
        assert_eq!(kinds("Bearer eyJhbGciOiJIUzI1NiJ9.***"), []);
        assert_eq!(kinds("c2lnbmF0dXJlLXBsYW50ZWQ")[0].0, "token");
        assert_eq!(kinds("eyJzdWIiOiJwbGFudGVkIn0")[0].0, "token");
    }

    #[test]
    fn the_place_and_the_line_of_a_leak_are_reported_once() {
        let mut secrets = Secrets::default();
        secrets.plant("password", SECRET);
        let leaks = secrets.leaks("standard error", &format!("fine\nkey {SECRET} {SECRET}\nfine"));
        assert_eq!(leaks.len(), 1);
        let text = format!("standard error shows the password (verbatim): key {SECRET} {SECRET}");
        assert_eq!(leaks[0].to_string(), text);
        assert!(!format!("{secrets:?}").contains("s3cret"));
    }
}
