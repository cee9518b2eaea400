//! Reads the content type of a message, of a REST request or of an event handler's response.

/// The media type in lower case, and whether text in it is UTF-8.
pub(super) fn media_type(content_type: &str) -> (String, bool) {
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or("").to_ascii_lowercase();
    let charset =
        parts.find_map(|part| part.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("charset")));
    let is_utf8 = charset.is_none_or(|(_, charset)| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"));
    (media_type, is_utf8)
}
