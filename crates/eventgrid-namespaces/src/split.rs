//! Splitting JSON into its parts without parsing them, so that a defect in one part does not affect the others: invalid UTF-8,
//! control characters, malformed escapes and numbers.

/// Returns the elements of the array that is an object's member `name`, or `None` if there is no such array, or if quotation
/// marks and brackets do not match.
pub(crate) fn array<'a>(object: &'a [u8], name: &str) -> Option<Vec<&'a [u8]>> {
    parts(member(&members(object)?, name)?, b'[', b']')
}

/// Returns the elements of an array, or `None` if quotation marks and brackets do not match.
pub(crate) fn elements(json: &[u8]) -> Option<Vec<&[u8]>> {
    parts(json, b'[', b']')
}

/// Returns the names and values of an object's members. A name that cannot be read is empty.
pub(crate) fn members(object: &[u8]) -> Option<Vec<(String, &[u8])>> {
    parts(object, b'{', b'}')?.into_iter().map(named).collect()
}

/// Returns the value of a member, or `None` if it is missing or `null`. If a name appears twice, the last one wins.
pub(crate) fn member<'a>(members: &[(String, &'a [u8])], name: &str) -> Option<&'a [u8]> {
    let (_, value) = members.iter().rev().find(|(given, _)| given == name)?;
    (*value != b"null").then_some(*value)
}

fn named(member: &[u8]) -> Option<(String, &[u8])> {
    let mut escaped = false;
    let end = member.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })?;
    let (name, value) = member.split_at(end + 2);
    let value = value.trim_ascii_start().strip_prefix(b":")?.trim_ascii();
    Some((serde_json::from_slice(name).unwrap_or_default(), value))
}

/// Splits an object or an array at its commas.
fn parts(json: &[u8], open: u8, close: u8) -> Option<Vec<&[u8]>> {
    let json = json.trim_ascii().strip_prefix(&[open])?.strip_suffix(&[close])?;
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in json.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => {
                parts.push(json[start..at].trim_ascii());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = json[start..].trim_ascii();
    if !(parts.is_empty() && last.is_empty()) {
        parts.push(last);
    }
    let complete = !quoted && depth == 0 && parts.iter().all(|part| !part.is_empty());
    complete.then_some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn parts_are_returned_verbatim_whatever_is_wrong_inside_them() {
        let json = b" {\"a\":[1],\"\\u0076alue\" : [ {\"x\":\"],\xff\\\"\"} , \"\x01\\q,\",NaN, [[{}]] ] }\n";
        let parts: [&[u8]; 4] = [b"{\"x\":\"],\xff\\\"\"}", b"\"\x01\\q,\"", b"NaN", b"[[{}]]"];
        assert_eq!(array(json, "value").unwrap(), parts);
        let members = members(parts[0]).unwrap();
        assert_eq!(member(&members, "x").unwrap(), b"\"],\xff\\\"\"");
        assert_eq!(member(&members, "y"), None);
    }

    #[test]
    fn what_is_not_complete_has_no_parts() {
        for json in [
            "",
            "{",
            "[]",
            "{\"value\":{}}",
            "{\"value\":null}",
            "{\"value\":[}",
            "{\"value\":[1,]}",
            "{\"value\":[,1]}",
            "{\"value\":[{\"a\":1}",
            "{\"value\":[\"a]}",
            "{\"value\"[]}",
            "{\"value\":[]}}",
            "{\"value\":[]} x",
            "{1:[]}",
            "{\"value\":[]]}",
            "<html>",
        ] {
            assert_eq!(array(json.as_bytes(), "value"), None, "{json}");
        }
        assert_eq!(array(b"{\"value\":[ ]}", "value").unwrap(), [b""; 0]);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<i32>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..4).prop_map(Value::from_iter),
            ]
        })
    }

    proptest! {
        #[test]
        fn valid_json_is_split_as_serde_json_parses_it(values in proptest::collection::vec(value(), 0..5), pretty in any::<bool>()) {
            let json = json!({"value": values, "more": {"value": 1}});
            let text = if pretty { serde_json::to_vec_pretty(&json) } else { serde_json::to_vec(&json) }.unwrap();
            let parts = array(&text, "value").unwrap();
            let parts: Vec<Value> = parts.into_iter().map(|part| serde_json::from_slice(part).unwrap()).collect();
            prop_assert_eq!(parts, values);
        }

        #[test]
        fn any_bytes_are_split_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in "[\\{\\}\\[\\]\":,\\\\a1 ]{0,60}") {
            let _ = (members(&bytes), array(&bytes, "a"), members(text.as_bytes()), array(text.as_bytes(), "a"));
        }
    }
}
