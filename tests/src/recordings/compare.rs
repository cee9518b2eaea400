//! How a response differs from the recorded one: status, headers that clients may read, and the body, member by member.

use http::Method;
use serde_json::Value;

use super::{Exchange, Received};

/// Members whose text is new in every response: only kind and length are compared.
const FRESH: [&str; 5] = ["timestamp_utc", "tracking_id", "lockToken", "connectionId", "token"];
/// What recorders wrote in place of such a text, in another length.
const MADE_UP: [&str; 2] = ["fake-lock-token", "<jwt>"];
/// Lengths follow from the bodies, which are compared.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// Every difference, in words; `expected` is the recorded body with the values of this run put in.
pub(super) fn differences(exchange: &Exchange, expected: &Value, response: &Received) -> Vec<String> {
    let mut differences = Vec::new();
    if response.status != exchange.status {
        differences.push(format!("status {} instead of {}", response.status, exchange.status));
    }
    headers(exchange, response, &mut differences);
    let body = match std::str::from_utf8(&response.body) {
        Ok("") => Value::Null,
        Ok(text) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        Err(_) => "bytes that are no text".into(),
    };
    compare("body", expected, &body, &mut differences);
    differences
}

fn headers(exchange: &Exchange, response: &Received, differences: &mut Vec<String>) {
    let got = |name: &str| response.headers.get(name).and_then(|value| value.to_str().ok());
    for (name, recorded) in &exchange.response.headers {
        let got = got(name);
        let alike = match name.as_str() {
            // What a response to HEAD announces is all that can be compared of its body.
            "content-length" if exchange.method == Method::HEAD => got == Some(recorded),
            name if FRAMING.contains(&name) => true,
            // A recording is as old as the versions that it names.
            "api-supported-versions" => {
                got.is_some_and(|got| recorded.split(", ").all(|it| got.contains(it)))
            }
            _ => got == Some(recorded),
        };
        if !alike {
            differences.push(format!("{name}: {got:?} instead of `{recorded}`"));
        }
    }
    // Which of the two frames a body is the HTTP library's choice; that nothing does is the service's.
    let recorded = FRAMING.iter().any(|name| exchange.response.header(name).is_some());
    if recorded != FRAMING.iter().any(|name| got(name).is_some()) {
        let there = if recorded { "no" } else { "an unexpected" };
        differences.push(format!("{there} content-length or transfer-encoding"));
    }
}

fn compare(at: &str, expected: &Value, got: &Value, differences: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            for (name, value) in expected {
                match got.get(name) {
                    Some(got) => compare(&format!("{at}.{name}"), value, got, differences),
                    None => differences.push(format!("{at} has no `{name}`")),
                }
            }
            let more = got.keys().filter(|name| !expected.contains_key(*name));
            differences.extend(more.map(|name| format!("{at} has `{name}` besides")));
        }
        (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
            for (index, (expected, got)) in expected.iter().zip(got).enumerate() {
                compare(&format!("{at}[{index}]"), expected, got, differences);
            }
        }
        (Value::String(expected), Value::String(got)) if is_fresh(at) => {
            if expected.len() != got.len() && !MADE_UP.contains(&expected.as_str()) {
                differences.push(format!("{at} has {} characters instead of {}", got.len(), expected.len()));
            }
        }
        _ if expected == got => {}
        _ => differences.push(format!("{at}: {got} instead of {expected}")),
    }
}

fn is_fresh(at: &str) -> bool {
    at.rsplit('.').next().is_some_and(|name| FRESH.contains(&name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differences_of(expected: &Value, got: &Value) -> Vec<String> {
        let mut differences = Vec::new();
        compare("body", expected, got, &mut differences);
        differences
    }

    #[test]
    fn each_difference_of_a_body_is_told_with_its_place() {
        let expected = json!({"value": [{"a": 1, "gone": null}], "same": true});
        let got = json!({"value": [{"a": "1", "new": 0}], "same": true});
        assert_eq!(
            differences_of(&expected, &got),
            [
                "body.value[0].a: \"1\" instead of 1",
                "body.value[0] has no `gone`",
                "body.value[0] has `new` besides"
            ]
        );
        assert_eq!(differences_of(&json!([1]), &json!([1, 2])), ["body: [1,2] instead of [1]"]);
    }

    #[test]
    fn what_is_new_each_time_has_the_recorded_length() {
        assert!(differences_of(&json!({"lockToken": "abcd"}), &json!({"lockToken": "efgh"})).is_empty());
        assert!(differences_of(&json!({"token": "<jwt>"}), &json!({"token": "a.b.c.d"})).is_empty());
        assert_eq!(differences_of(&json!({"lockToken": "abcd"}), &json!({"lockToken": ""})).len(), 1);
        assert_eq!(differences_of(&json!({"lockToken": "abcd"}), &json!({"lockToken": 1})).len(), 1);
    }
}
