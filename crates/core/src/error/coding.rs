//! Content codings that were not requested. Nothing is ever decompressed: a few bytes may stand for gigabytes, and text in a
//! coding is noise in a log.

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// The maximum number of characters of a coding's name that an error shows.
const MAX_NAME: usize = 32;

/// Returns what an error says about the coding of a body, or `None` if the body is not encoded.
pub(crate) fn unreadable(headers: &HeaderMap) -> Option<String> {
    if !headers.contains_key(CONTENT_ENCODING) {
        return None;
    }
    let codings: Vec<_> =
        headers.get_all(CONTENT_ENCODING).iter().flat_map(|value| names(value.as_bytes())).collect();
    if codings.is_empty() {
        return None;
    }
    let shown: String = codings.join(", ").chars().take(MAX_NAME).collect();
    Some(format!("the body has the content coding {shown:?}, which was not requested"))
}

/// The codings in one header, without `identity` and without characters that no name contains.
fn names(value: &[u8]) -> Vec<String> {
    let is_token = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    let names = value.split(|byte| *byte == b',').map(|name| {
        let name = String::from_utf8_lossy(name);
        let token: String = name.trim().chars().filter(is_token).collect::<String>().to_ascii_lowercase();
        if token.is_empty() && !name.trim().is_empty() { "?".to_owned() } else { token }
    });
    names.filter(|name| !name.is_empty() && name != "identity").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coding_but_identity_is_named() {
        let of = |values: &[&str]| {
            let pairs = values.iter().map(|value| (CONTENT_ENCODING, value.parse().unwrap()));
            unreadable(&pairs.fold(HeaderMap::new(), |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            }))
        };
        for values in [&[][..], &[""], &["identity"], &["Identity, identity"], &[" , "]] {
            assert_eq!(of(values), None, "{values:?}");
        }
        for (values, name) in [
            (&["gzip"][..], "\"gzip\""),
            (&["GZIP"], "\"gzip\""),
            (&["identity, br"], "\"br\""),
            (&["deflate", "gzip"], "\"deflate, gzip\""),
            (&["\"\""], "\"?\""),
        ] {
            let text = of(values).unwrap();
            assert!(text.contains(&format!("coding {name},")), "{text}");
        }
        assert!(of(&["x".repeat(9000).as_str()]).unwrap().len() < 120);
    }
}
